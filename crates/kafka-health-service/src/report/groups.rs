//! The consumer groups of the health report.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use kafka_cluster::{Lag, TopicPartition};

use super::seconds;
use crate::moment::Moment;
use crate::rules::{GroupClass, GroupVerdict, Judgement, LagVerdict};
use crate::snapshot::{Group, PartitionLag, Snapshot};

/// One consumer group; lag is counted in records, as last measured.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerGroupHealth {
    /// `group.id`.
    pub group_id: String,
    /// Kafka's name of the group's state.
    #[schema(example = "Stable")]
    pub state: &'static str,
    /// Its members; null where that is not known.
    #[schema(required = true)]
    pub members: Option<usize>,
    /// The broker that is its coordinator; null where that is not known.
    #[schema(required = true)]
    pub coordinator: Option<i32>,
    /// What kind of trouble it is in, if any; null while its lag is not known. The worst that applies.
    #[schema(required = true)]
    pub class: Option<GroupClass>,
    /// Sum over all partitions whose lag is known; null if it is known of none.
    #[schema(required = true)]
    pub total_lag: Option<u64>,
    /// The oldest record that it has not committed has waited at least so long, in seconds, from the
    /// broker's time index and the course of the partition's end; null where that is not known.
    #[schema(required = true, example = 12.5)]
    pub lag_seconds_at_least: Option<f64>,
    /// And at most so long; null where that is not known, or longer than all that is.
    #[schema(required = true, example = 17.5)]
    pub lag_seconds_at_most: Option<f64>,
    /// When it will have caught up at its pace of the last minute, in seconds; null while it does not get
    /// nearer.
    #[schema(required = true)]
    pub catch_up_seconds: Option<f64>,
    /// When retention may begin to delete what it has not committed, in seconds; null when nothing waits,
    /// or for ever, or that is not known.
    #[schema(required = true)]
    pub retention_left_seconds: Option<f64>,
    /// Each topic that it is behind on.
    pub topic_lags: BTreeMap<String, TopicLag>,
    /// Lag by `topic-partition`; null where it is not known. Where not all are told, those furthest behind
    /// are, then those not known.
    #[schema(example = json!({ "log-events-0": 12, "log-events-1": null }))]
    pub partition_lags: BTreeMap<String, Option<u64>>,
    /// Partitions that `partitionLags` leaves out: `GET /api/health` tells 2,000 in all, each group the same
    /// number at most; `GET /api/health/groups/{id}` tells all of one group.
    pub partition_lags_left_out: usize,
    /// Why a lag that is null in `partitionLags` is not known: `no_commit` (the group never committed
    /// there), `gone` (the partition is), or what was in the way. Absent when all is known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_lags: BTreeMap<String, String>,
    /// Why the newest attempt to measure failed; the figures are older then. Null if it did not.
    #[schema(required = true)]
    pub error_message: Option<String>,
    /// When the lag was measured; null if it never was.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub observed_at: Option<Timestamp>,
    /// It was measured, but too long ago.
    pub stale: bool,
}

/// How far a group is behind on one topic.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicLag {
    /// Sum over the topic's partitions whose lag is known.
    pub lag: u64,
    /// The partition whose unread records have waited longest for certain; null where that is not known.
    #[schema(required = true)]
    pub oldest_partition: Option<i32>,
    /// The oldest unread record came at this time or before; null where that is not known.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub oldest_not_after: Option<Timestamp>,
    /// And at this time or after; null where that is not known.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub oldest_not_before: Option<Timestamp>,
}

/// Partition lags in one answer about all groups: some 130 KB.
const MOST_PARTITION_LAGS: usize = 2000;

/// All groups; of each as many partitions as an answer has room for.
pub(super) fn of(
    snapshot: &Snapshot,
    judgement: &Judgement,
) -> BTreeMap<String, ConsumerGroupHealth> {
    let groups: Vec<_> = judged(snapshot, judgement).collect();
    let sizes = groups.iter().map(|(_, group, _)| group.partitions.len());
    let most = most_of_each(sizes.collect(), MOST_PARTITION_LAGS);
    let told = groups.into_iter().map(|(id, group, verdict)| {
        let told = ConsumerGroupHealth::new(id, group, verdict, most);
        (id.clone(), told)
    });
    told.collect()
}

