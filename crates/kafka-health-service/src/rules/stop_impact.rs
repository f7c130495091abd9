//! What would happen if some brokers were stopped: which partitions would have no replica left to
//! lead them, and which would refuse writes. "May I restart this broker?" is answered by that.
//!
//! Only what is in sync now, on a broker that is known to answer, is counted on. A replica that could
//! be counted on if more were known makes the answer UNKNOWN, never safe.

use std::collections::BTreeSet;

use kafka_cluster::TopicPartition;

use super::partitions::demand;
use super::{Judgement, Liveness};
use crate::moment::Moment;
use crate::snapshot::{Freshness, Partition, Right, Snapshot};

/// Whether brokers may be stopped.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StopVerdict {
    /// Every partition stays readable and writable.
    Safe,
    /// Something that decides was not observed, or too long ago.
    Unknown,
    /// Some partitions would go offline or refuse writes.
    Unsafe,
}

/// What stopping these brokers would do to the partitions that they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopImpact {
    /// The brokers in question.
    pub brokers: BTreeSet<i32>,
    /// The answer.
    pub verdict: StopVerdict,
    /// When the replicas were observed; `None` if they were not.
    pub observed_at: Option<Moment>,
    /// Partitions that would have no replica in sync left.
    pub offline: Vec<Affected>,
    /// Partitions that would have fewer replicas in sync than `min.insync.replicas`, and at least one.
    pub writes_refused: Vec<Affected>,
    /// Partitions of which that cannot be told.
    pub undecided: Vec<Affected>,
    /// Partitions that would get another leader.
    pub leaders_moved: usize,
    /// Why the answer is UNKNOWN, if it is.
    pub unknown_because: Option<String>,
}

/// One partition that would suffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// Which.
    pub partition: TopicPartition,
    /// Replicas in sync now.
    pub in_sync: Vec<i32>,
    /// What `min.insync.replicas` comes to, capped to the number of replicas; `None` if not known.
    pub demand: Option<usize>,
}

/// What becomes of one partition.
enum Fate {
    Fine,
    Offline,
    WritesRefused,
    Undecided,
}

/// Judges what would happen if `stopped` were stopped, all at the same time.
#[must_use]
pub fn stop_impact(
    snapshot: &Snapshot,
    judgement: &Judgement,
    stopped: &BTreeSet<i32>,
) -> StopImpact {
    let (now, limits) = (judgement.at, &judgement.limits);
    let min_in_sync = snapshot.topic_settings.fresh(now, limits.settings_age);
    let mut impact = StopImpact {
        brokers: stopped.clone(),
        verdict: StopVerdict::Safe,
        observed_at: None,
        offline: Vec::new(),
        writes_refused: Vec::new(),
        undecided: Vec::new(),
        leaders_moved: 0,
        unknown_because: None,
    };
    let seen = match snapshot.topics.freshness(now, limits.metadata_age) {
        Freshness::Fresh(seen) => seen,
        Freshness::Stale(seen) => {
            let at = seen.at.time();
            return impact.unknown(format!("topics were last read at {at:.3}"));
        }
        Freshness::Missing => return impact.unknown("topics were not read yet".to_owned()),
    };
    if judgement.missing_rights.contains(&Right::DescribeTopics) {
        return impact.unknown("health may not Describe topics".to_owned());
    }
    impact.observed_at = Some(seen.at);
    for (topic, partition) in seen.value.partitions() {
        let in_sync = &partition.metadata.in_sync_replicas;
        let leader = partition.metadata.leader;
        if leader.is_some_and(|leader| stopped.contains(&leader)) {
            impact.leaders_moved += 1;
        }
        if !in_sync.iter().any(|id| stopped.contains(id)) {
            continue;
        }
        let demand = demand(topic, min_in_sync);
        let fate = fate(partition, demand, stopped, judgement);
        let list = match fate {
            Fate::Fine => continue,
            Fate::Offline => &mut impact.offline,
            Fate::WritesRefused => &mut impact.writes_refused,
            Fate::Undecided => &mut impact.undecided,
        };
        list.push(Affected {
            partition: TopicPartition::new(topic, partition.metadata.id),
            in_sync: in_sync.clone(),
            demand: demand.map(|demand| demand.min(partition.metadata.replicas.len())),
        });
    }
    if !impact.offline.is_empty() || !impact.writes_refused.is_empty() {
        impact.verdict = StopVerdict::Unsafe;
    } else if !impact.undecided.is_empty() {
        let why = "of some partitions it is not known how many replicas they need, or whether those \
                   that would be left answer";
        return impact.unknown(why.to_owned());
    }
    impact
}

