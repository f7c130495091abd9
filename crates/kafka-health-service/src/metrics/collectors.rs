//! How collecting itself goes, for what is collected as a whole. (Probes of brokers and checks of
//! ZooKeeper nodes have series of their own.)

use prometheus::proto::MetricType;

use super::{Family, Sample, count_u64, seconds};
use crate::snapshot::Attempts;
use crate::state::View;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "kafka_health_collector_last_success_timestamp_seconds",
        help: "When the collector last saw everything that it wanted to see.",
        kind: MetricType::GAUGE,
        labels: &["collector"],
        samples: |view| each(view, |attempts| attempts.last_success.map(seconds)),
    },
    Family {
        name: "kafka_health_collector_duration_seconds",
        help: "How long the collector's newest attempt took.",
        kind: MetricType::GAUGE,
        labels: &["collector"],
        samples: |view| each(view, |attempts| Some(attempts.last_duration?.as_secs_f64())),
    },
    Family {
        name: "kafka_health_collector_errors_total",
        help: "Attempts of the collector that failed or were incomplete.",
        kind: MetricType::COUNTER,
        labels: &["collector"],
        samples: |view| each(view, |attempts| Some(count_u64(attempts.failed))),
    },
    Family {
        name: "kafka_health_requests_total",
        help: "Requests that this service sent to brokers, by Kafka's name of the request.",
        kind: MetricType::COUNTER,
        labels: &["request"],
        samples: |view| {
            let requests = view.snapshot.requests.iter();
            requests
                .map(|(name, count)| Sample::of(name, count_u64(*count)))
                .collect()
        },
    },
];

fn each(view: &View, value: fn(&Attempts) -> Option<f64>) -> Vec<Sample> {
    let snapshot = &view.snapshot;
    [
        ("partitions", &snapshot.topics.attempts),
        ("topic_settings", &snapshot.topic_settings.attempts),
        ("consumer_groups", &snapshot.groups.attempts),
        ("rights", &snapshot.rights.attempts),
    ]
    .into_iter()
    .filter_map(|(name, attempts)| Some(Sample::of(&name, value(attempts)?)))
    .collect()
}
