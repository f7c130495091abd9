//! When a partition came to its offsets: from the broker's time index at first, and then from every reading
//! of its end. So the age of an unread record is known without reading one, and once a partition is known,
//! without any further request.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kafka_cluster::TopicPartition;

/// Between two rungs lies at most this part of the age of the younger one, once they are older than some
/// readings: that is how exact an age is told.
const EXACTNESS: f64 = 0.2;

/// What is known of when one partition came to its offsets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ladder {
    /// Oldest first; times and offsets both ascend.
    rungs: Vec<Rung>,
    /// The time index was asked.
    pub indexed: bool,
}

/// Every record from `offset` on came at `at` or later, every one before it earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rung {
    at: Timestamp,
    offset: i64,
}

/// Between when and when a record came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Not before; `None`: it is older than all that is known.
    pub not_before: Option<Timestamp>,
    /// Not after.
    pub not_after: Timestamp,
}

impl Ladder {
    /// Takes in that the partition ended at `end` at the time `at`, which is later than all before.
    pub fn reach(&mut self, at: Timestamp, end: i64) {
        // After an unclean election a log may be shorter than it was.
        while self.rungs.last().is_some_and(|last| last.offset > end) {
            self.rungs.pop();
        }
        self.rungs.push(Rung { at, offset: end });
        self.thin(at);
    }

    /// Takes in what the time index says of times before all readings: the first offset of that time or
    /// later.
    pub fn index(&mut self, answers: impl IntoIterator<Item = (Timestamp, i64)>) {
        self.indexed = true;
        let first = self.rungs.first().copied();
        let mut older: Vec<Rung> = answers
            .into_iter()
            .map(|(at, offset)| Rung { at, offset })
            .filter(|rung| {
                first.is_none_or(|first| rung.at < first.at && rung.offset <= first.offset)
            })
            .collect();
        older.sort_by_key(|rung| rung.at);
        // Producers' clocks may differ: what does not ascend says nothing.
        let mut highest = i64::MIN;
        older.retain(|rung| {
            let ascends = rung.offset >= highest;
            highest = highest.max(rung.offset);
            ascends
        });
        self.rungs.splice(0..0, older);
    }

    /// When the record at `offset` came; `None` where nothing is known, or it did not come yet.
    #[must_use]
    pub fn arrival(&self, offset: i64) -> Option<Arrival> {
        let above = self.rungs.partition_point(|rung| rung.offset <= offset);
        let not_after = self.rungs.get(above)?.at;
        let below = above.checked_sub(1).and_then(|index| self.rungs.get(index));
        Some(Arrival {
            not_before: below.map(|rung| rung.at),
            not_after,
        })
    }

    /// Drops rungs that stand closer together than their age needs, and those between equal ones.
    fn thin(&mut self, now: Timestamp) {
        let mut kept: Vec<Rung> = Vec::with_capacity(self.rungs.len());
        // From the newest, which is always kept, to the oldest, which is too.
        for (index, rung) in self.rungs.iter().enumerate().rev() {
            let older = index.checked_sub(1).and_then(|index| self.rungs.get(index));
            let needed = match (kept.last(), older) {
                (Some(younger), Some(older)) => {
                    let gap = seconds_between(older.at, younger.at);
                    let still = older.offset == rung.offset && rung.offset == younger.offset;
                    !still && gap > EXACTNESS * seconds_between(younger.at, now)
                }
                _ => true,
            };
            if needed {
                kept.push(*rung);
            }
        }
        kept.reverse();
        self.rungs = kept;
    }
}

fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.duration_since(earlier).as_secs_f64()
}

/// The ladders of all partitions that some group committed on.
#[derive(Debug, Default)]
pub struct Ladders {
    by_partition: BTreeMap<TopicPartition, Ladder>,
}

impl Ladders {
    /// How long ago the time index is asked for, once for each partition that somebody is behind on.
    pub const INDEX_AGES: [Duration; 9] = [
        Duration::from_secs(20),
        Duration::from_secs(60),
        Duration::from_secs(3 * 60),
        Duration::from_secs(10 * 60),
        Duration::from_secs(30 * 60),
        Duration::from_secs(2 * 3600),
        Duration::from_secs(6 * 3600),
        Duration::from_secs(24 * 3600),
        Duration::from_secs(7 * 24 * 3600),
    ];

