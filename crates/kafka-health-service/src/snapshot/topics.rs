//! Topics and partitions as metadata shows them, with what one reading alone cannot tell: since
//! when a partition has no leader, and whether it ever had one.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_cluster::{ClusterMetadata, PartitionMetadata, TopicMetadata};

use crate::moment::Moment;

/// All topics, from one metadata answer.
#[derive(Debug, Clone, Default)]
pub struct Topics {
    /// Topics by name.
    pub by_name: BTreeMap<String, Topic>,
    /// Brokers that were registered in the cluster.
    pub registered: Vec<i32>,
}

/// One topic.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Kept by Kafka for itself.
    pub internal: bool,
    /// Replicas of the first partition, as `kafka-topics --describe` counts it.
    pub replication_factor: usize,
    /// Partitions by id.
    pub partitions: Vec<Partition>,
}

/// One partition.
#[derive(Debug, Clone)]
pub struct Partition {
    /// Where it is.
    pub metadata: PartitionMetadata,
    /// Set while it has no leader.
    pub leaderless: Option<Leaderless>,
}

/// A partition without a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaderless {
    /// First seen so.
    pub since: Moment,
    /// It was never seen with a leader: its topic appeared while this service watched. Kafka
    /// shows a new topic for some milliseconds before its leaders are chosen.
    pub newborn: bool,
}

/// What is set of each topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicSettings {
    /// Topics whose settings are known.
    pub by_topic: BTreeMap<String, TopicSetting>,
}

/// What is set of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicSetting {
    /// `min.insync.replicas`.
    pub min_in_sync: usize,
    /// `retention.ms`, where `cleanup.policy` deletes at all; `None`: records do not grow too old.
    pub retention: Option<Duration>,
}

impl Topics {
    /// Takes over what `metadata`, asked for at `at`, shows, and from `previous` since when.
    #[must_use]
    pub fn from_metadata(metadata: &ClusterMetadata, previous: Option<&Self>, at: Moment) -> Self {
        let topics = metadata.topics.iter().map(|topic| {
            let earlier = previous.map(|previous| previous.by_name.get(&topic.name));
            (topic.name.clone(), Topic::from_metadata(topic, earlier, at))
        });
        Self {
            by_name: topics.collect(),
            registered: metadata.brokers.iter().map(|broker| broker.id).collect(),
        }
    }

    /// All partitions, each with its topic's name.
    pub fn partitions(&self) -> impl Iterator<Item = (&str, &Partition)> {
        self.by_name.iter().flat_map(|(name, topic)| {
            topic
                .partitions
                .iter()
                .map(move |partition| (name.as_str(), partition))
        })
    }

    /// One partition, if it is there.
    #[must_use]
    pub fn partition(&self, topic: &str, id: i32) -> Option<&Partition> {
        let topic = self.by_name.get(topic)?;
        topic
            .partitions
            .iter()
            .find(|partition| partition.metadata.id == id)
    }
}

impl Topic {
    /// `earlier`: `None` if nothing was read before, `Some(None)` if the topic is new.
    fn from_metadata(topic: &TopicMetadata, earlier: Option<Option<&Self>>, at: Moment) -> Self {
        let partitions = topic.partitions.iter().map(|partition| Partition {
            metadata: partition.clone(),
            leaderless: partition
                .leader
                .is_none()
                .then(|| leaderless(partition.id, earlier, at)),
        });
        Self {
            internal: topic.internal,
            replication_factor: topic.replication_factor(),
            partitions: partitions.collect(),
        }
    }
}

fn leaderless(partition: i32, earlier: Option<Option<&Topic>>, at: Moment) -> Leaderless {
    let fresh = |newborn| Leaderless { since: at, newborn };
    let Some(before) = earlier else {
        // The first reading: nothing says that it is new.
        return fresh(false);
    };
    let known = before.and_then(|topic| {
        topic
            .partitions
            .iter()
            .find(|known| known.metadata.id == partition)
    });
    match known {
        Some(known) => known.leaderless.unwrap_or_else(|| fresh(false)),
        None => fresh(true),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fixtures::{metadata, topic};

    fn reading(topics: &[TopicMetadata], previous: Option<&Topics>, at: Moment) -> Topics {
        Topics::from_metadata(&metadata(&[1, 2], topics), previous, at)
    }

    fn leaderless_of(topics: &Topics) -> Option<Leaderless> {
        topics.partition("orders", 0).unwrap().leaderless
    }

    #[test]
    fn a_partition_that_loses_its_leader_is_leaderless_since_the_reading_that_showed_it() {
        let start = Moment::now();
        let later = start.plus(Duration::from_secs(2));
        let with = [topic("orders", &[(Some(1), &[1, 2], &[1, 2])])];
        let without = [topic("orders", &[(None, &[1, 2], &[1])])];
        let first = reading(&with, None, start);
        let second = reading(&without, Some(&first), later);
        let third = reading(&without, Some(&second), later.plus(Duration::from_secs(2)));
        let expected = Leaderless {
            since: later,
            newborn: false,
        };
        assert_eq!(leaderless_of(&first), None);
        assert_eq!(leaderless_of(&second), Some(expected));
        assert_eq!(leaderless_of(&third), Some(expected));
    }

    #[test]
    fn a_topic_that_appears_without_leaders_is_newborn() {
        let start = Moment::now();
        let first = reading(&[], None, start);
        let second = reading(
            &[topic("orders", &[(None, &[1, 2], &[])])],
            Some(&first),
            start,
        );
        assert!(leaderless_of(&second).unwrap().newborn);
    }

    #[test]
    fn nothing_is_newborn_in_the_first_reading() {
        let first = reading(
            &[topic("orders", &[(None, &[1], &[])])],
            None,
            Moment::now(),
        );
        assert!(!leaderless_of(&first).unwrap().newborn);
    }

    #[test]
    fn a_partition_that_gets_a_leader_is_not_leaderless_any_more() {
        let start = Moment::now();
        let first = reading(&[topic("orders", &[(None, &[1], &[])])], None, start);
        let second = reading(
            &[topic("orders", &[(Some(1), &[1], &[1])])],
            Some(&first),
            start,
        );
        assert_eq!(leaderless_of(&second), None);
    }
}
