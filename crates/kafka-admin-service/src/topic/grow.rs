//! Adding partitions to a topic, up to the point where every live broker shows a leader for each.

use kafka_cluster::{ErrorKind, KafkaError, TopicMetadata, Visibility};
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
    /// Raises the number of partitions to `total` and waits until they can be used. Where Kafka's answer
    /// is lost they are looked for, and added if every live broker shows them.
    ///
    /// # Errors
    /// `Busy`, or what Kafka said.
    pub async fn grow(&self, name: &TopicName, total: PartitionCount) -> Result<Grown, WriteError> {
        let deadline = Deadline::within(time_limits::WHOLE_WRITE);
        let (_lock, before) = self.begin(name).await?;
        let limit = deadline
            .earlier_by(time_limits::LOOK)
            .at_most(time_limits::WRITE);
        let sent = self.cluster.grow_topic(name.as_str(), total.get(), limit);
        let lost = match sent.await {
            Ok(()) => None,
            Err(error) if error.kind == ErrorKind::OutcomeUnknown => Some(error),
            Err(error) => return Err(before.failed(error)),
        };
        let count = usize::try_from(total.get()).unwrap_or_default();
        let limit = deadline.at_most(time_limits::SETTLE);
        let seen = self
            .cluster
            .await_visible(name.as_str(), count, limit)
            .await;
        if let Some(error) = lost {
            return match seen {
                Ok(Visibility::Everywhere(metadata))
                    if grew(before.partitions, count, &metadata) =>
                {
                    Ok(Grown::Everywhere(metadata))
                }
                _ => Err(before.failed(error)),
            };
        }
        info!(topic = %name, partitions = total.get(), "partitions added");
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

/// Whether what is shown can only be this growth: had the topic that many partitions before, Kafka would
/// have refused it, and more are somebody else's.
fn grew(before: usize, wanted: usize, shown: &TopicMetadata) -> bool {
    before < wanted && shown.partitions.len() == wanted
}

#[cfg(test)]
mod tests {
    use kafka_cluster::PartitionMetadata;

    use super::*;

    #[test]
    fn partitions_that_were_there_or_are_more_than_wanted_prove_no_growth() {
        let partition = |id| PartitionMetadata {
            id,
            leader: Some(1),
            replicas: vec![1],
            in_sync_replicas: vec![1],
        };
        let shown = |count: i32| TopicMetadata {
            name: "a".to_owned(),
            internal: false,
            partitions: (0..count).map(partition).collect(),
        };
        assert!(grew(2, 4, &shown(4)));
        assert!(!grew(4, 4, &shown(4)));
        assert!(!grew(2, 4, &shown(5)));
        assert!(!grew(2, 4, &shown(2)));
    }
}
