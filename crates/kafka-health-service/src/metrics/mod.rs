//! What `/metrics` shows of the cluster: read from the snapshot at each scrape, so that series of
//! vanished subjects vanish and what is not known is left out.
//!
//! A registered gauge would export 0 before anything is known. Each family is declared once, in the
//! table of its file.

mod brokers;
mod certificates;
mod cluster;
mod collectors;
mod groups;
mod incidents;
mod zookeeper;

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{self, LabelPair, Metric, MetricType};
use prometheus::{Opts, Registry};

use crate::state::{State, View};

/// One metric family: its declaration, and how its samples are read.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    labels: &'static [&'static str],
    samples: fn(&View) -> Vec<Sample>,
}

/// One series at one time: the values of the family's labels, in order, and its own.
struct Sample {
    labels: Vec<String>,
    value: f64,
}

/// All families.
fn families() -> impl Iterator<Item = &'static Family> {
    [
        cluster::FAMILIES,
        brokers::FAMILIES,
        groups::FAMILIES,
        zookeeper::FAMILIES,
        certificates::FAMILIES,
        collectors::FAMILIES,
        incidents::FAMILIES,
    ]
    .into_iter()
    .flatten()
}

/// Adds the cluster's metrics to `registry`.
///
/// # Errors
/// The registry has metrics of these names.
pub fn register(registry: &Registry, state: State) -> prometheus::Result<()> {
    let descriptions = families().map(Family::describe).collect::<Result<_, _>>()?;
    registry.register(Box::new(ClusterCollector {
        state,
        descriptions,
    }))
}

struct ClusterCollector {
    state: State,
    descriptions: Vec<Desc>,
}

impl Collector for ClusterCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let view = self.state.view();
        families().map(|family| family.read(&view)).collect()
    }
}

impl Family {
    fn describe(&self) -> prometheus::Result<Desc> {
        let labels = self.labels.iter().map(ToString::to_string).collect();
        let options = Opts::new(self.name, self.help);
        Desc::new(options.fq_name(), options.help, labels, HashMap::new())
    }

    fn read(&self, view: &View) -> proto::MetricFamily {
        let samples = (self.samples)(view);
        let mut family = proto::MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(self.kind);
        family.set_metric(
            samples
                .into_iter()
                .map(|sample| self.metric(sample))
                .collect(),
        );
        family
    }

    fn metric(&self, sample: Sample) -> Metric {
        let labels = self.labels.iter().zip(sample.labels).map(|(name, value)| {
            let mut label = LabelPair::default();
            label.set_name((*name).to_owned());
            label.set_value(value);
            label
        });
        let mut metric = Metric::from_label(labels.collect());
        if self.kind == MetricType::COUNTER {
            let mut counter = proto::Counter::default();
            counter.set_value(sample.value);
            metric.set_counter(counter);
        } else {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(sample.value);
            metric.set_gauge(gauge);
        }
        metric
    }
}

impl Sample {
    /// The only series of a family without labels; none if the value is not known.
    fn only(value: Option<f64>) -> Vec<Self> {
        let labels = Vec::new();
        value
            .map(|value| Self { labels, value })
            .into_iter()
            .collect()
    }

    /// The series of a family with one label.
    fn of(label: &impl ToString, value: f64) -> Self {
        Self {
            labels: vec![label.to_string()],
            value,
        }
    }
}

/// Counts are far below 2^53, up to which every whole number is exact.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn count(number: usize) -> f64 {
    number as f64
}

/// Counts of records and attempts; see [`count`].
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn count_u64(number: u64) -> f64 {
    number as f64
}

