//! Consumer groups and how far each is behind, put together from several answers of Kafka.
//!
//! One unanswered question does not throw away what is known: a group whose commits could not be
//! read keeps its last measurement, with the time of that measurement.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kafka_cluster::{GroupDescription, GroupListings, GroupState, KafkaError, Lag, TopicPartition};

use super::{Arrival, Course, Ladders, Topics};
use crate::moment::Moment;

/// All groups.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// Groups by id.
    pub by_id: BTreeMap<String, Group>,
    /// When last every broker listed its groups: only then is nothing missing.
    pub complete_at: Option<Moment>,
}

/// One group.
#[derive(Debug, Clone)]
pub struct Group {
    /// State as last listed or described.
    pub state: GroupState,
    /// Lag of every partition that it committed on or is assigned.
    pub partitions: BTreeMap<TopicPartition, PartitionLag>,
    /// When the lag was measured; `None` if that never succeeded.
    pub measured_at: Option<Moment>,
    /// Why the newest attempt to measure failed, if it did.
    pub failure: Option<String>,
    /// How its commits and its lag went.
    pub course: Course,
    /// Of each topic that it is behind on, when the oldest record that it has not read came.
    pub unread: BTreeMap<String, Unread>,
    /// Partitions on which only markers and aborted records of transactions wait.
    pub residue: BTreeSet<TopicPartition>,
    /// Its members; `None` if they were not described.
    pub members: Option<usize>,
    /// The broker that listed it: its coordinator; `None` where that is not known.
    pub coordinator: Option<i32>,
    /// Topics that its members are assigned; `None` if they were not described.
    pub assigned: Option<BTreeSet<String>>,
}

/// The oldest record of a topic that a group has not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The partition where it is: the one that has waited longest for certain.
    pub partition: i32,
    /// When it came.
    pub arrival: Arrival,
}

/// How far a group is behind on one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionLag {
    /// The answer to the question.
    Measured(Lag),
    /// The question could not be asked or was not answered.
    Unknown {
        /// What was in the way.
        why: String,
        /// Since when.
        since: Moment,
    },
}

/// Everything that was read in one round, in the order in which it was asked: commits first, ends
/// second, or the lag of a busy group would be negative.
#[derive(Debug, Default)]
pub struct Readings {
    /// Groups by name and state.
    pub listings: GroupListings,
    /// Groups that have members.
    pub descriptions: BTreeMap<String, Result<GroupDescription, KafkaError>>,
    /// What each group committed.
    pub committed: BTreeMap<String, Result<PartitionOffsets, KafkaError>>,
    /// Where the partitions are, read after the commits.
    pub topics: Topics,
    /// Brokers that do not answer: nothing is asked of partitions that they lead.
    pub silent: BTreeSet<i32>,
    /// First offsets that are still there.
    pub earliest: PartitionOffsets,
    /// Ends of the logs.
    pub latest: PartitionOffsets,
    /// When partitions came to their offsets.
    pub ladders: Ladders,
    /// Partitions and commits behind which only residue of transactions waits.
    pub residue: BTreeSet<(TopicPartition, i64)>,
}

/// Offsets by partition; a partition's own error is its value.
pub type PartitionOffsets = BTreeMap<TopicPartition, Result<i64, KafkaError>>;

impl Group {
    /// A group of which nothing is known but its state.
    #[must_use]
    pub fn in_state(state: GroupState) -> Self {
        Self {
            state,
            partitions: BTreeMap::new(),
            measured_at: None,
            failure: None,
            course: Course::default(),
            unread: BTreeMap::new(),
            residue: BTreeSet::new(),
            members: None,
            coordinator: None,
            assigned: None,
        }
    }

    /// Records that can still be read, over all partitions where that is known; `None` if it is
    /// known of none.
    #[must_use]
    pub fn known_lag(&self) -> Option<u64> {
        self.partitions
            .values()
            .filter_map(PartitionLag::records)
            .reduce(u64::saturating_add)
    }
}

impl Group {
    /// Records that can still be read, by topic; topics on which that is known of no partition are absent.
    #[must_use]
    pub fn lag_by_topic(&self) -> BTreeMap<&str, u64> {
        let mut topics = BTreeMap::new();
        for (place, lag) in &self.partitions {
            if let Some(records) = lag.records() {
                *topics.entry(place.topic.as_str()).or_default() += records;
            }
        }
        topics
    }

