//! Which partition the next record goes to.
//!
//! A key decides for itself ([`keyed`](super::keyed)); its partition takes no more than one run at a
//! time, for the same reasons as below.
//!
//! Records without a key may go anywhere, and librdkafka puts one partition into one request. So
//! they go to one partition in a run, which becomes one batch, then to the next. And a run is only
//! begun on a partition that has nothing in flight:
//!
//! - An idempotent librdkafka producer has one request per partition in flight (it compares the
//!   *messages* in flight with its limit of five requests: `rd_kafka_toppar_producer_serve`,
//!   2.12.1), and while a second batch that is older than `linger.ms` waits behind it, the broker's
//!   thread polls without pause. With nothing waiting behind, nothing spins, and idempotence is free.
//! - A partition whose leader is slow or gone holds one run and no more; the others take the rest.
//!   Java's partitioner gets the same from its queue sizes (KIP-794).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use kafka_cluster::PartitionMetadata;

use super::keyed::partition_of;

/// Records in flight on each of a topic's partitions. A *lane* is a partition's place in this list.
#[derive(Debug)]
pub struct Lanes {
    partitions: Vec<i32>,
    in_flight: Vec<AtomicU32>,
}

impl Lanes {
    /// The partitions that have a leader, ordered so that neighbours have different leaders.
    pub fn new(partitions: &[PartitionMetadata]) -> Self {
        Self::of(by_turns_of_leaders(partitions))
    }

    /// All partitions by id, whether they have a leader or not: what keys choose from.
    pub fn for_keys(partitions: &[PartitionMetadata]) -> Self {
        let mut ids: Vec<i32> = partitions.iter().map(|partition| partition.id).collect();
        ids.sort_unstable();
        Self::of(ids)
    }

    fn of(partitions: Vec<i32>) -> Self {
        Self {
            in_flight: partitions.iter().map(|_| AtomicU32::new(0)).collect(),
            partitions,
        }
    }

    /// Number of partitions that can be written.
    pub fn count(&self) -> usize {
        self.partitions.len()
    }

    /// The partition id of each lane.
    pub fn partitions(&self) -> &[i32] {
        &self.partitions
    }

    /// The partition id of a lane.
    pub fn partition(&self, lane: u32) -> i32 {
        self.partitions[lane as usize]
    }

    /// One more record was handed over for this lane.
    pub fn sent(&self, lane: u32) {
        self.in_flight[lane as usize].fetch_add(1, Relaxed);
    }

    /// One of its records has an outcome.
    pub fn settled(&self, lane: u32) {
        self.in_flight[lane as usize].fetch_sub(1, Relaxed);
    }

    fn is_idle(&self, lane: usize) -> bool {
        self.in_flight(lane) == 0
    }

    fn in_flight(&self, lane: usize) -> u32 {
        self.in_flight[lane].load(Relaxed)
    }
}

/// What ends a run. What comes behind a batch that was sent waits on the same partition as a second
/// one, which is what must not be: so a run has to end before its batch is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// So many records, which fill a batch (`batch.num.messages`).
    pub records: u32,
    /// So many bytes of them with their framing, where they are larger than most (`batch.size`).
    pub bytes: u64,
    /// So old, in nanoseconds, somewhat before `linger.ms`.
    pub age_ns: u64,
}

/// Cuts the stream of records into runs, each to one partition.
#[derive(Debug)]
pub struct PartitionRuns {
    lanes: Arc<Lanes>,
    limits: RunLimits,
    lane: usize,
    records: u32,
    bytes: u64,
    begun_ns: u64,
}

impl PartitionRuns {
    /// Begins with the first lane; there must be one.
    pub fn new(lanes: Arc<Lanes>, limits: RunLimits) -> Self {
        Self {
            lane: lanes.count().saturating_sub(1),
            lanes,
            limits,
            records: limits.records,
            bytes: 0,
            begun_ns: 0,
        }
    }

    /// The lane for a record of this size sent now; `None` while every partition still waits for
    /// answers. A lane that was returned counts as used: ask once per record.
    pub fn next(&mut self, now_ns: u64, record_bytes: u64) -> Option<u32> {
        let run_is_over = self.records >= self.limits.records
            || self.bytes + record_bytes > self.limits.bytes
            || now_ns.saturating_sub(self.begun_ns) >= self.limits.age_ns;
        if run_is_over {
            self.lane = self.next_idle()?;
            self.records = 0;
            self.bytes = 0;
            self.begun_ns = now_ns;
        }
        self.records += 1;
        self.bytes += record_bytes;
        Some(self.lane as u32)
    }

    /// The lane of a key; `None` while as many records as make a run wait for answers there.
    pub fn of_key(&self, key: &[u8]) -> Option<u32> {
        let lane = partition_of(key, self.lanes.count());
        (self.lanes.in_flight(lane) < self.limits.records).then_some(lane as u32)
    }

