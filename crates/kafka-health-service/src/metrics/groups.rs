//! Each consumer group.

use std::time::Duration;

use prometheus::proto::MetricType;

use super::{Family, Sample, count, count_u64};
use crate::rules::{GroupTime, LagVerdict};
use crate::snapshot::{Group, PartitionLag};
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
    Family {
        name: "kafka_consumer_lag_seconds",
        help: "How long the oldest record that the group has not committed has waited, at most.",
        kind: MetricType::GAUGE,
        labels: &["group"],
        samples: |view| in_time(view, |time| time.at_most),
    },
    Family {
        name: "kafka_consumer_lag_at_least_seconds",
        help: "How long the oldest record that the group has not committed has waited, at least.",
        kind: MetricType::GAUGE,
        labels: &["group"],
        samples: |view| in_time(view, |time| time.at_least),
    },
    Family {
        name: "kafka_consumer_catch_up_seconds",
        help: "When the group will have caught up at its pace of the last minute; left out while it does not get nearer.",
        kind: MetricType::GAUGE,
        labels: &["group"],
        samples: |view| in_time(view, |time| time.catch_up),
    },
    Family {
        name: "kafka_consumer_retention_left_seconds",
        help: "When retention may begin to delete records that the group has not committed.",
        kind: MetricType::GAUGE,
        labels: &["group"],
        samples: |view| in_time(view, |time| time.retention_left),
    },
    Family {
        name: "kafka_consumer_group_class",
        help: "1 for the class of the group: active, empty, residue_of_transactions, no_commit, growing, unsubscribed, stalled, stopped, topic_deleted or data_lost.",
        kind: MetricType::GAUGE,
        labels: &["group", "class"],
        samples: classes,
    },
    // The name and labels of kafka_exporter, which dashboards of others read.
    Family {
        name: "kafka_consumergroup_lag",
        help: "Records of one partition that the group has not committed yet.",
        kind: MetricType::GAUGE,
        labels: &["consumergroup", "topic", "partition"],
        samples: by_partition,
    },
    Family {
        name: "kafka_consumergroup_current_offset",
        help: "What the group committed on one partition.",
        kind: MetricType::GAUGE,
        labels: &["consumergroup", "topic", "partition"],
        samples: offsets,
    },
    Family {
        name: "kafka_consumergroup_lag_sum",
        help: "Records of one topic that the group has not committed yet.",
        kind: MetricType::GAUGE,
        labels: &["consumergroup", "topic"],
        samples: by_topic,
    },
    Family {
        name: "kafka_consumergroup_members",
        help: "Members of the group.",
        kind: MetricType::GAUGE,
        labels: &["consumergroup"],
        samples: |view| each(view, |group| group.members.map(count)),
    },
    Family {
        name: "kafka_health_partition_series_left_out",
        help: "Partitions with known lag that kafka_consumergroup_lag does not show, by --most-partition-series.",
        kind: MetricType::GAUGE,
        labels: &[],
        samples: left_out,
    },
];

/// One series for each group whose lag was measured recently.
fn each(view: &View, value: fn(&Group) -> Option<f64>) -> Vec<Sample> {
    measured(view)
        .filter_map(|(id, group)| Some(Sample::of(id, value(group)?)))
        .collect()
}

/// One series for each group whose lag was measured recently and is known in time.
fn in_time(view: &View, value: fn(&GroupTime) -> Option<Duration>) -> Vec<Sample> {
    let groups = view.judgement.groups.iter();
    let known = groups.filter(|(_, verdict)| verdict.lag == LagVerdict::Known);
    known
        .filter_map(|(id, verdict)| Some(Sample::of(id, value(&verdict.time)?.as_secs_f64())))
        .collect()
}

/// Groups whose lag was measured recently.
fn measured(view: &View) -> impl Iterator<Item = (&String, &Group)> {
    let seen = view.snapshot.groups.seen.as_ref();
    seen.into_iter().flat_map(|seen| {
        let groups = view.judgement.groups.iter();
        groups
            .filter(|(_, verdict)| verdict.lag == LagVerdict::Known)
            .filter_map(|(id, _)| seen.value.by_id.get_key_value(id))
    })
}

/// Only the class that it is in: nine series for each group would be many.
fn classes(view: &View) -> Vec<Sample> {
    let groups = view.judgement.groups.iter();
    let classes = groups.filter_map(|(id, verdict)| {
        Some(Sample {
            labels: vec![id.clone(), verdict.class?.name().to_owned()],
            value: 1.0,
        })
    });
    classes.collect()
}

fn by_partition(view: &View) -> Vec<Sample> {
    let known = measured(view).flat_map(|(id, group)| {
        group.partitions.iter().filter_map(move |(place, lag)| {
            Some(Sample {
                labels: vec![id.clone(), place.topic.clone(), place.partition.to_string()],
                value: count_u64(lag.records()?),
            })
        })
    });
    known.take(view.most_partition_series).collect()
}

fn offsets(view: &View) -> Vec<Sample> {
    let known = measured(view).flat_map(|(id, group)| {
        group
            .course
            .commits
            .iter()
            .map(move |(place, commit)| Sample {
                labels: vec![id.clone(), place.topic.clone(), place.partition.to_string()],
                value: count_u64(u64::try_from(commit.offset).unwrap_or(0)),
            })
    });
    known.take(view.most_partition_series).collect()
}

fn by_topic(view: &View) -> Vec<Sample> {
    let sums = measured(view).flat_map(|(id, group)| {
        let topics = group.lag_by_topic().into_iter();
        topics.map(move |(topic, sum)| Sample {
            labels: vec![id.clone(), topic.to_owned()],
            value: count_u64(sum),
        })
    });
    sums.take(view.most_partition_series).collect()
}

/// Not known until groups were read.
fn left_out(view: &View) -> Vec<Sample> {
    let lags = measured(view).flat_map(|(_, group)| group.partitions.values());
    let known = lags.filter_map(PartitionLag::records).count();
    let left_out = count(known.saturating_sub(view.most_partition_series));
    Sample::only(view.snapshot.groups.seen.as_ref().map(|_| left_out))
}

fn unknown(group: &Group) -> usize {
    let lags = group.partitions.values();
    lags.filter(|lag| lag.records().is_none()).count()
}
