//! A topic as somebody wants it to be, valid by construction.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kafka_cluster::{ConfigEntry, ConfigSource, NewTopic, TopicMetadata};

use super::TopicName;

/// Most partitions for one topic. Kafka itself would try any number that fits 32 bits; a hundred
/// thousand is the order of what a whole ZooKeeper-mode cluster carries.
pub const MAX_PARTITIONS: i32 = 100_000;
/// Kafka sends the replication factor as a 16-bit number.
/// Source: Kafka protocol, `CreateTopicsRequest`, `ReplicationFactor`.
pub const MAX_REPLICATION_FACTOR: i32 = i16::MAX as i32;

/// A topic as it is asked for, by a request or by the declared document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// The topic's name.
    pub name: TopicName,
    /// Number of partitions.
    pub partitions: PartitionCount,
    /// Copies of each partition.
    pub replication_factor: ReplicationFactor,
    /// Topic settings by Kafka's own names. Names and values are Kafka's to judge.
    pub configs: BTreeMap<String, String>,
}

/// A number of partitions, 1 to [`MAX_PARTITIONS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartitionCount(i32);

/// A number of copies of each partition, 1 to [`MAX_REPLICATION_FACTOR`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplicationFactor(i32);

/// A number outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be between {} and {}", range.start(), range.end())]
pub struct OutOfRange {
    /// What would have been in range.
    pub range: RangeInclusive<i32>,
}

impl TopicSpec {
    /// A topic as it is, with the settings that it overrides itself; `None` for one that has no
    /// partitions (yet) or a name that this service does not know how to take.
    #[must_use]
    pub fn of(topic: &TopicMetadata, configs: &[ConfigEntry]) -> Option<Self> {
        let own = configs
            .iter()
            .filter(|entry| entry.source == ConfigSource::DynamicTopicConfig);
        let factor = i64::try_from(topic.replication_factor()).ok()?;
        Some(Self {
            name: TopicName::parse(&topic.name).ok()?,
            partitions: PartitionCount::new(i64::try_from(topic.partitions.len()).ok()?).ok()?,
            replication_factor: ReplicationFactor::new(factor).ok()?,
            configs: own
                .filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?)))
                .collect(),
        })
    }

    /// The same in Kafka's terms.
    #[must_use]
    pub fn to_new_topic(&self) -> NewTopic {
        NewTopic {
            name: self.name.to_string(),
            partitions: self.partitions.get(),
            replication_factor: self.replication_factor.get(),
            configs: self.configs.clone(),
        }
    }
}

impl PartitionCount {
    /// # Errors
    /// A number outside 1 to [`MAX_PARTITIONS`].
    pub fn new(count: i64) -> Result<Self, OutOfRange> {
        within(count, 1..=MAX_PARTITIONS).map(Self)
    }

    /// The plain number.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

impl ReplicationFactor {
    /// # Errors
    /// A number outside 1 to [`MAX_REPLICATION_FACTOR`].
    pub fn new(factor: i64) -> Result<Self, OutOfRange> {
        within(factor, 1..=MAX_REPLICATION_FACTOR).map(Self)
    }

    /// The plain number.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

fn within(number: i64, range: RangeInclusive<i32>) -> Result<i32, OutOfRange> {
    i32::try_from(number)
        .ok()
        .filter(|number| range.contains(number))
        .ok_or(OutOfRange { range })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_both_ranges_are_in_and_what_is_beyond_is_out() {
        assert_eq!(PartitionCount::new(1).unwrap().get(), 1);
        assert_eq!(PartitionCount::new(100_000).unwrap().get(), 100_000);
        assert_eq!(ReplicationFactor::new(32_767).unwrap().get(), 32_767);
        for count in [i64::MIN, -1, 0, 100_001, i64::MAX] {
            assert!(PartitionCount::new(count).is_err(), "{count}");
        }
        for factor in [-1, 0, 32_768] {
            assert!(ReplicationFactor::new(factor).is_err(), "{factor}");
        }
    }

    #[test]
    fn the_error_says_the_range() {
        let error = PartitionCount::new(0).unwrap_err();
        assert_eq!(error.to_string(), "must be between 1 and 100000");
    }
}
