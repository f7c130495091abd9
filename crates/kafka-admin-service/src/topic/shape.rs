//! A topic as somebody wants it to be, valid by construction.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kafka_cluster::{ConfigEntry, ConfigSource, NewTopic, TopicMetadata};

use super::TopicName;
use crate::configs::same_value;

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

    /// Whether `shown` is what this asks for; settings that this does not name do not count.
    #[must_use]
    pub fn is_met_by(&self, shown: &Self) -> bool {
        let same = |(name, value): (&String, &String)| {
            let there = shown.configs.get(name);
            there.is_some_and(|there| same_value(value, there))
        };
        (&self.name, self.partitions, self.replication_factor)
            == (&shown.name, shown.partitions, shown.replication_factor)
            && self.configs.iter().all(same)
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
    fn a_topic_of_another_shape_is_not_the_one_that_was_asked_for() {
        let spec = |partitions: i64, value: &str| TopicSpec {
            name: TopicName::parse("a").unwrap(),
            partitions: PartitionCount::new(partitions).unwrap(),
            replication_factor: ReplicationFactor::new(3).unwrap(),
            configs: BTreeMap::from([("retention.ms".to_owned(), value.to_owned())]),
        };
        let mut shown = spec(2, "1000");
        shown.configs.insert("x".to_owned(), "1".to_owned());
        assert!(spec(2, "01000").is_met_by(&shown));
        assert!(!spec(3, "1000").is_met_by(&shown));
        assert!(!spec(2, "1001").is_met_by(&shown));
        shown.configs.remove("retention.ms");
        assert!(!spec(2, "1000").is_met_by(&shown));
    }

    #[test]
    fn the_error_says_the_range() {
        let error = PartitionCount::new(0).unwrap_err();
        assert_eq!(error.to_string(), "must be between 1 and 100000");
    }
}
