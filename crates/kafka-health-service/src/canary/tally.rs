//! The account of the canary's records: what became of each. Pure: times are given.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kafka_cluster::{Delivery, ErrorKind, Persistence};

use crate::moment::Moment;
use crate::snapshot::{CanaryPartition, CanaryRight, CanaryState};

/// A record that takes longer from its sending until it is acknowledged and read is late.
pub(super) const LATE_AFTER: Duration = Duration::from_secs(2);
/// Records are no longer waited for after this long: memory stays bounded in a long outage.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Fate {
    /// Acknowledged and read back in time.
    Ok,
    /// Acknowledged and read back, too late.
    Late,
    /// Not acknowledged: not written, or perhaps.
    Failed,
    /// Acknowledged, and a later one of the same partition was read without it.
    Lost,
    /// Read twice.
    Duplicated,
    /// Read with a checksum that does not match.
    Corrupted,
}

impl Fate {
    pub(super) const ALL: [Self; 6] = [
        Self::Ok,
        Self::Late,
        Self::Failed,
        Self::Lost,
        Self::Duplicated,
        Self::Corrupted,
    ];

    /// Its name in metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Corrupted => "corrupted",
        }
    }
}

/// Something that the metrics count.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    Sent { leader: i32 },
    Fate { leader: i32, fate: Fate },
    Produced { leader: i32, took: Duration },
    RoundTrip { leader: i32, took: Duration },
}

/// A record under way.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    sent: Instant,
    leader: i32,
    acknowledged: Option<Instant>,
    read: Option<Instant>,
}

#[derive(Debug, Default)]
struct Partition {
    next: u64,
    last_read: Option<u64>,
    under_way: BTreeMap<u64, UnderWay>,
    shown: CanaryPartition,
}

/// The account.
#[derive(Debug, Default)]
pub(super) struct Tally {
    partitions: BTreeMap<i32, Partition>,
    events: Vec<Event>,
    /// What Kafka said that it may not do, until it could.
    denied: BTreeMap<CanaryRight, String>,
}

impl Tally {
    /// An account that goes on from what was shown before: what was in the way is, until a record comes.
    pub(super) fn going_on(before: Option<&CanaryState>, partitions: &[i32]) -> Self {
        let Some(before) = before else {
            return Self::default();
        };
        let shown = partitions.iter().filter_map(|id| {
            let shown = before.partitions.get(id)?.clone();
            let known = Partition {
                shown,
                ..Partition::default()
            };
            Some((*id, known))
        });
        Self {
            partitions: shown.collect(),
            denied: before.denied.clone(),
            ..Self::default()
        }
    }

    /// Takes the number of a record that is sent now to `partition`, led by `leader`.
    pub(super) fn send(&mut self, partition: i32, leader: i32, now: Instant) -> u64 {
        let known = self.partitions.entry(partition).or_default();
        let number = known.next;
        known.next += 1;
        known.shown.leader = leader;
        known.under_way.insert(
            number,
            UnderWay {
                sent: now,
                leader,
                acknowledged: None,
                read: None,
            },
        );
        self.events.push(Event::Sent { leader });
        number
    }

    /// The producer's report.
    pub(super) fn delivered(
        &mut self,
        partition: i32,
        number: u64,
        delivery: &Delivery,
        at: Moment,
    ) {
        match delivery {
            Delivery::Acknowledged { .. } => {
                self.denied.remove(&CanaryRight::Write);
                self.acknowledged(partition, number, at);
            }
            Delivery::Failed { persistence, error } => {
                if error.kind == ErrorKind::Denied {
                    self.may_not(CanaryRight::Write, error.message.clone());
                }
                let perhaps = match persistence {
                    Persistence::NotPersisted => "not written",
                    Persistence::PossiblyPersisted => "perhaps written",
                };
                self.failed(partition, number, format!("{perhaps}: {error}"), at);
            }
        }
    }

