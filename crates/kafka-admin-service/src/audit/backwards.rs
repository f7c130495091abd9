//! The order in which the partitions of the audit topic are read from their ends back: in steps that grow,
//! each of all partitions, until as much is read as somebody wants. A pure state machine.

use std::collections::BTreeMap;

use kafka_cluster::PartitionRange;

/// Records of the first step over all partitions. Each may be some 130 KiB, and a step that breaks a bound
/// tells nothing.
const FIRST_STEP: i64 = 96;
/// How much larger each step is than the one before: a consumer is made for each.
const GROWTH: i64 = 4;

/// What is read of each partition, and what is left.
#[derive(Debug)]
pub(super) struct Backwards {
    left: Vec<Left>,
    step: i64,
}

#[derive(Debug)]
struct Left {
    /// What was not read.
    range: PartitionRange,
    /// The time of the oldest record that was.
    oldest_ms: Option<i64>,
}

impl Backwards {
    /// Nothing of `ranges` was read.
    pub fn new(ranges: Vec<PartitionRange>) -> Self {
        let left = ranges.into_iter().map(|range| Left {
            range,
            oldest_ms: None,
        });
        Self {
            left: left.collect(),
            step: FIRST_STEP,
        }
    }

    /// What is read next, at most `most` records; nothing where that is less than one of each partition, or
    /// all was read.
    pub fn next_step(&self, most: i64) -> Vec<PartitionRange> {
        let open: Vec<_> = self.open().map(|left| left.range).collect();
        let count = i64::try_from(open.len()).unwrap_or(i64::MAX).max(1);
        let each = (self.step / count).max(1).min(most / count);
        let step = open.into_iter().filter(|_| each > 0);
        step.map(|range| PartitionRange {
            from: range.from.max(range.to - each),
            ..range
        })
        .collect()
    }

    /// `step` was read to its end, with the time of the oldest record of each partition.
    pub fn took(&mut self, step: &[PartitionRange], oldest_ms: &BTreeMap<i32, i64>) {
        for taken in step {
            let id = taken.partition;
            let left = self.left.iter_mut().find(|left| left.range.partition == id);
            if let Some(left) = left {
                left.range.to = taken.from;
                left.oldest_ms = oldest_ms.get(&id).copied().or(left.oldest_ms);
            }
        }
        self.step = self.step.saturating_mul(GROWTH);
    }

    /// Whether all was read.
    pub fn is_done(&self) -> bool {
        self.open().next().is_none()
    }

    /// All records from this time on were read: `i64::MIN` where all were, `i64::MAX` where that is true of
    /// none.
    pub fn edge_ms(&self) -> i64 {
        let edges = self.open().map(|left| left.oldest_ms.unwrap_or(i64::MAX));
        edges.max().unwrap_or(i64::MIN)
    }

    fn open(&self) -> impl Iterator<Item = &Left> {
        let left = self.left.iter();
        left.filter(|left| left.range.from < left.range.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(partition: i32, from: i64, to: i64) -> PartitionRange {
        PartitionRange {
            partition,
            from,
            to,
        }
    }

    #[test]
    fn steps_go_from_the_ends_back_and_grow() {
        let mut reading = Backwards::new(vec![range(0, 0, 1_000), range(1, 90, 100)]);
        assert_eq!(reading.edge_ms(), i64::MAX);
        let step = reading.next_step(20_000);
        assert_eq!(step, [range(0, 952, 1_000), range(1, 90, 100)]);
        reading.took(&step, &[(0, 500), (1, 700)].into());
        // The second partition is read to its beginning.
        assert_eq!((reading.edge_ms(), reading.is_done()), (500, false));
        let step = reading.next_step(20_000);
        assert_eq!(step, [range(0, 568, 952)]);
        reading.took(&step, &[(0, 300)].into());
        let step = reading.next_step(20_000);
        assert_eq!(step, [range(0, 0, 568)]);
        reading.took(&step, &[(0, 0)].into());
        assert_eq!((reading.edge_ms(), reading.is_done()), (i64::MIN, true));
        assert_eq!(reading.next_step(20_000), []);
    }

    #[test]
    fn a_step_is_no_larger_than_it_may_be() {
        let reading = Backwards::new(vec![range(0, 0, 100), range(1, 0, 100)]);
        assert_eq!(
            reading.next_step(20),
            [range(0, 90, 100), range(1, 90, 100)]
        );
        assert_eq!(reading.next_step(1), []);
    }

    #[test]
    fn a_partition_of_which_nothing_is_known_holds_the_edge() {
        let mut reading = Backwards::new(vec![range(0, 0, 100), range(1, 0, 100)]);
        let step = reading.next_step(20_000);
        // Compaction left no record there.
        reading.took(&step, &[(0, 500)].into());
        assert_eq!(reading.edge_ms(), i64::MAX);
    }
}