fn fate(
    partition: &Partition,
    demand: Option<usize>,
    stopped: &BTreeSet<i32>,
    judgement: &Judgement,
) -> Fate {
    let left = partition.metadata.in_sync_replicas.iter();
    let left = left.filter(|id| !stopped.contains(id));
    let (mut sure, mut possible) = (0, 0);
    for id in left {
        match judgement.brokers.get(id).map(|broker| &broker.liveness) {
            Some(Liveness::Down { .. }) => {}
            Some(Liveness::Unknown { .. } | Liveness::Unauthenticated { .. }) | None => {
                possible += 1;
            }
            Some(Liveness::Up | Liveness::Apart) => sure += 1,
        }
    }
    let Some(demand) = demand else {
        return if sure + possible == 0 {
            Fate::Offline
        } else {
            Fate::Undecided
        };
    };
    let demand = demand.min(partition.metadata.replicas.len()).max(1);
    if sure >= demand {
        Fate::Fine
    } else if sure + possible >= demand {
        Fate::Undecided
    } else if sure + possible == 0 {
        Fate::Offline
    } else {
        Fate::WritesRefused
    }
}

impl StopImpact {
    fn unknown(self, why: String) -> Self {
        Self {
            verdict: StopVerdict::Unknown,
            unknown_because: Some(why),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fixtures::{Cluster, Place, refused, topic};
    use crate::rules::{Limits, judge};
    use crate::snapshot::Probes;

    const FULL: Place<'_> = (Some(1), &[1, 2, 3], &[1, 2, 3]);

    fn impact(cluster: &Cluster, stopped: &[i32]) -> StopImpact {
        let judgement = judge(&cluster.snapshot, cluster.now, &Limits::default());
        let stopped = stopped.iter().copied().collect();
        stop_impact(&cluster.snapshot, &judgement, &stopped)
    }

    fn with(places: &[Place<'_>]) -> Cluster {
        let mut cluster = Cluster::healthy();
        cluster.show(&[topic("orders", places)]);
        cluster
    }

    #[test]
    fn one_of_three_in_sync_replicas_may_go_and_its_leaders_move() {
        let impact = impact(&with(&[FULL, (Some(2), &[2, 3, 1], &[1, 2, 3])]), &[1]);
        assert_eq!(impact.verdict, StopVerdict::Safe);
        assert_eq!(impact.leaders_moved, 1);
    }

    #[test]
    fn two_at_once_leave_too_few_for_writes() {
        let impact = impact(&with(&[FULL]), &[1, 2]);
        assert_eq!(impact.verdict, StopVerdict::Unsafe);
        assert_eq!(impact.writes_refused.len(), 1);
        assert_eq!(impact.writes_refused[0].demand, Some(2));
        assert!(impact.offline.is_empty());
    }

    #[test]
    fn the_last_replica_takes_its_partition_offline() {
        let single: Place<'_> = (Some(1), &[1], &[1]);
        let impact = impact(&with(&[single, FULL]), &[1]);
        assert_eq!(impact.verdict, StopVerdict::Unsafe);
        assert_eq!(
            impact.offline[0].partition,
            TopicPartition::new("orders", 0)
        );
        // A demand of 2 means 1 where there is one replica.
        assert_eq!(impact.offline[0].demand, Some(1));
        assert!(impact.writes_refused.is_empty());
    }

    #[test]
    fn a_replica_out_of_sync_is_not_counted_on_and_not_missed() {
        let short: Place<'_> = (Some(2), &[1, 2, 3], &[2, 3]);
        let cluster = with(&[short]);
        assert_eq!(impact(&cluster, &[2]).verdict, StopVerdict::Unsafe);
        assert_eq!(impact(&cluster, &[1]).verdict, StopVerdict::Safe);
    }

    #[test]
    fn a_broker_that_has_just_died_is_not_counted_on_although_it_is_still_in_sync() {
        let mut cluster = with(&[FULL]);
        let now = cluster.now;
        cluster.broker(3).probes.record(refused(now));
        assert_eq!(impact(&cluster, &[1]).verdict, StopVerdict::Unsafe);
    }

    #[test]
    fn what_is_not_known_is_unknown_and_never_safe() {
        let mut unprobed = with(&[FULL]);
        unprobed.broker(3).probes = Probes::default();
        let mut without_demand = with(&[FULL]);
        without_demand.snapshot.topic_settings.seen = None;
        let mut old = with(&[FULL]);
        old.now = old.now.plus(Duration::from_secs(3_600));
        let mut unread = with(&[FULL]);
        unread.snapshot.topics.seen = None;
        for cluster in [unprobed, without_demand, old, unread] {
            let impact = impact(&cluster, &[1]);
            assert_eq!(impact.verdict, StopVerdict::Unknown, "{impact:?}");
            assert!(impact.unknown_because.is_some());
        }
    }
}
