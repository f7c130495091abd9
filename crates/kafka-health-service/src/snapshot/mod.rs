//! Everything that is known of the cluster, as one immutable value. Collectors write it, rules and
//! metrics read it, and no request ever waits for more than that.
//!
//! A snapshot holds observations only: what was seen, and when. What that means is judged in
//! [`rules`](crate::rules), with the time of the judgement at hand.

mod brokers;
mod canary;
mod certificates;
mod controller;
mod course;
mod groups;
mod jmx;
mod ladder;
mod part;
mod rights;
mod store;
mod topics;
mod zookeeper;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use brokers::{
    Address, Answer, Broker, Connect, Expectation, FailureStreak, NoAnswer, Probe, Probes,
};
pub use canary::{CanaryPartition, CanaryRight, CanaryState};
pub use certificates::{Certificate, Connections};
pub use controller::Controller;
pub use course::{Commit, Course};
pub use groups::{Group, Groups, PartitionLag, PartitionOffsets, Readings, Unread};
pub use jmx::{Agent, AgentCheck, AgentFigures};
pub use ladder::{Arrival, Ladder, Ladders};
pub use part::{Attempts, Failure, Freshness, Part, Seen};
pub use rights::{Right, Rights};
pub use store::Store;
pub use topics::{Leaderless, Partition, Topic, TopicSetting, TopicSettings, Topics};
pub use zookeeper::{
    CheckFailure, NodeCheck, NodeFigures, NodeState, ZookeeperMode, ZookeeperNode,
};

use kafka_cluster::ClusterMetadata;

use crate::moment::Moment;

/// What is known of the cluster. Cloning is cheap: the large parts are shared.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Every broker that should be there, by id, with what its probes found.
    pub brokers: BTreeMap<i32, Broker>,
    /// Who the controller is.
    pub controller: Part<Controller>,
    /// Topics and partitions.
    pub topics: Part<Topics>,
    /// Why no broker lets this service in, as the newest reading of metadata found; `None` where it read
    /// them, or failed otherwise.
    pub refusal: Option<Failure>,
    /// What is set of each topic.
    pub topic_settings: Part<TopicSettings>,
    /// Consumer groups and their lag.
    pub groups: Part<Groups>,
    /// What this service may look at.
    pub rights: Part<Rights>,
    /// Rights that a collector missed in its newest attempt, and what Kafka said.
    pub denials: BTreeMap<Right, Failure>,
    /// The canary; `None` where none runs.
    pub canary: Option<CanaryState>,
    /// JMX agents by the id of their broker; empty where none is configured.
    pub jmx: BTreeMap<i32, Agent>,
    /// Requests that this service sent to brokers, by Kafka's name.
    pub requests: Arc<BTreeMap<String, u64>>,
    /// ZooKeeper nodes by address; empty when none is configured.
    pub zookeeper: BTreeMap<String, ZookeeperNode>,
    /// How this service is connected.
    pub connections: Connections,
    /// When certificates end, by holder: `broker 1`, `ZooKeeper host:port`, `CA`, this service.
    pub certificates: BTreeMap<String, Certificate>,
}

impl Snapshot {
    /// A snapshot in which nothing has been observed yet.
    #[must_use]
    pub fn expecting(brokers: &[i32], zookeeper: &[String]) -> Self {
        Self {
            brokers: brokers
                .iter()
                .map(|id| (*id, Broker::expected(*id, Expectation::Configured)))
                .collect(),
            zookeeper: zookeeper
                .iter()
                .map(|address| (address.clone(), ZookeeperNode::default()))
                .collect(),
            ..Self::default()
        }
    }

    /// Takes in what became of an attempt that needs these rights: it missed `denied` of them, with
    /// Kafka's words, and none of the others.
    pub fn note_denials(&mut self, needed: &[Right], denied: BTreeMap<Right, String>, at: Moment) {
        self.denials.retain(|right, _| !needed.contains(right));
        let denied = denied.into_iter();
        self.denials
            .extend(denied.map(|(right, message)| (right, Failure { at, message })));
    }

    /// Takes in metadata that was asked for at `at`: topics, addresses, and brokers not heard of
    /// before. A broker that is assigned a replica is expected even when it is not registered:
    /// otherwise one that was down before this service started would never be missed.
    pub fn take_in(&mut self, metadata: &ClusterMetadata, at: Moment) {
        let assigned = metadata
            .partitions()
            .flat_map(|partition| &partition.replicas);
        for id in assigned.chain(metadata.brokers.iter().map(|broker| &broker.id)) {
            self.brokers
                .entry(*id)
                .or_insert_with(|| Broker::expected(*id, Expectation::Learned));
        }
        for address in &metadata.brokers {
            if let Some(broker) = self.brokers.get_mut(&address.id) {
                broker.address = Some(Address {
                    host: address.host.clone(),
                    port: address.port,
                });
            }
        }
        let previous = self.topics.seen.as_ref().map(|seen| &*seen.value);
        let topics = Topics::from_metadata(metadata, previous, at);
        self.topics.publish(topics, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{metadata, topic};

    #[test]
    fn a_broker_is_learned_from_metadata_and_never_forgotten() {
        let mut snapshot = Snapshot::default();
        snapshot.take_in(&metadata(&[1, 2, 3], &[]), Moment::now());
        snapshot.take_in(&metadata(&[2, 3], &[]), Moment::now());
        assert_eq!(snapshot.brokers.len(), 3);
        let first = &snapshot.brokers[&1];
        assert_eq!(first.expectation, Expectation::Learned);
        assert_eq!(
            first.address.as_ref().unwrap().to_string(),
            "127.0.0.1:19092"
        );
    }

    #[test]
    fn a_broker_that_is_only_named_as_a_replica_is_expected_without_an_address() {
        let mut snapshot = Snapshot::default();
        let topics = [topic("orders", &[(Some(2), &[1, 2], &[2])])];
        snapshot.take_in(&metadata(&[2, 3], &topics), Moment::now());
        assert_eq!(
            snapshot.brokers.keys().copied().collect::<Vec<_>>(),
            [1, 2, 3]
        );
        assert_eq!(snapshot.brokers[&1].address, None);
    }

    #[test]
    fn configured_brokers_are_a_floor_and_others_are_learned_beside_them() {
        let mut snapshot = Snapshot::expecting(&[1, 2, 3], &[]);
        snapshot.take_in(&metadata(&[2, 3, 4], &[]), Moment::now());
        assert_eq!(snapshot.brokers.len(), 4);
        assert_eq!(snapshot.brokers[&1].expectation, Expectation::Configured);
        assert_eq!(snapshot.brokers[&4].expectation, Expectation::Learned);
    }

    #[test]
    fn a_broker_that_moved_is_known_by_its_new_address() {
        let mut snapshot = Snapshot::default();
        let mut moved = metadata(&[1], &[]);
        snapshot.take_in(&moved, Moment::now());
        moved.brokers[0].host = "10.0.0.7".to_owned();
        snapshot.take_in(&moved, Moment::now());
        assert_eq!(
            snapshot.brokers[&1].address.as_ref().unwrap().host,
            "10.0.0.7"
        );
    }
}
