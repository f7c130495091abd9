//! The cluster as a whole.

use prometheus::proto::MetricType;

use super::{Family, Sample, count, count_u64};
use crate::rules::{Status, TopicVerdict};
use crate::snapshot::Controller;
use crate::state::View;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "kafka_cluster_health_status",
        help: "1 for the present status of the cluster, 0 for the others.",
        kind: MetricType::GAUGE,
        labels: &["status"],
        samples: status,
    },
    Family {
        name: "kafka_cluster_brokers_expected",
        help: "Brokers that should be there: configured ones, and every one ever seen.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(brokers(view, view.judgement.brokers.len())),
    },
    Family {
        name: "kafka_cluster_brokers_healthy",
        help: "Brokers known to answer and counted in by the cluster.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(brokers(view, view.judgement.healthy_brokers())),
    },
    Family {
        name: "kafka_cluster_controller_id",
        help: "The broker that is the controller; left out while none is known.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(controller(view, |seen| seen.id.map(f64::from))),
    },
    Family {
        name: "kafka_cluster_controller_changes_total",
        help: "How often another broker became the controller since this service started.",
        kind: MetricType::COUNTER,
        labels: &[],
        samples: |view| Sample::only(controller(view, |seen| Some(count_u64(seen.changes)))),
    },
    Family {
        name: "kafka_cluster_one_rack_partitions",
        help: "Partitions whose replicas all stand in one rack though there are several.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(topics(view, |topic| topic.one_rack)),
    },
    Family {
        name: "kafka_cluster_topics",
        help: "Topics, Kafka's own included.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(topics(view, |_| Some(1))),
    },
    Family {
        name: "kafka_cluster_topics_healthy",
        help: "Topics whose partitions all have a leader and all their replicas in sync.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(topics(view, |topic| Some(usize::from(topic.healthy)))),
    },
    Family {
        name: "kafka_cluster_under_replicated_partitions",
        help: "Partitions with fewer replicas in sync than assigned.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(topics(view, |topic| Some(topic.under_replicated))),
    },
    Family {
        name: "kafka_cluster_offline_partitions",
        help: "Partitions without a leader.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(topics(view, |topic| Some(topic.offline))),
    },
    Family {
        name: "kafka_cluster_under_min_isr_partitions",
        help: "Partitions with fewer replicas in sync than min.insync.replicas.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(topics(view, |topic| topic.under_min_in_sync)),
    },
    Family {
        name: "kafka_cluster_at_min_isr_partitions",
        help: "Partitions with just as many replicas in sync as min.insync.replicas.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(topics(view, |topic| topic.at_min_in_sync)),
    },
    Family {
        name: "kafka_cluster_at_risk_partitions",
        help: "Under-replicated partitions that would refuse writes or go offline with one replica less.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(topics(view, |topic| topic.at_risk)),
    },
    Family {
        name: "kafka_cluster_writes_blocked_partitions",
        help: "Partitions that refuse writes with acks=all: offline, or under min.insync.replicas.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(topics(view, |topic| topic.writes_blocked)),
    },
    Family {
        name: "kafka_cluster_not_preferred_leader_partitions",
        help: "Partitions that are not led by their preferred replica.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: |view| Sample::only(topics(view, |topic| Some(topic.not_preferred_leader))),
    },
];

fn status(view: &View) -> Vec<Sample> {
    Status::ALL
        .into_iter()
        .map(|status| Sample::of(&status, count(usize::from(view.judgement.status == status))))
        .collect()
}

/// Left out until any broker is known of.
fn brokers(view: &View, number: usize) -> Option<f64> {
    (!view.judgement.brokers.is_empty()).then(|| count(number))
}

/// A sum over all topics; not known when topics were not read, or too long ago.
fn topics(view: &View, each: fn(&TopicVerdict) -> Option<usize>) -> Option<f64> {
    if !view.judgement.knows_partitions() {
        return None;
    }
    let sum = view
        .judgement
        .topics
        .values()
        .map(each)
        .sum::<Option<usize>>()?;
    Some(count(sum))
}

fn controller(view: &View, value: fn(&Controller) -> Option<f64>) -> Option<f64> {
    value(&view.snapshot.controller.seen.as_ref()?.value)
}
