//! Is what a group is behind on anything that it could read? Transactions leave markers in a log, and records
//! of transactions that were aborted: a group that has read everything looks as if it were behind by those.
//!
//! Asked only where few offsets wait and neither the commit nor the end has moved for a while, and each of
//! these once: the few offsets are read, as a reader of committed records would.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Duration;

use kafka_cluster::{Connection, PartitionRange, ReadEnd, ReadLimits, TopicPartition, read_ranges};

use crate::moment::Moment;
use crate::snapshot::{Groups, Readings};

/// More than this is no residue worth a look.
const MOST: i64 = 64;
/// A commit that moves is no residue.
const STILL_FOR: Duration = Duration::from_secs(20);
/// Looks in one round.
const AT_ONCE: usize = 8;
const DEADLINE: Duration = Duration::from_secs(3);
const BUFFER_KIB: u32 = 256;

/// Offsets of a partition that wait: from the commit to the end.
type Waiting = (TopicPartition, i64, i64);

/// What was found, for as long as it waits.
#[derive(Debug, Default)]
pub(super) struct Residues {
    known: BTreeMap<Waiting, bool>,
}

impl Residues {
    /// Looks at what is new, and answers with the partitions and commits behind which only residue waits.
    pub(super) async fn look(
        &mut self,
        connection: &Connection,
        readings: &Readings,
        previous: Option<&Groups>,
        now: Moment,
    ) -> BTreeSet<(TopicPartition, i64)> {
        let waiting = candidates(readings, previous, now);
        self.known.retain(|known, _| waiting.contains(known));
        let new: Vec<_> = waiting
            .into_iter()
            .filter(|one| !self.known.contains_key(one))
            .take(AT_ONCE)
            .collect();
        for one in new {
            let (connection, asked) = (connection.clone(), one.clone());
            let read = tokio::task::spawn_blocking(move || nothing_to_read(&connection, &asked));
            // What could not be read is looked at again in the next round.
            if let Ok(Some(nothing)) = read.await {
                self.known.insert(one, nothing);
            }
        }
        let residue = self.known.iter().filter(|(_, nothing)| **nothing);
        residue
            .map(|((partition, from, _), _)| (partition.clone(), *from))
            .collect()
    }
}

fn candidates(readings: &Readings, previous: Option<&Groups>, now: Moment) -> BTreeSet<Waiting> {
    let mut candidates = BTreeSet::new();
    for (id, committed) in &readings.committed {
        let course = previous.and_then(|groups| Some(&groups.by_id.get(id)?.course));
        let (Some(course), Ok(committed)) = (course, committed) else {
            continue;
        };
        for (partition, offset) in committed {
            let (Ok(from), Some(Ok(end))) = (offset, readings.latest.get(partition)) else {
                continue;
            };
            let still = course
                .commits
                .get(partition)
                .is_some_and(|commit| commit.offset == *from && commit.since.age(now) >= STILL_FOR);
            if still && (1..=MOST).contains(&(end - from)) {
                candidates.insert((partition.clone(), *from, *end));
            }
        }
    }
    candidates
}

/// `None`: it could not be read.
fn nothing_to_read(connection: &Connection, (partition, from, to): &Waiting) -> Option<bool> {
    let range = PartitionRange {
        partition: partition.partition,
        from: *from,
        to: *to,
    };
    let limits = ReadLimits {
        buffer_kib: BUFFER_KIB,
        ..ReadLimits::within(DEADLINE)
    };
    let stop_at_first = |_: kafka_cluster::ReadRecord<'_>| ControlFlow::Break(());
    match read_ranges(
        connection,
        &partition.topic,
        &[range],
        limits,
        stop_at_first,
    ) {
        Ok(ReadEnd::Complete) => Some(true),
        Ok(ReadEnd::Stopped | ReadEnd::Limited) => Some(false),
        Ok(ReadEnd::DeadlineReached { .. }) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::GroupState;

    use super::*;
    use crate::snapshot::{Commit, Course, Group};

    #[test]
    fn only_a_few_offsets_before_which_a_commit_stands_still_are_looked_at() {
        let start = Moment::now();
        let [still, moved, far, done] = [0, 1, 2, 3].map(|id| TopicPartition::new("orders", id));
        let commit = |offset| Commit {
            offset,
            since: start,
        };
        let group = Group {
            course: Course {
                commits: [(&still, 9), (&moved, 8), (&far, 0), (&done, 10)]
                    .map(|(partition, offset)| (partition.clone(), commit(offset)))
                    .into(),
                ..Course::default()
            },
            ..Group::in_state(GroupState::Empty)
        };
        let groups = Groups {
            by_id: [("billing".to_owned(), group)].into(),
            complete_at: None,
        };
        let committed = [(&still, 9), (&moved, 9), (&far, 0), (&done, 10)];
        let readings = Readings {
            committed: [(
                "billing".to_owned(),
                Ok(committed
                    .map(|(one, offset)| (one.clone(), Ok(offset)))
                    .into()),
            )]
            .into(),
            latest: [(&still, 10), (&moved, 10), (&far, 1_000), (&done, 10)]
                .map(|(one, offset)| (one.clone(), Ok(offset)))
                .into(),
            ..Readings::default()
        };
        let later = start.plus(STILL_FOR);
        let found = candidates(&readings, Some(&groups), later);
        assert_eq!(found, [(still, 9, 10)].into());
        assert!(candidates(&readings, Some(&groups), start).is_empty());
        assert!(candidates(&readings, None, later).is_empty());
    }
}
