//! Offsets of many partitions in one call.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::native;
use crate::{KafkaCluster, KafkaError};

/// One partition of one topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: String,
    /// Partition id.
    pub partition: i32,
}

impl TopicPartition {
    /// Names a partition.
    #[must_use]
    pub fn new(topic: impl Into<String>, partition: i32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }
}

/// Which offset of a partition is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first record that is still there.
    Earliest,
    /// One past the last record (the high watermark).
    Latest,
    /// The first record at or after this time, in milliseconds since 1970.
    AtTimestampMs(i64),
}

impl KafkaCluster {
    /// One `ListOffsets` over all `partitions`: one request for each leader.
    ///
    /// Ask only for partitions that have a leader: librdkafka waits for all leaders until the
    /// deadline. [`OffsetSpec::AtTimestampMs`] beyond the last record gives no offset, and such a
    /// partition is left out.
    ///
    /// # Errors
    /// The outer error: no answer at all. An inner one: that partition's.
    pub async fn offsets(
        &self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
        deadline: Duration,
    ) -> Result<BTreeMap<TopicPartition, Result<i64, KafkaError>>, KafkaError> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        native::list_offsets(&self.native, partitions, spec, deadline).await
    }

    /// Deletes all records *before* an offset of each partition, whoever wrote them. Answers with the
    /// first offset that is left.
    ///
    /// # Errors
    /// The outer error: no answer at all. An inner one: that partition's.
    pub async fn delete_records(
        &self,
        before: &BTreeMap<TopicPartition, i64>,
        deadline: Duration,
    ) -> Result<BTreeMap<TopicPartition, Result<i64, KafkaError>>, KafkaError> {
        if before.is_empty() {
            return Ok(BTreeMap::new());
        }
        native::delete_records(&self.native, before, deadline).await
    }
}