    fn acknowledged(&mut self, partition: i32, number: u64, at: Moment) {
        let Some(known) = self.partitions.get_mut(&partition) else {
            return;
        };
        let now = at.instant();
        let Some(record) = known.under_way.get_mut(&number) else {
            return;
        };
        record.acknowledged = Some(now);
        let took = now.saturating_duration_since(record.sent);
        let leader = record.leader;
        let passed_by = record.read.is_none() && known.last_read.is_some_and(|last| last > number);
        self.events.push(Event::Produced { leader, took });
        if passed_by {
            self.end(partition, number, Fate::Lost, at);
        } else {
            self.settle(partition, number, at);
        }
    }

    pub(super) fn failed(&mut self, partition: i32, number: u64, why: String, at: Moment) {
        if let Some(known) = self.partitions.get_mut(&partition) {
            known.shown.why = Some(why);
            self.end(partition, number, Fate::Failed, at);
        }
    }

    /// Kafka refused this for want of a right.
    pub(super) fn may_not(&mut self, right: CanaryRight, said: String) {
        self.denied.insert(right, said);
    }

    /// What it may not do, as far as that is known.
    pub(super) fn denied(&self) -> BTreeMap<CanaryRight, String> {
        self.denied.clone()
    }

    /// A record of ours was read.
    pub(super) fn read(&mut self, partition: i32, number: u64, at: Moment) {
        self.denied.remove(&CanaryRight::Read);
        let Some(known) = self.partitions.get_mut(&partition) else {
            return;
        };
        if known.last_read.is_some_and(|last| number <= last) {
            let leader = known.shown.leader;
            self.count(leader, Fate::Duplicated);
            return;
        }
        known.last_read = Some(number);
        if let Some(record) = known.under_way.get_mut(&number) {
            record.read = Some(at.instant());
        }
        // A producer that is idempotent writes in order: what comes before has passed.
        let before = known.under_way.range(..number);
        let missing =
            before.filter(|(_, record)| record.acknowledged.is_some() && record.read.is_none());
        let missing: Vec<u64> = missing.map(|(number, _)| *number).collect();
        for lost in missing {
            self.end(partition, lost, Fate::Lost, at);
        }
        self.settle(partition, number, at);
    }

    /// A record was read whose checksum does not match.
    pub(super) fn corrupted(&mut self, partition: i32) {
        let leader = self
            .partitions
            .get(&partition)
            .map(|known| known.shown.leader);
        self.count(leader.unwrap_or(-1), Fate::Corrupted);
    }

    /// Both acknowledged and read: over.
    fn settle(&mut self, partition: i32, number: u64, at: Moment) {
        let Some(known) = self.partitions.get_mut(&partition) else {
            return;
        };
        let Some(record) = known.under_way.get(&number).copied() else {
            return;
        };
        let (Some(acknowledged), Some(read)) = (record.acknowledged, record.read) else {
            return;
        };
        let leader = record.leader;
        let took = acknowledged
            .max(read)
            .saturating_duration_since(record.sent);
        self.events.push(Event::RoundTrip { leader, took });
        let fate = if took > LATE_AFTER {
            Fate::Late
        } else {
            Fate::Ok
        };
        self.end(partition, number, fate, at);
    }

    fn end(&mut self, partition: i32, number: u64, fate: Fate, at: Moment) {
        let Some(known) = self.partitions.get_mut(&partition) else {
            return;
        };
        let Some(record) = known.under_way.remove(&number) else {
            return;
        };
        match fate {
            // It came: what had been in the way is over, however long it was.
            Fate::Ok | Fate::Late => {
                known.shown.last_good = Some(at);
                known.shown.why = None;
            }
            Fate::Lost => {
                known.shown.lost += 1;
                known.shown.last_lost = Some(at);
            }
            Fate::Failed | Fate::Duplicated | Fate::Corrupted => {}
        }
        self.count(record.leader, fate);
    }

    fn count(&mut self, leader: i32, fate: Fate) {
        self.events.push(Event::Fate { leader, fate });
    }

