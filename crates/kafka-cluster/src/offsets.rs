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
    /// The record of the latest time; none in an empty partition.
    MaxTimestamp,
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
        let listed = native::list_offsets(&self.native, partitions, spec, deadline).await?;
        let offsets = listed.into_iter();
        Ok(offsets
            .map(|(partition, listed)| (partition, listed.map(|listed| listed.offset)))
            .collect())
    }

    /// The latest time of any record of each partition, in milliseconds since 1970; one without records
    /// is left out.
    ///
    /// # Errors
    /// As [`KafkaCluster::offsets`].
    pub async fn last_record_times(
        &self,
        partitions: &[TopicPartition],
        deadline: Duration,
    ) -> Result<BTreeMap<TopicPartition, Result<i64, KafkaError>>, KafkaError> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let spec = OffsetSpec::MaxTimestamp;
        let listed = native::list_offsets(&self.native, partitions, spec, deadline).await?;
        let times = listed.into_iter();
        Ok(times
            .map(|(partition, listed)| (partition, listed.map(|listed| listed.timestamp_ms)))
            .collect())
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