    /// As [`Group::known_lag`], without what is residue of transactions.
    #[must_use]
    pub fn readable_lag(&self) -> Option<u64> {
        let known = self.known_lag()?;
        let residue = self.residue.iter();
        let residue = residue.filter_map(|one| self.partitions.get(one)?.records());
        Some(known.saturating_sub(residue.sum()))
    }
}

impl Unread {
    /// The older of two, where it is not certain which: neither came before the one that came first.
    fn oldest(self, other: Self) -> Self {
        let not_before = self
            .arrival
            .not_before
            .zip(other.arrival.not_before)
            .map(|(one, another)| one.min(another));
        let first = if other.arrival.not_after < self.arrival.not_after {
            other
        } else {
            self
        };
        Self {
            partition: first.partition,
            arrival: Arrival {
                not_before,
                not_after: first.arrival.not_after,
            },
        }
    }
}

impl PartitionLag {
    /// Records that can still be read, where that is known.
    #[must_use]
    pub fn records(&self) -> Option<u64> {
        match self {
            Self::Measured(lag) => lag.records(),
            Self::Unknown { .. } => None,
        }
    }
}

impl Readings {
    /// Partitions whose ends decide the lag of some group, and whose leader can be asked.
    #[must_use]
    pub fn partitions_to_ask(&self) -> Vec<TopicPartition> {
        let committed = self.committed.values().flatten().flat_map(BTreeMap::keys);
        let union: BTreeSet<_> = committed
            .filter(|partition| matches!(self.leader(partition), Leader::Asked))
            .collect();
        union.into_iter().cloned().collect()
    }

    /// Partitions that somebody is behind on, and whose time index was not asked yet.
    #[must_use]
    pub fn partitions_to_index(&self) -> BTreeSet<&TopicPartition> {
        let commits = self.committed.values().flatten().flatten();
        let behind = commits.filter(|(partition, offset)| {
            let end = self.latest.get(*partition);
            matches!((offset, end), (Ok(offset), Some(Ok(end))) if offset < end)
        });
        behind
            .map(|(partition, _)| partition)
            .filter(|partition| {
                let ladder = self.ladders.get(partition);
                ladder.is_some_and(|ladder| !ladder.indexed)
            })
            .collect()
    }

    /// Takes in the ends that were asked for at `at`.
    pub fn climb(&mut self, at: Timestamp, asked: &[TopicPartition]) {
        let latest = &self.latest;
        self.ladders.reach(at, asked, |partition| {
            latest.get(partition)?.as_ref().ok().copied()
        });
    }