    fn next_idle(&self) -> Option<usize> {
        let count = self.lanes.count();
        (1..=count)
            .map(|step| (self.lane + step) % count)
            .find(|&lane| self.lanes.is_idle(lane))
    }
}

/// Partition ids, one of each leader in turn; partitions without a leader are left out.
fn by_turns_of_leaders(partitions: &[PartitionMetadata]) -> Vec<i32> {
    let mut taken_of_leader = std::collections::BTreeMap::<i32, usize>::new();
    let mut turns: Vec<(usize, i32, i32)> = partitions
        .iter()
        .filter_map(|partition| {
            let leader = partition.leader?;
            let turn = taken_of_leader.entry(leader).or_default();
            *turn += 1;
            Some((*turn, leader, partition.id))
        })
        .collect();
    turns.sort_unstable();
    turns.into_iter().map(|(_, _, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(id: i32, leader: Option<i32>) -> PartitionMetadata {
        PartitionMetadata {
            id,
            leader,
            replicas: vec![1, 2, 3],
            in_sync_replicas: vec![1, 2, 3],
        }
    }

    fn lanes(count: i32) -> Arc<Lanes> {
        let partitions: Vec<_> = (0..count).map(|id| partition(id, Some(1))).collect();
        Arc::new(Lanes::new(&partitions))
    }

    fn limits(records: u32, age_ns: u64) -> RunLimits {
        RunLimits {
            records,
            bytes: u64::MAX,
            age_ns,
        }
    }

    fn send(runs: &mut PartitionRuns, lanes: &Lanes, now_ns: u64) -> Option<u32> {
        let lane = runs.next(now_ns, 10)?;
        lanes.sent(lane);
        Some(lane)
    }

    #[test]
    fn neighbouring_runs_go_to_different_leaders() {
        let partitions = [
            partition(0, Some(1)),
            partition(1, Some(1)),
            partition(2, Some(2)),
            partition(3, None),
            partition(4, Some(3)),
            partition(5, Some(2)),
        ];
        assert_eq!(by_turns_of_leaders(&partitions), [0, 2, 4, 1, 5]);
    }

    #[test]
    fn a_run_stays_on_its_partition_until_it_is_full() {
        let lanes = lanes(3);
        let mut runs = PartitionRuns::new(Arc::clone(&lanes), limits(2, u64::MAX));
        let chosen: Vec<_> = (0..6).map(|_| send(&mut runs, &lanes, 0)).collect();
        assert_eq!(
            chosen,
            [Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)]
        );
    }

    #[test]
    fn a_run_ends_before_its_records_are_more_than_a_batch_holds() {
        let lanes = lanes(3);
        let limits = RunLimits {
            bytes: 25,
            ..limits(100, u64::MAX)
        };
        let mut runs = PartitionRuns::new(Arc::clone(&lanes), limits);
        let chosen: Vec<_> = (0..4).map(|_| send(&mut runs, &lanes, 0)).collect();
        assert_eq!(chosen, [Some(0), Some(0), Some(1), Some(1)]);
    }

    #[test]
    fn a_run_ends_when_its_batch_is_about_to_be_sent() {
        let lanes = lanes(3);
        let mut runs = PartitionRuns::new(Arc::clone(&lanes), limits(100, 5));
        assert_eq!(send(&mut runs, &lanes, 10), Some(0));
        assert_eq!(send(&mut runs, &lanes, 14), Some(0));
        assert_eq!(send(&mut runs, &lanes, 15), Some(1));
    }

    #[test]
    fn a_partition_with_records_in_flight_gets_no_new_run() {
        let lanes = lanes(2);
        let mut runs = PartitionRuns::new(Arc::clone(&lanes), limits(1, u64::MAX));
        assert_eq!(send(&mut runs, &lanes, 0), Some(0));
        assert_eq!(send(&mut runs, &lanes, 0), Some(1));
        assert_eq!(send(&mut runs, &lanes, 0), None);
        lanes.settled(1);
        assert_eq!(send(&mut runs, &lanes, 0), Some(1));
    }

    #[test]
    fn a_key_waits_for_its_partition_and_only_for_that() {
        let partitions = [partition(1, Some(1)), partition(0, None)];
        let lanes = Arc::new(Lanes::for_keys(&partitions));
        assert_eq!(lanes.partitions(), [0, 1], "without a leader too");
        let runs = PartitionRuns::new(Arc::clone(&lanes), limits(2, u64::MAX));
        let lane = runs.of_key(b"a").unwrap();
        lanes.sent(lane);
        assert_eq!(runs.of_key(b"a"), Some(lane));
        lanes.sent(lane);
        assert_eq!(runs.of_key(b"a"), None);
        let other = (0..100_u8).find_map(|key| runs.of_key(&[key])).unwrap();
        assert_ne!(other, lane);
        lanes.settled(lane);
        assert_eq!(runs.of_key(b"a"), Some(lane));
    }
}
