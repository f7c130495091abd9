//! Incidents, and whether alerts are silent.

use prometheus::proto::MetricType;

use super::{Family, Sample, count, count_u64};
use crate::record::Counts;
use crate::rules::Status;
use crate::state::View;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "kafka_health_incidents_open",
        help: "Incidents that go on, by the worst that each makes of the status.",
        kind: MetricType::GAUGE,
        labels: &["severity"],
        samples: |view| {
            each(view, |counts, status| {
                count(counts.open.get(&status).copied().unwrap_or(0))
            })
        },
    },
    Family {
        name: "kafka_health_incidents_total",
        help: "Incidents that began since this service started.",
        kind: MetricType::COUNTER,
        labels: &["severity"],
        samples: |view| {
            each(view, |counts, status| {
                count_u64(counts.begun.get(&status).copied().unwrap_or(0))
            })
        },
    },
    Family {
        name: "kafka_health_maintenance",
        help: "1 while a maintenance window is open and alerts are silent, 0 otherwise.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(Some(count(usize::from(view.silent)))),
    },
];

fn each(view: &View, value: fn(&Counts, Status) -> f64) -> Vec<Sample> {
    let counts = view.record.counts();
    let severities = Status::ALL
        .into_iter()
        .filter(|status| *status != Status::Healthy);
    severities
        .map(|status| Sample::of(&status, value(&counts, status)))
        .collect()
}
