//! Adding partitions to a topic, up to the point where every live broker shows a leader for each.

use kafka_cluster::{KafkaError, TopicMetadata, Visibility};
use tracing::{info, warn};

use super::{PartitionCount, TopicName, TopicWriter, WriteError};
use crate::time_limits::{self, Deadline};

/// A topic that has more partitions.
#[derive(Debug, Clone)]
pub enum Grown {
    /// Every live broker shows a leader for every partition.
    Everywhere(TopicMetadata),
    /// Not every live broker showed that in time.
    Pending {
        /// Those that did not; empty when that could not be found out.
        brokers: Vec<i32>,
    },
}

impl TopicWriter {
    /// Raises the number of partitions to `total` and waits until they can be used.
    ///
    /// # Errors
    /// `Busy`, or what Kafka said.
    pub async fn grow(&self, name: &TopicName, total: PartitionCount) -> Result<Grown, WriteError> {
        let deadline = Deadline::within(time_limits::WHOLE_WRITE);
        let (_lock, before) = self.begin(name).await?;
        let limit = deadline.at_most(time_limits::WRITE);
        let sent = self.cluster.grow_topic(name.as_str(), total.get(), limit);
        sent.await.map_err(|error| before.failed(error))?;
        info!(topic = %name, partitions = total.get(), "partitions added");
        let count = usize::try_from(total.get()).unwrap_or_default();
        let limit = deadline.at_most(time_limits::SETTLE);
        let seen = self
            .cluster
            .await_visible(name.as_str(), count, limit)
            .await;
        Ok(match seen {
            Ok(Visibility::Everywhere(metadata)) => Grown::Everywhere(metadata),
            Ok(Visibility::Awaited { brokers }) => Grown::Pending { brokers },
            Err(error) => {
                warn!(topic = %name, %error, "could not look at partitions just added");
                Grown::Pending {
                    brokers: Vec::new(),
                }
            }
        })
    }

    /// Asks Kafka whether it would add the partitions; changes nothing.
    ///
    /// # Errors
    /// What adding them would answer.
    pub async fn validate_growth(
        &self,
        name: &TopicName,
        total: PartitionCount,
    ) -> Result<(), KafkaError> {
        let limit = time_limits::DETAIL;
        self.cluster
            .validate_growth(name.as_str(), total.get(), limit)
            .await
    }
}