    /// Every broker listed its groups.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.listings.errors.is_empty()
    }

    /// Which broker did not list its groups, and why.
    fn missing(&self) -> Option<String> {
        let (broker, error) = self.listings.errors.first_key_value()?;
        Some(format!("broker {broker} did not list its groups: {error}"))
    }

    /// What went wrong on the way, if anything did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let of_group = || {
            let (group, error) = self
                .committed
                .iter()
                .find_map(|(id, read)| Some((id, read.as_ref().err()?)))?;
            Some(format!("commits of group {group:?}: {error}"))
        };
        let of_partition = || {
            let (partition, error) = self
                .earliest
                .iter()
                .chain(&self.latest)
                .find_map(|(partition, read)| Some((partition, read.as_ref().err()?)))?;
            Some(format!(
                "offsets of {}-{}: {error}",
                partition.topic, partition.partition
            ))
        };
        self.missing().or_else(of_group).or_else(of_partition)
    }

    /// Puts the answers together. `at` is when the round began; `previous` gives what this round
    /// could not measure.
    #[must_use]
    pub fn assemble(&self, previous: Option<&Groups>, at: Moment) -> Groups {
        let earlier = |id: &str| previous.and_then(|groups| groups.by_id.get(id));
        let mut by_id = BTreeMap::new();
        for listing in &self.listings.groups {
            let state = match self.descriptions.get(&listing.id) {
                Some(Ok(description)) => description.state,
                _ => listing.state,
            };
            let mut group = self.group(&listing.id, state, earlier(&listing.id), at);
            group.coordinator = Some(listing.coordinator);
            by_id.insert(listing.id.clone(), group);
        }
        if let Some(failure) = self.missing() {
            for (id, group) in previous.iter().flat_map(|groups| &groups.by_id) {
                by_id.entry(id.clone()).or_insert_with(|| Group {
                    failure: Some(failure.clone()),
                    ..group.clone()
                });
            }
        }
        let complete_at = if self.complete() {
            Some(at)
        } else {
            previous.and_then(|groups| groups.complete_at)
        };
        Groups { by_id, complete_at }
    }

    fn group(&self, id: &str, state: GroupState, earlier: Option<&Group>, at: Moment) -> Group {
        let failure = match self.committed.get(id) {
            Some(Ok(committed)) => {
                return self.measured(id, state, committed, earlier, at);
            }
            Some(Err(error)) => error.to_string(),
            None => "its commits were not read".to_owned(),
        };
        let group = earlier.cloned();
        Group {
            state,
            failure: Some(failure),
            ..group.unwrap_or_else(|| Group::in_state(state))
        }
    }

    fn measured(
        &self,
        id: &str,
        state: GroupState,
        committed: &PartitionOffsets,
        earlier: Option<&Group>,
        at: Moment,
    ) -> Group {
        let partitions = self.lags(id, committed, earlier, at);
        let mut group = Group {
            unread: self.unread(&partitions, committed),
            residue: self.residue_of(committed),
            members: self.members(id),
            partitions,
            measured_at: Some(at),
            assigned: self.assigned_topics(id),
            ..Group::in_state(state)
        };
        let offsets = committed.iter();
        let offsets =
            offsets.filter_map(|(partition, read)| Some((partition, *read.as_ref().ok()?)));
        let before = earlier.map(|group| &group.course);
        group.course = Course::next(before, offsets, group.known_lag(), at);
        group
    }

    fn unread(
        &self,
        lags: &BTreeMap<TopicPartition, PartitionLag>,
        committed: &PartitionOffsets,
    ) -> BTreeMap<String, Unread> {
        let mut oldest: BTreeMap<String, Unread> = BTreeMap::new();
        for (partition, lag) in lags {
            if lag.records().is_none_or(|records| records == 0) {
                continue;
            }
            let offset =
                |offsets: &PartitionOffsets| offsets.get(partition)?.as_ref().ok().copied();
            // What retention deleted is not waiting any more.
            let next = offset(committed).max(offset(&self.earliest));
            let ladder = self.ladders.get(partition);
            let arrival = next.and_then(|next| ladder?.arrival(next));
            let Some(arrival) = arrival else {
                continue;
            };
            let unread = Unread {
                partition: partition.partition,
                arrival,
            };
            let known = oldest.remove(&partition.topic);
            let unread = known.map_or(unread.clone(), |known| known.oldest(unread));
            oldest.insert(partition.topic.clone(), unread);
        }
        oldest
    }

    fn residue_of(&self, committed: &PartitionOffsets) -> BTreeSet<TopicPartition> {
        let own = committed.iter().filter(|(partition, offset)| {
            let Ok(offset) = offset else { return false };
            self.residue.contains(&((*partition).clone(), *offset))
        });
        own.map(|(partition, _)| partition.clone()).collect()
    }

    fn members(&self, id: &str) -> Option<usize> {
        match self.descriptions.get(id) {
            Some(Ok(description)) => Some(description.members.len()),
            Some(Err(_)) => None,
            // Only groups with members are described.
            None => Some(0),
        }
    }

    fn assigned_topics(&self, id: &str) -> Option<BTreeSet<String>> {
        let description = self.descriptions.get(id)?.as_ref().ok()?;
        let assigned = description
            .members
            .iter()
            .flat_map(|member| &member.assignment);
        Some(assigned.map(|partition| partition.topic.clone()).collect())
    }

    fn lags(
        &self,
        id: &str,
        committed: &PartitionOffsets,
        earlier: Option<&Group>,
        at: Moment,
    ) -> BTreeMap<TopicPartition, PartitionLag> {
        let assigned = match self.descriptions.get(id) {
            Some(Ok(description)) => description.members.as_slice(),
            _ => &[],
        };
        let assigned = assigned.iter().flat_map(|member| &member.assignment);
        let partitions: BTreeSet<_> = committed.keys().chain(assigned).collect();
        let lag_of = |partition: &TopicPartition| match self.lag(partition, committed) {
            Ok(lag) => PartitionLag::Measured(lag),
            Err(why) => PartitionLag::Unknown {
                why,
                since: earlier
                    .and_then(|group| group.partitions.get(partition))
                    .and_then(PartitionLag::unknown_since)
                    .unwrap_or(at),
            },
        };
        partitions
            .into_iter()
            .map(|partition| (partition.clone(), lag_of(partition)))
            .collect()
    }

    fn lag(&self, partition: &TopicPartition, committed: &PartitionOffsets) -> Result<Lag, String> {
        let leader = self.leader(partition);
        if matches!(leader, Leader::Gone) {
            return Ok(Lag::Gone);
        }
        let committed = match committed.get(partition) {
            None => return Ok(Lag::NoCommit),
            Some(Err(error)) => return Err(error.to_string()),
            Some(Ok(offset)) => *offset,
        };
        match leader {
            Leader::None => return Err("the partition has no leader".to_owned()),
            Leader::Silent(id) => return Err(format!("its leader, broker {id}, does not answer")),
            Leader::Gone | Leader::Asked => {}
        }
        let latest = match self.latest.get(partition) {
            Some(Ok(offset)) => *offset,
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("its end was not read".to_owned()),
        };
        let earliest = self
            .earliest
            .get(partition)
            .and_then(|result| result.as_ref().ok());
        Ok(Lag::between(
            Some(committed),
            earliest.copied(),
            Some(latest),
        ))
    }

    fn leader(&self, partition: &TopicPartition) -> Leader {
        match self.topics.partition(&partition.topic, partition.partition) {
            None => Leader::Gone,
            Some(known) => match known.metadata.leader {
                None => Leader::None,
                Some(id) if self.silent.contains(&id) => Leader::Silent(id),
                Some(_) => Leader::Asked,
            },
        }
    }
}