    /// Takes in the ends of all partitions that were read, and forgets those that were not asked for.
    pub fn reach<'a>(
        &mut self,
        at: Timestamp,
        asked: impl IntoIterator<Item = &'a TopicPartition>,
        end: impl Fn(&TopicPartition) -> Option<i64>,
    ) {
        let mut before = std::mem::take(&mut self.by_partition);
        for partition in asked {
            let mut ladder = before.remove(partition).unwrap_or_default();
            if let Some(end) = end(partition) {
                ladder.reach(at, end);
            }
            self.by_partition.insert(partition.clone(), ladder);
        }
    }

    /// The ladder of a partition, to be changed.
    pub fn get_mut(&mut self, partition: &TopicPartition) -> Option<&mut Ladder> {
        self.by_partition.get_mut(partition)
    }

    /// The ladder of a partition.
    #[must_use]
    pub fn get(&self, partition: &TopicPartition) -> Option<&Ladder> {
        self.by_partition.get(partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_764_000_000 + second).unwrap()
    }

    #[test]
    fn a_record_came_between_the_readings_that_had_it_not_and_had_it() {
        let mut ladder = Ladder::default();
        for (second, end) in [(0, 10), (5, 20), (10, 30)] {
            ladder.reach(at(second), end);
        }
        let arrival = |offset| ladder.arrival(offset);
        let between = |from: Option<i64>, to| {
            Some(Arrival {
                not_before: from.map(at),
                not_after: at(to),
            })
        };
        assert_eq!(arrival(20), between(Some(5), 10));
        assert_eq!(arrival(19), between(Some(0), 5));
        assert_eq!(arrival(10), between(Some(0), 5));
        assert_eq!(arrival(9), between(None, 0), "older than all readings");
        assert_eq!(arrival(30), None, "it did not come yet");
    }

    #[test]
    fn the_time_index_tells_of_the_time_before_the_first_reading() {
        let mut ladder = Ladder::default();
        ladder.reach(at(0), 100);
        // A clock that was wrong: what does not ascend is left out.
        ladder.index([
            (at(-10), 90),
            (at(-60), 50),
            (at(-600), 50),
            (at(-3_600), 70),
        ]);
        assert!(ladder.indexed);
        let arrival = ladder.arrival(60).unwrap();
        assert_eq!(arrival.not_after, at(-3_600));
        let arrival = ladder.arrival(95).unwrap();
        assert_eq!(
            (arrival.not_before, arrival.not_after),
            (Some(at(-10)), at(0))
        );
    }

    #[test]
    fn old_ages_are_kept_coarsely_and_exactly_enough() {
        let mut ladder = Ladder::default();
        let day = 24 * 3_600;
        for second in (0..=day).step_by(5) {
            ladder.reach(at(second), second * 10);
        }
        assert!(ladder.rungs.len() < 80, "{}", ladder.rungs.len());
        for age in [12, 100, 1_000, 10_000, 80_000] {
            let came = day - age;
            let arrival = ladder.arrival(came * 10).unwrap();
            let not_before = arrival.not_before.unwrap();
            assert!(not_before <= at(came) && at(came) <= arrival.not_after);
            let error = seconds_between(not_before, arrival.not_after);
            assert!(
                error <= 10.0_f64.max(EXACTNESS * age as f64),
                "{age}: {error}"
            );
        }
    }

    #[test]
    fn a_partition_at_rest_needs_few_rungs() {
        let mut ladder = Ladder::default();
        for second in (0..100_000).step_by(5) {
            ladder.reach(at(second), 7);
        }
        assert!(ladder.rungs.len() <= 3, "{:?}", ladder.rungs);
        assert_eq!(ladder.arrival(6).unwrap().not_after, at(0));
    }

    #[test]
    fn a_log_that_became_shorter_begins_anew() {
        let mut ladder = Ladder::default();
        ladder.reach(at(0), 100);
        ladder.reach(at(5), 80);
        assert_eq!(ladder.arrival(79).unwrap().not_after, at(5));
        assert_eq!(ladder.arrival(90), None);
    }

    #[test]
    fn partitions_that_nobody_reads_any_more_are_forgotten() {
        let [kept, left] = [0, 1].map(|id| TopicPartition::new("orders", id));
        let mut ladders = Ladders::default();
        ladders.reach(at(0), [&kept, &left], |_| Some(1));
        ladders.reach(at(5), [&kept], |_| Some(2));
        assert!(ladders.get(&kept).unwrap().arrival(1).is_some());
        assert!(ladders.get(&left).is_none());
    }
}
