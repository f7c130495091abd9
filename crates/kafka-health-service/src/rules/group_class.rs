//! What kind of trouble a consumer group is in, if any: from its members, its commits, and how both
//! went over the last readings.
//!
//! A class is about the consumers and never changes the status of the cluster.

use std::time::Duration;

use kafka_cluster::{GroupState, Lag};

use crate::moment::Moment;
use crate::snapshot::{Group, PartitionLag};

/// A member that has records to read and does not commit for so long does not get on. The default of
/// clients is a commit every 5 seconds.
const STALLED_AFTER: Duration = Duration::from_secs(30);
/// A lag is looked at over so long before it is called growing.
const GROWING_OVER: Duration = Duration::from_secs(60);
/// And over so many measurements at least.
const GROWING_MEASUREMENTS: usize = 6;
/// Records by which it grew at least: batches come in waves.
const GROWN_BY: u64 = 100;

/// What kind of trouble a group is in, if any.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GroupClass {
    /// It has members and keeps up, or gets on.
    Active,
    /// It has no members and nothing left to read.
    Empty,
    /// All that waits are markers and aborted records of transactions, which nobody reads.
    ResidueOfTransactions,
    /// It has members, and none ever committed.
    NoCommit,
    /// It has members, gets on, and falls behind further: over a minute its lag grew by a tenth and by
    /// 100 records at least.
    Growing,
    /// It committed on topics that no member is assigned to any more, and records wait there.
    Unsubscribed,
    /// Members are assigned partitions with records to read, and have not committed there for half a
    /// minute.
    Stalled,
    /// It has no members, and records wait.
    Stopped,
    /// All that it committed on is gone.
    TopicDeleted,
    /// Retention deleted records that it had not read.
    DataLost,
}

impl GroupClass {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Active,
        Self::Empty,
        Self::ResidueOfTransactions,
        Self::NoCommit,
        Self::Growing,
        Self::Unsubscribed,
        Self::Stalled,
        Self::Stopped,
        Self::TopicDeleted,
        Self::DataLost,
    ];

    /// Its name in the API and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Empty => "empty",
            Self::ResidueOfTransactions => "residue_of_transactions",
            Self::NoCommit => "no_commit",
            Self::Growing => "growing",
            Self::Unsubscribed => "unsubscribed",
            Self::Stalled => "stalled",
            Self::Stopped => "stopped",
            Self::TopicDeleted => "topic_deleted",
            Self::DataLost => "data_lost",
        }
    }

    /// The same for people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::ResidueOfTransactions => "residue of transactions",
            Self::NoCommit => "no commit",
            Self::TopicDeleted => "topic deleted",
            Self::DataLost => "data lost",
            other => other.name(),
        }
    }

    /// Somebody should look at it.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        !matches!(
            self,
            Self::Active | Self::Empty | Self::ResidueOfTransactions | Self::NoCommit
        )
    }
}

/// The class of a group whose lag was measured recently; the worst that applies.
pub(super) fn class_of(group: &Group, now: Moment) -> GroupClass {
    let has_members = !matches!(group.state, GroupState::Empty | GroupState::Dead);
    let lag = group.known_lag().unwrap_or(0);
    let lags = || group.partitions.values();
    let lost = lags().any(
        |lag| matches!(lag, PartitionLag::Measured(Lag::BeforeLogStart { lost, .. }) if *lost > 0),
    );
    let gone = |lag: &PartitionLag| matches!(lag, PartitionLag::Measured(Lag::Gone));
    let no_commit = |lag: &PartitionLag| matches!(lag, PartitionLag::Measured(Lag::NoCommit));
    if lost {
        GroupClass::DataLost
    } else if !group.partitions.is_empty() && lags().all(gone) {
        GroupClass::TopicDeleted
    } else if lag > 0 && group.readable_lag() == Some(0) {
        GroupClass::ResidueOfTransactions
    } else if !has_members {
        if lag > 0 {
            GroupClass::Stopped
        } else {
            GroupClass::Empty
        }
    } else if any_partition(
        group,
        |assigned, waited| assigned && waited >= STALLED_AFTER,
        now,
    ) {
        GroupClass::Stalled
    } else if any_partition(
        group,
        |assigned, waited| !assigned && waited >= STALLED_AFTER,
        now,
    ) {
        GroupClass::Unsubscribed
    } else if is_growing(group, now) {
        GroupClass::Growing
    } else if !group.partitions.is_empty() && lags().all(no_commit) {
        GroupClass::NoCommit
    } else {
        GroupClass::Active
    }
}

/// Whether there is a partition with records to read of which `wanted` holds: whether a member is
/// assigned its topic, and for how long the commit has stood still. Without a description of the group
/// everything counts as assigned.
fn any_partition(group: &Group, wanted: impl Fn(bool, Duration) -> bool, now: Moment) -> bool {
    group.partitions.iter().any(|(partition, lag)| {
        let waiting = lag.records().is_some_and(|records| records > 0);
        let commit = group.course.commits.get(partition);
        let assigned = group
            .assigned
            .as_ref()
            .is_none_or(|topics| topics.contains(&partition.topic));
        waiting && commit.is_some_and(|commit| wanted(assigned, commit.since.age(now)))
    })
}