impl PartitionLag {
    fn unknown_since(&self) -> Option<Moment> {
        match self {
            Self::Unknown { since, .. } => Some(*since),
            Self::Measured(_) => None,
        }
    }
}

/// Whom to ask for the end of a partition.
enum Leader {
    Asked,
    Silent(i32),
    None,
    Gone,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kafka_cluster::{GroupListing, GroupMember, codes};

    use super::*;
    use crate::fixtures::{metadata, topic};

    fn at(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition::new(topic, partition)
    }

    fn error(message: &str) -> KafkaError {
        KafkaError::of_read("Test", codes::LOCAL_TIMED_OUT, message)
    }

    fn offsets(offsets: &[(i32, i64)]) -> PartitionOffsets {
        offsets
            .iter()
            .map(|(id, offset)| (at("orders", *id), Ok(*offset)))
            .collect()
    }

    /// Group `billing` on `orders`: partition 0 led by broker 1, partition 1 by broker 2,
    /// partition 2 by nobody.
    fn readings(committed: PartitionOffsets) -> Readings {
        let partitions: &[(Option<i32>, &[i32], &[i32])] = &[
            (Some(1), &[1], &[1]),
            (Some(2), &[2], &[2]),
            (None, &[3], &[3]),
        ];
        let seen = metadata(&[1, 2], &[topic("orders", partitions)]);
        Readings {
            listings: GroupListings {
                groups: vec![GroupListing {
                    id: "billing".to_owned(),
                    state: GroupState::Stable,
                    simple: false,
                    coordinator: 1,
                }],
                errors: BTreeMap::new(),
            },
            committed: BTreeMap::from([("billing".to_owned(), Ok(committed))]),
            topics: Topics::from_metadata(&seen, None, Moment::now()),
            earliest: offsets(&[(0, 0), (1, 0)]),
            latest: offsets(&[(0, 100), (1, 50)]),
            ..Readings::default()
        }
    }

    fn assemble(readings: &Readings) -> Group {
        readings.assemble(None, Moment::now()).by_id["billing"].clone()
    }

    #[test]
    fn lag_is_the_end_minus_the_commit_and_sums_over_partitions() {
        let group = assemble(&readings(offsets(&[(0, 90), (1, 50)])));
        assert_eq!(
            group.partitions[&at("orders", 0)],
            PartitionLag::Measured(Lag::Known(10))
        );
        assert_eq!(group.known_lag(), Some(10));
        assert_eq!(group.state, GroupState::Stable);
    }