fn judged<'a>(
    snapshot: &'a Snapshot,
    judgement: &'a Judgement,
) -> impl Iterator<Item = (&'a String, &'a Group, &'a GroupVerdict)> {
    let seen = snapshot.groups.seen.as_ref();
    seen.into_iter().flat_map(move |seen| {
        let groups = judgement.groups.iter();
        groups.filter_map(|(id, verdict)| Some((id, seen.value.by_id.get(id)?, verdict)))
    })
}

/// How many each may take at most so that together they take `room`, and none less than it could.
fn most_of_each(mut sizes: Vec<usize>, mut room: usize) -> usize {
    sizes.sort_unstable();
    let count = sizes.len();
    for (taken, size) in sizes.into_iter().enumerate() {
        let share = room / (count - taken);
        if size > share {
            return share;
        }
        room -= size;
    }
    usize::MAX
}

impl ConsumerGroupHealth {
    /// One group with all its partitions; `None` where there is none of that id.
    #[must_use]
    pub fn whole(id: &str, snapshot: &Snapshot, judgement: &Judgement) -> Option<Self> {
        let group = snapshot.groups.seen.as_ref()?.value.by_id.get(id)?;
        let verdict = judgement.groups.get(id)?;
        Some(Self::new(id, group, verdict, usize::MAX))
    }

    fn new(id: &str, group: &Group, verdict: &GroupVerdict, most: usize) -> Self {
        let mut told: Vec<_> = group.partitions.iter().collect();
        if told.len() > most {
            told.sort_by_key(|(_, lag)| match lag.records() {
                Some(0) => (2, Reverse(0)),
                Some(records) => (0, Reverse(records)),
                None => (1, Reverse(0)),
            });
            told.truncate(most);
        }
        let unknown = told.iter();
        let unknown =
            unknown.filter_map(|(partition, lag)| Some((name(partition), why_unknown(lag)?)));
        Self {
            group_id: id.to_owned(),
            state: group.state.name(),
            members: group.members,
            coordinator: group.coordinator,
            class: verdict.class,
            total_lag: group.known_lag(),
            lag_seconds_at_least: seconds(verdict.time.at_least),
            lag_seconds_at_most: seconds(verdict.time.at_most),
            catch_up_seconds: seconds(verdict.time.catch_up),
            retention_left_seconds: seconds(verdict.time.retention_left),
            topic_lags: topic_lags(group),
            unknown_lags: unknown.collect(),
            partition_lags_left_out: group.partitions.len() - told.len(),
            partition_lags: told
                .into_iter()
                .map(|(partition, lag)| (name(partition), lag.records()))
                .collect(),
            error_message: group.failure.clone(),
            observed_at: verdict.observed_at.map(Moment::time),
            stale: verdict.lag == LagVerdict::Stale,
        }
    }
}

fn topic_lags(group: &Group) -> BTreeMap<String, TopicLag> {
    let behind = group.lag_by_topic().into_iter().filter(|(_, lag)| *lag > 0);
    let told = |(topic, lag): (&str, u64)| {
        let unread = group.unread.get(topic);
        let told = TopicLag {
            lag,
            oldest_partition: unread.map(|unread| unread.partition),
            oldest_not_after: unread.map(|unread| unread.arrival.not_after),
            oldest_not_before: unread.and_then(|unread| unread.arrival.not_before),
        };
        (topic.to_owned(), told)
    };
    behind.map(told).collect()
}

fn name(partition: &TopicPartition) -> String {
    format!("{}-{}", partition.topic, partition.partition)
}