/// Over the last minute, or the last measurements where they are further apart, every lag of the last third
/// was larger by enough than every one of the first: a wave comes back in between.
fn is_growing(group: &Group, now: Moment) -> bool {
    let lags: Vec<_> = group.course.lags.iter().collect();
    let within = lags.iter().filter(|(at, _)| at.age(now) <= GROWING_OVER);
    let count = within.count().max(GROWING_MEASUREMENTS);
    let Some(first) = lags.len().checked_sub(count) else {
        return false;
    };
    let looked_at = &lags[first..];
    let spans = looked_at[0].0.age(now) >= GROWING_OVER.mul_f64(0.9);
    let third = count / 3;
    let before = looked_at[..third].iter().map(|(_, lag)| *lag).max();
    let present = looked_at[count - third..].iter().map(|(_, lag)| *lag).min();
    let (before, present) = (before.unwrap_or(0), present.unwrap_or(0));
    spans && present >= before.saturating_add(GROWN_BY.max(before / 10))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use kafka_cluster::TopicPartition;

    use super::*;
    use crate::snapshot::{Commit, Course};

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A group on `orders-0`, whose commit is where it is since `since`.
    fn group(state: GroupState, lag: Lag, since: Moment) -> Group {
        let partition = TopicPartition::new("orders", 0);
        Group {
            partitions: BTreeMap::from([(partition.clone(), PartitionLag::Measured(lag))]),
            measured_at: Some(since),
            course: Course {
                commits: BTreeMap::from([(partition, Commit { offset: 7, since })]),
                ..Course::default()
            },
            assigned: Some(BTreeSet::from(["orders".to_owned()])),
            ..Group::in_state(state)
        }
    }

    /// After the commit stood still for so long.
    fn class(state: GroupState, lag: Lag, still_s: u64) -> GroupClass {
        let now = Moment::now();
        class_of(&group(state, lag, now), now.plus(s(still_s)))
    }

    #[test]
    fn with_members_it_is_active_until_its_commit_stands_still_before_records() {
        let stable = GroupState::Stable;
        assert_eq!(class(stable, Lag::Known(10), 29), GroupClass::Active);
        assert_eq!(class(stable, Lag::Known(10), 30), GroupClass::Stalled);
        assert_eq!(class(stable, Lag::Known(0), 3_600), GroupClass::Active);
    }

    #[test]
    fn markers_of_transactions_are_nothing_to_be_behind_on() {
        let now = Moment::now();
        let mut group = group(GroupState::Empty, Lag::Known(1), now);
        assert_eq!(class_of(&group, now), GroupClass::Stopped);
        group.residue = [TopicPartition::new("orders", 0)].into();
        assert_eq!(class_of(&group, now), GroupClass::ResidueOfTransactions);
        let more = PartitionLag::Measured(Lag::Known(1));
        group
            .partitions
            .insert(TopicPartition::new("orders", 1), more);
        assert_eq!(class_of(&group, now), GroupClass::Stopped);
    }

    #[test]
    fn without_members_it_is_empty_or_stopped() {
        let empty = GroupState::Empty;
        assert_eq!(class(empty, Lag::Known(0), 0), GroupClass::Empty);
        assert_eq!(class(empty, Lag::Known(1), 0), GroupClass::Stopped);
    }

    #[test]
    fn lost_records_and_deleted_topics_come_first() {
        let lost = Lag::BeforeLogStart {
            lost: 5,
            readable: 1,
        };
        assert_eq!(class(GroupState::Stable, lost, 0), GroupClass::DataLost);
        assert_eq!(
            class(GroupState::Empty, Lag::Gone, 0),
            GroupClass::TopicDeleted
        );
    }

    #[test]
    fn members_that_never_committed_are_told() {
        assert_eq!(
            class(GroupState::Stable, Lag::NoCommit, 0),
            GroupClass::NoCommit
        );
    }

    #[test]
    fn a_topic_that_no_member_reads_any_more_is_unsubscribed() {
        let now = Moment::now();
        let mut group = group(GroupState::Stable, Lag::Known(10), now);
        group.assigned = Some(BTreeSet::from(["payments".to_owned()]));
        assert_eq!(class_of(&group, now.plus(s(30))), GroupClass::Unsubscribed);
    }

    #[test]
    fn a_lag_that_grows_over_a_minute_is_growing_and_a_wave_is_not() {
        let now = Moment::now();
        let with = |lags: &[(u64, u64)]| {
            let mut group = group(GroupState::Stable, Lag::Known(0), now);
            group.course.lags = lags
                .iter()
                .map(|(at, lag)| (now.plus(s(*at)), *lag))
                .collect();
            class_of(&group, now.plus(s(70)))
        };
        let every_10_s = |lags: [u64; 8]| {
            let lags = (0..).step_by(10).zip(lags);
            with(&lags.collect::<Vec<_>>())
        };
        assert_eq!(
            every_10_s([0, 100, 200, 300, 400, 500, 600, 700]),
            GroupClass::Growing
        );
        // Batches come and are read.
        assert_eq!(
            every_10_s([0, 0, 1_300, 330, 1_330, 800, 400, 1_700]),
            GroupClass::Active
        );
        assert_eq!(
            every_10_s([900, 910, 920, 930, 940, 950, 960, 970]),
            GroupClass::Active,
            "too little"
        );
        assert_eq!(
            with(&[
                (40, 0),
                (46, 100),
                (52, 300),
                (58, 500),
                (64, 700),
                (70, 900)
            ]),
            GroupClass::Active,
            "too short"
        );
        assert_eq!(
            with(&[
                (0, 0),
                (14, 100),
                (28, 300),
                (42, 500),
                (56, 700),
                (70, 900)
            ]),
            GroupClass::Growing
        );
    }

    #[test]
    fn names_are_those_of_the_api() {
        for class in GroupClass::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
        }
    }
}
