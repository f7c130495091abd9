//! Which brokers the cluster ought to have, so that an answer can name the one that is missing.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kafka_cluster::ClusterMetadata;

/// The brokers that the settings announced, and every broker that was seen alive or holding a
/// replica since the service started.
#[derive(Debug, Default)]
pub struct BrokerRoster {
    known: Mutex<BTreeSet<i32>>,
}

impl BrokerRoster {
    /// `expected` may be empty: brokers are learned then.
    #[must_use]
    pub fn new(expected: impl IntoIterator<Item = i32>) -> Self {
        Self {
            known: Mutex::new(expected.into_iter().collect()),
        }
    }

    /// Learns from an answer of Kafka. Returns the brokers that it calls live.
    pub fn observe(&self, metadata: &ClusterMetadata) -> Vec<i32> {
        let live: Vec<i32> = metadata.brokers.iter().map(|broker| broker.id).collect();
        let mut known = self.known();
        known.extend(&live);
        known.extend(
            metadata
                .partitions()
                .flat_map(|partition| &partition.replicas),
        );
        live
    }

    /// The brokers that ought to be there and are not among `live`, by id.
    #[must_use]
    pub fn missing(&self, live: &[i32]) -> Vec<i32> {
        let known = self.known();
        known
            .iter()
            .filter(|id| !live.contains(id))
            .copied()
            .collect()
    }

    /// How many brokers there are when all that ought to be there are.
    #[must_use]
    pub fn size(&self, live: &[i32]) -> usize {
        self.missing(live).len() + live.len()
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        // Only ids are added: a panic cannot leave the set half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::{BrokerAddress, PartitionMetadata, TopicMetadata};

    use super::*;

    fn metadata(live: &[i32], replicas: &[i32]) -> ClusterMetadata {
        let broker = |&id| BrokerAddress {
            id,
            host: "localhost".to_owned(),
            port: 9092,
        };
        ClusterMetadata {
            answered_by: live[0],
            brokers: live.iter().map(broker).collect(),
            topics: vec![TopicMetadata {
                name: "a".to_owned(),
                internal: false,
                partitions: vec![PartitionMetadata {
                    id: 0,
                    leader: Some(live[0]),
                    replicas: replicas.to_vec(),
                    in_sync_replicas: live.to_vec(),
                }],
            }],
        }
    }

    #[test]
    fn announced_brokers_are_missed_before_any_was_seen() {
        let roster = BrokerRoster::new([1, 2, 3]);
        assert_eq!(roster.missing(&[1, 3]), [2]);
        assert_eq!(roster.size(&[1, 3]), 3);
    }

    #[test]
    fn a_broker_that_was_alive_or_holds_a_replica_is_missed() {
        let roster = BrokerRoster::new([]);
        assert_eq!(roster.observe(&metadata(&[1, 2], &[1, 3])), [1, 2]);
        assert_eq!(roster.missing(&[2]), [1, 3]);
        assert_eq!(roster.size(&[2]), 3);
    }

    #[test]
    fn a_broker_beyond_those_announced_is_missed_once_it_was_seen() {
        let roster = BrokerRoster::new([1, 2, 3]);
        roster.observe(&metadata(&[1, 2, 3, 4], &[4]));
        assert_eq!(roster.size(&[1, 2, 3, 4]), 4);
        assert_eq!(roster.missing(&[1, 2, 3]), [4]);
    }
}