    #[test]
    fn an_assigned_partition_without_a_commit_is_unknown_and_not_summed() {
        let mut readings = readings(offsets(&[(0, 90)]));
        let member = GroupMember {
            member_id: "m".to_owned(),
            client_id: "c".to_owned(),
            host: "/127.0.0.1".to_owned(),
            assignment: vec![at("orders", 0), at("orders", 1)],
        };
        let description = GroupDescription {
            id: "billing".to_owned(),
            state: GroupState::PreparingRebalance,
            assignor: String::new(),
            coordinator: Some(1),
            members: vec![member],
        };
        readings
            .descriptions
            .insert("billing".to_owned(), Ok(description));
        let group = assemble(&readings);
        assert_eq!(
            group.partitions[&at("orders", 1)],
            PartitionLag::Measured(Lag::NoCommit)
        );
        assert_eq!(group.known_lag(), Some(10));
        assert_eq!(group.state, GroupState::PreparingRebalance);
    }

    #[test]
    fn a_group_that_never_committed_has_no_lag_rather_than_zero() {
        assert_eq!(
            assemble(&readings(PartitionOffsets::new())).known_lag(),
            None
        );
    }

    #[test]
    fn only_partitions_with_a_leader_that_answers_are_asked() {
        let mut readings = readings(offsets(&[(0, 90), (1, 50), (2, 7), (9, 1)]));
        readings.silent.insert(2);
        assert_eq!(readings.partitions_to_ask(), [at("orders", 0)]);
        let group = assemble(&readings);
        let why = |id| match &group.partitions[&at("orders", id)] {
            PartitionLag::Unknown { why, .. } => why.clone(),
            PartitionLag::Measured(lag) => format!("{lag:?}"),
        };
        assert_eq!(why(1), "its leader, broker 2, does not answer");
        assert_eq!(why(2), "the partition has no leader");
        assert_eq!(why(9), "Gone");
        assert_eq!(group.known_lag(), Some(10));
    }

    #[test]
    fn a_partition_stays_unknown_since_it_first_was() {
        let start = Moment::now();
        let later = start.plus(Duration::from_secs(5));
        let mut readings = readings(offsets(&[(0, 90)]));
        readings
            .latest
            .insert(at("orders", 0), Err(error("no answer")));
        let first = readings.assemble(None, start);
        let second = readings.assemble(Some(&first), later);
        assert_eq!(
            second.by_id["billing"].partitions[&at("orders", 0)].unknown_since(),
            Some(start)
        );
    }

    #[test]
    fn a_group_whose_commits_could_not_be_read_keeps_its_last_measurement_and_its_time() {
        let start = Moment::now();
        let first = readings(offsets(&[(0, 90)])).assemble(None, start);
        let mut failing = readings(PartitionOffsets::new());
        failing
            .committed
            .insert("billing".to_owned(), Err(error("no answer")));
        let second = failing.assemble(Some(&first), start.plus(Duration::from_secs(5)));
        let group = &second.by_id["billing"];
        assert_eq!(group.known_lag(), Some(10));
        assert_eq!(group.measured_at, Some(start));
        assert!(group.failure.as_ref().unwrap().contains("no answer"));
    }

    #[test]
    fn a_group_that_is_gone_is_dropped_only_when_every_broker_listed_its_groups() {
        let start = Moment::now();
        let later = start.plus(Duration::from_secs(5));
        let first = readings(offsets(&[(0, 90)])).assemble(None, start);
        let mut empty = Readings::default();
        assert!(empty.assemble(Some(&first), later).by_id.is_empty());
        empty
            .listings
            .errors
            .insert(2, error("broker 2 did not answer"));
        let kept = empty.assemble(Some(&first), later);
        assert_eq!(kept.by_id["billing"].measured_at, Some(start));
        assert_eq!(kept.complete_at, Some(start));
        let failure = kept.by_id["billing"].failure.as_ref().unwrap();
        assert!(
            failure.starts_with("broker 2 did not list its groups: "),
            "{failure}"
        );
    }

    #[test]
    fn the_first_thing_that_went_wrong_is_named() {
        let mut readings = readings(offsets(&[(0, 90)]));
        assert_eq!(readings.failure(), None);
        readings
            .latest
            .insert(at("orders", 0), Err(error("no answer")));
        assert!(
            readings
                .failure()
                .unwrap()
                .starts_with("offsets of orders-0: ")
        );
        readings
            .committed
            .insert("billing".to_owned(), Err(error("no answer")));
        assert!(
            readings
                .failure()
                .unwrap()
                .starts_with("commits of group \"billing\": ")
        );
    }
}
