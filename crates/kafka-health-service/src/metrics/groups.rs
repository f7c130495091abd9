//! Each consumer group.

use prometheus::proto::MetricType;

use super::{Family, Sample, count, count_u64};
use crate::rules::LagVerdict;
use crate::snapshot::Group;
use crate::state::View;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "kafka_consumer_lag",
        help: "Records that the group has not committed yet, over all partitions where that is known.",
        kind: MetricType::GAUGE,
        labels: &["group"],
        samples: |view| each(view, |group| group.known_lag().map(count_u64)),
    },
    Family {
        name: "kafka_consumer_lag_unknown_partitions",
        help: "Partitions of the group whose lag is not known, and not part of its sum.",
        kind: MetricType::GAUGE,
        labels: &["group"],
        samples: |view| each(view, |group| Some(count(unknown(group)))),
    },
];

/// One series for each group whose lag was measured recently.
fn each(view: &View, value: fn(&Group) -> Option<f64>) -> Vec<Sample> {
    let Some(seen) = &view.snapshot.groups.seen else {
        return Vec::new();
    };
    let known = view.judgement.groups.iter().filter_map(|(id, verdict)| {
        let group = seen.value.by_id.get(id)?;
        let known = verdict.lag == LagVerdict::Known;
        known
            .then(|| value(group))
            .flatten()
            .map(|value| Sample::of(id, value))
    });
    known.collect()
}

fn unknown(group: &Group) -> usize {
    let lags = group.partitions.values();
    lags.filter(|lag| lag.records().is_none()).count()
}