    /// Forgets records that were waited for too long: late, as far as anybody can tell.
    pub(super) fn expire(&mut self, at: Moment) {
        let now = at.instant();
        let old: Vec<(i32, u64)> = self
            .partitions
            .iter()
            .flat_map(|(partition, known)| {
                let under_way = known.under_way.iter();
                let old = under_way.take_while(|(_, record)| {
                    now.saturating_duration_since(record.sent) > FORGOTTEN_AFTER
                });
                old.map(|(number, _)| (*partition, *number))
            })
            .collect();
        for (partition, number) in old {
            let known = self.partitions.get_mut(&partition);
            let record = known.and_then(|known| known.under_way.remove(&number));
            if let Some(record) = record {
                self.count(record.leader, Fate::Late);
            }
        }
    }

    /// When last a record came through any partition.
    pub(super) fn last_good(&self) -> Option<Moment> {
        let partitions = self.partitions.values();
        partitions.filter_map(|known| known.shown.last_good).max()
    }

    /// What happened since the last time.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Each partition as it is shown.
    pub(super) fn shown(&self, at: Moment) -> BTreeMap<i32, CanaryPartition> {
        let now = at.instant();
        let partitions = self.partitions.iter();
        partitions
            .map(|(id, known)| {
                let oldest = known.under_way.values().next();
                let waiting = oldest.map(|record| now.saturating_duration_since(record.sent));
                let shown = CanaryPartition {
                    leader: oldest.map_or(known.shown.leader, |record| record.leader),
                    waiting,
                    ..known.shown.clone()
                };
                (*id, shown)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::{KafkaError, codes};

    use super::*;

    struct Course {
        tally: Tally,
        start: Moment,
    }

    impl Course {
        fn new() -> Self {
            Self {
                tally: Tally::default(),
                start: Moment::now(),
            }
        }

        fn at(&self, ms: u64) -> Moment {
            self.start.plus(Duration::from_millis(ms))
        }

        fn send(&mut self, ms: u64) -> u64 {
            let now = self.at(ms).instant();
            self.tally.send(0, 1, now)
        }

        fn acknowledge(&mut self, number: u64, ms: u64) {
            let delivery = Delivery::Acknowledged {
                partition: 0,
                offset: None,
            };
            self.tally.delivered(0, number, &delivery, self.at(ms));
        }

        fn read(&mut self, number: u64, ms: u64) {
            self.tally.read(0, number, self.at(ms));
        }

        fn fates(&mut self) -> Vec<Fate> {
            let events = self.tally.take_events().into_iter();
            events
                .filter_map(|event| match event {
                    Event::Fate { fate, .. } => Some(fate),
                    _ => None,
                })
                .collect()
        }
    }

    #[test]
    fn acknowledged_and_read_in_either_order_is_ok_and_too_late_is_late() {
        let mut course = Course::new();
        let (first, second, third) = (course.send(0), course.send(10), course.send(20));
        course.acknowledge(first, 5);
        course.read(first, 8);
        course.read(second, 15);
        assert_eq!(course.fates(), [Fate::Ok]);
        course.acknowledge(second, 16);
        assert_eq!(course.fates(), [Fate::Ok]);
        course.acknowledge(third, 30);
        course.read(third, 2_100);
        assert_eq!(course.fates(), [Fate::Late]);
    }

    #[test]
    fn what_was_acknowledged_and_is_passed_by_is_lost() {
        let mut course = Course::new();
        let numbers: Vec<u64> = (0..4).map(|ms| course.send(ms)).collect();
        course.acknowledge(numbers[0], 10);
        course.acknowledge(numbers[2], 11);
        course.read(numbers[2], 12);
        assert_eq!(course.fates(), [Fate::Lost, Fate::Ok]);
        // Its acknowledgement comes after a later one was read.
        course.acknowledge(numbers[1], 13);
        assert_eq!(course.fates(), [Fate::Lost]);
        // Not read yet, and nothing after it either.
        course.acknowledge(numbers[3], 14);
        assert_eq!(course.fates(), []);
        let shown = &course.tally.shown(course.at(20))[&0];
        assert_eq!((shown.lost, shown.last_lost), (2, Some(course.at(13))));
    }

    #[test]
    fn what_failed_is_not_lost_and_may_come_all_the_same() {
        let mut course = Course::new();
        let (first, second) = (course.send(0), course.send(1));
        course
            .tally
            .failed(0, first, "no answer".into(), course.at(5));
        assert_eq!(course.fates(), [Fate::Failed]);
        let shown = course.tally.shown(course.at(5))[&0].clone();
        assert_eq!(shown.why.as_deref(), Some("no answer"));
        course.read(first, 6);
        course.acknowledge(second, 7);
        course.read(second, 8);
        assert_eq!(course.fates(), [Fate::Ok]);
        let shown = course.tally.shown(course.at(9))[&0].clone();
        assert_eq!((shown.why, shown.last_good), (None, Some(course.at(8))));
    }

    #[test]
    fn a_new_beginning_forgets_neither_what_was_in_the_way_nor_what_was_lost() {
        let mut course = Course::new();
        let (first, second) = (course.send(0), course.send(1));
        course.acknowledge(first, 2);
        course.acknowledge(second, 3);
        course.read(second, 4);
        let third = course.send(5);
        course.tally.failed(0, third, "no".into(), course.at(6));
        course.tally.may_not(CanaryRight::Write, "no".into());
        let mut state = CanaryState::began("canary", course.start);
        let now = course.at(7);
        state.show(course.tally.shown(now), course.tally.denied(), now);

        course.tally = Tally::going_on(Some(&state), &[0]);
        assert_eq!(course.tally.denied(), state.denied);
        let shown = course.tally.shown(course.at(8))[&0].clone();
        assert_eq!(
            (shown.why.as_deref(), shown.lost, shown.waiting),
            (Some("no"), 1, None)
        );
        let again = course.send(9);
        course.acknowledge(again, 10);
        course.read(again, 11);
        let shown = course.tally.shown(course.at(12))[&0].clone();
        assert_eq!((shown.why, shown.lost), (None, 1));
        // A partition that the topic no longer has is forgotten.
        assert!(Tally::going_on(Some(&state), &[1]).shown(now).is_empty());
    }

    #[test]
    fn a_right_is_missing_from_its_refusal_until_something_is_written_or_read() {
        let mut course = Course::new();
        let (first, second) = (course.send(0), course.send(1));
        let error = KafkaError::of_write("Produce", codes::TOPIC_AUTHORIZATION_FAILED, "no");
        let delivery = Delivery::Failed {
            persistence: Persistence::NotPersisted,
            error,
        };
        course.tally.delivered(0, first, &delivery, course.at(5));
        course.tally.may_not(CanaryRight::Read, "nor that".into());
        let denied = course.tally.denied();
        assert_eq!(denied[&CanaryRight::Write], "no");
        assert_eq!(denied[&CanaryRight::Read], "nor that");
        course.acknowledge(second, 7);
        course.read(second, 8);
        assert_eq!(course.tally.denied(), BTreeMap::new());
    }

    #[test]
    fn what_is_read_again_is_doubled() {
        let mut course = Course::new();
        let first = course.send(0);
        course.acknowledge(first, 1);
        course.read(first, 2);
        course.read(first, 3);
        assert_eq!(course.fates(), [Fate::Ok, Fate::Duplicated]);
        course.tally.corrupted(0);
        assert_eq!(course.fates(), [Fate::Corrupted]);
    }

    #[test]
    fn what_waits_shows_and_is_forgotten_in_the_end() {
        let mut course = Course::new();
        course.send(0);
        let waiting = |course: &Course, ms| course.tally.shown(course.at(ms))[&0].waiting;
        // Another broker leads meanwhile: it is not what the first record waits for.
        let later = course.at(1).instant();
        course.tally.send(0, 2, later);
        assert_eq!(course.tally.shown(course.at(5))[&0].leader, 1);
        assert_eq!(waiting(&course, 700), Some(Duration::from_millis(700)));
        course.tally.expire(course.at(600_000));
        assert_eq!(course.fates(), []);
        course.tally.expire(course.at(600_001));
        assert_eq!(course.fates(), [Fate::Late]);
        course.tally.expire(course.at(600_002));
        assert_eq!(course.fates(), [Fate::Late]);
        assert_eq!(waiting(&course, 600_003), None);
    }
}