fn why_unknown(lag: &PartitionLag) -> Option<String> {
    match lag {
        PartitionLag::Measured(Lag::NoCommit) => Some("no_commit".to_owned()),
        PartitionLag::Measured(Lag::Gone) => Some("gone".to_owned()),
        PartitionLag::Measured(Lag::Known(_) | Lag::BeforeLogStart { .. }) => None,
        PartitionLag::Unknown { why, .. } => Some(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kafka_cluster::GroupState;
    use serde_json::json;

    use super::*;
    use crate::fixtures::{Cluster, RETENTION};
    use crate::rules::{Limits, judge};
    use crate::snapshot::{Arrival, Groups, Unread};

    #[test]
    fn known_lag_is_summed_and_unknown_lag_is_null_with_its_cause() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        let why = "the partition has no leader".to_owned();
        let partitions = [
            PartitionLag::Measured(Lag::Known(5)),
            PartitionLag::Measured(Lag::BeforeLogStart {
                lost: 3,
                readable: 7,
            }),
            PartitionLag::Measured(Lag::NoCommit),
            PartitionLag::Measured(Lag::Gone),
            PartitionLag::Unknown { why, since: now },
        ];
        let time = |ms| now.time().checked_sub(Duration::from_millis(ms)).unwrap();
        let before = |ms| service_kit::time::to_text(time(ms));
        let unread = Unread {
            partition: 1,
            arrival: Arrival {
                not_before: Some(time(30_500)),
                not_after: time(20_000),
            },
        };
        let group = Group {
            partitions: (0..)
                .zip(partitions)
                .map(|(id, lag)| (TopicPartition::new("log-events", id), lag))
                .collect(),
            measured_at: Some(now),
            unread: BTreeMap::from([("log-events".to_owned(), unread)]),
            ..Group::in_state(GroupState::Stable)
        };
        let by_id = BTreeMap::from([("log-processor".to_owned(), group)]);
        cluster.snapshot.groups.publish(
            Groups {
                by_id,
                complete_at: Some(now),
            },
            now,
        );
        let judgement = judge(&cluster.snapshot, now, &Limits::default());
        assert_eq!(
            serde_json::to_value(of(&cluster.snapshot, &judgement)).unwrap()["log-processor"],
            json!({
                "groupId": "log-processor", "state": "Stable",
                "members": null, "coordinator": null, "class": "data_lost", "totalLag": 12,
                "lagSecondsAtLeast": 20.0, "lagSecondsAtMost": 30.5, "catchUpSeconds": null,
                "retentionLeftSeconds": RETENTION.as_secs_f64() - 30.5,
                "topicLags": { "log-events": {
                    "lag": 12, "oldestPartition": 1,
                    "oldestNotAfter": before(20_000), "oldestNotBefore": before(30_500)
                } },
                "partitionLags": {
                    "log-events-0": 5, "log-events-1": 7, "log-events-2": null,
                    "log-events-3": null, "log-events-4": null
                },
                "partitionLagsLeftOut": 0,
                "unknownLags": {
                    "log-events-2": "no_commit", "log-events-3": "gone",
                    "log-events-4": "the partition has no leader"
                },
                "errorMessage": null,
                "observedAt": service_kit::time::to_text(now.time()),
                "stale": false
            })
        );
    }

    #[test]
    fn small_groups_are_told_whole_and_large_ones_share_what_is_left() {
        assert_eq!(most_of_each(vec![], 10), usize::MAX);
        assert_eq!(most_of_each(vec![4, 6], 10), usize::MAX);
        assert_eq!(most_of_each(vec![9, 1, 9], 10), 4);
        assert_eq!(most_of_each(vec![30; 500], 2000), 4);
        assert_eq!(most_of_each(vec![1; 20], 10), 0);
    }

    #[test]
    fn of_a_large_group_the_partitions_furthest_behind_are_told_then_those_not_known() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        let lags = (0..3000u32).map(|id| match id {
            0 => Lag::NoCommit,
            behind @ 1..=5 => Lag::Known(u64::from(behind)),
            _ => Lag::Known(0),
        });
        let group = Group {
            partitions: (0..)
                .zip(lags.map(PartitionLag::Measured))
                .map(|(id, lag)| (TopicPartition::new("log-events", id), lag))
                .collect(),
            measured_at: Some(now),
            ..Group::in_state(GroupState::Stable)
        };
        let ids = ["one", "another"].map(str::to_owned);
        cluster.snapshot.groups.publish(
            Groups {
                by_id: ids.into_iter().map(|id| (id, group.clone())).collect(),
                complete_at: Some(now),
            },
            now,
        );
        let judgement = judge(&cluster.snapshot, now, &Limits::default());
        let all = of(&cluster.snapshot, &judgement);
        for group in all.values() {
            assert_eq!(group.partition_lags.len(), 1000);
            assert_eq!(group.partition_lags_left_out, 2000);
            assert_eq!(group.total_lag, Some(15));
            for (id, lag) in (1..=5).zip(1..) {
                assert_eq!(group.partition_lags[&format!("log-events-{id}")], Some(lag));
            }
            assert_eq!(group.unknown_lags["log-events-0"], "no_commit");
        }
        let whole = ConsumerGroupHealth::whole("one", &cluster.snapshot, &judgement).unwrap();
        assert_eq!(whole.partition_lags.len(), 3000);
        assert_eq!(whole.partition_lags_left_out, 0);
        assert!(ConsumerGroupHealth::whole("other", &cluster.snapshot, &judgement).is_none());
    }
}
