//! Giving partitions back to their preferred leaders.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::native;
use crate::{KafkaCluster, KafkaError, TopicPartition};

impl KafkaCluster {
    /// Elects the preferred leader (the first replica) of each partition.
    ///
    /// # Errors
    /// The outer error: no answer at all. An inner one: that partition's;
    /// [`codes::ELECTION_NOT_NEEDED`](crate::codes::ELECTION_NOT_NEEDED) where it leads already.
    pub async fn elect_preferred_leaders(
        &self,
        partitions: &[TopicPartition],
        deadline: Duration,
    ) -> Result<BTreeMap<TopicPartition, Result<(), KafkaError>>, KafkaError> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        native::elect_leaders(&self.native, partitions, deadline).await
    }
}