/// Seconds since 1970.
fn seconds(moment: crate::moment::Moment) -> f64 {
    moment.time().as_duration().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use prometheus::TextEncoder;

    use super::*;
    use crate::fixtures::{Cluster, refused};
    use crate::rules::Limits;
    use crate::snapshot::{Snapshot, Store};

    fn scrape(snapshot: Snapshot) -> String {
        scrape_with(snapshot, 1)
    }

    fn scrape_with(snapshot: Snapshot, partition_series: usize) -> String {
        let registry = Registry::new();
        let state = State::new(Arc::new(Store::new(snapshot)), Limits::default())
            .with_partition_series(partition_series);
        register(&registry, state).unwrap();
        TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap()
    }

    fn has(text: &str, line: &str) -> bool {
        text.lines().any(|found| found == line)
    }

    #[test]
    fn a_healthy_cluster_shows_the_metrics_of_the_contract() {
        let text = scrape(Cluster::healthy().snapshot);
        for line in [
            "kafka_cluster_brokers_expected 3",
            "kafka_cluster_brokers_healthy 3",
            "kafka_cluster_topics 1",
            "kafka_cluster_topics_healthy 1",
            "kafka_cluster_under_replicated_partitions 0",
            "kafka_cluster_offline_partitions 0",
            "kafka_cluster_under_min_isr_partitions 0",
            "kafka_broker_up{broker_id=\"1\"} 1",
            "kafka_consumer_lag{group=\"log-processor\"} 0",
            "kafka_consumergroup_lag{consumergroup=\"log-processor\",topic=\"log-events\",partition=\"0\"} 0",
            "kafka_health_partition_series_left_out 0",
            "kafka_cluster_health_status{status=\"HEALTHY\"} 1",
            "kafka_cluster_health_status{status=\"UNKNOWN\"} 0",
            "# TYPE kafka_broker_probe_failures_total counter",
        ] {
            assert!(has(&text, line), "{line}\n{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let text = scrape(Snapshot::default());
        assert!(
            has(&text, "kafka_cluster_health_status{status=\"UNKNOWN\"} 1"),
            "{text}"
        );
        for name in [
            "kafka_cluster_brokers",
            "kafka_cluster_topics",
            "kafka_cluster_u",
            "kafka_cluster_o",
            "kafka_broker",
            "kafka_consumer",
            "zookeeper",
            "NaN",
            "-1",
        ] {
            assert!(!text.contains(name), "{name}\n{text}");
        }
    }

    #[test]
    fn an_expected_broker_of_which_nothing_is_known_is_counted_as_expected_only() {
        let text = scrape(Snapshot::expecting(&[1, 2, 3], &[]));
        assert!(has(&text, "kafka_cluster_brokers_expected 3"), "{text}");
        assert!(has(&text, "kafka_cluster_brokers_healthy 0"), "{text}");
        assert!(!text.contains("kafka_broker_up"), "{text}");
    }

    #[test]
    fn a_broker_that_is_down_is_0_and_a_vanished_group_has_no_series() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.broker(1).probes.record(refused(now));
        cluster
            .snapshot
            .groups
            .publish(crate::snapshot::Groups::default(), now);
        let text = scrape(cluster.snapshot);
        assert!(has(&text, "kafka_broker_up{broker_id=\"1\"} 0"), "{text}");
        assert!(has(&text, "kafka_cluster_brokers_healthy 2"), "{text}");
        assert!(!text.contains("kafka_consumer_lag"), "{text}");
    }

    #[test]
    fn partitions_beyond_the_bound_are_counted_and_not_shown() {
        let text = scrape_with(Cluster::healthy().snapshot, 0);
        assert!(!text.contains("kafka_consumergroup_lag{"), "{text}");
        assert!(
            has(&text, "kafka_health_partition_series_left_out 1"),
            "{text}"
        );
    }

    #[test]
    fn names_and_units_follow_the_conventions() {
        let mut names = BTreeSet::new();
        for family in families() {
            assert!(
                names.insert(family.name),
                "{} is declared twice",
                family.name
            );
            let is_total = family.name.ends_with("_total");
            assert_eq!(
                is_total,
                family.kind == MetricType::COUNTER,
                "{}",
                family.name
            );
            assert!(family.help.ends_with('.'), "{}", family.name);
            assert!(family.describe().is_ok(), "{}", family.name);
        }
    }
}
