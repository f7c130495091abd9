//! Making a topic, up to the point where every live broker knows it.

use kafka_cluster::{ErrorKind, KafkaError, TopicMetadata, Visibility};
use tracing::{info, warn};

use super::writer::Before;
use super::{TopicName, TopicSpec, TopicWriter, WriteError};
use crate::time_limits::{self, Deadline};

/// A topic that Kafka has made.
#[derive(Debug, Clone)]
pub enum Created {
    /// Every live broker shows a leader for every partition.
    Everywhere(TopicMetadata),
    /// Not every live broker showed that in time.
    Pending {
        /// Those that did not; empty when that could not be found out.
        brokers: Vec<i32>,
    },
}

impl TopicWriter {
    /// Creates `topic` and waits until it can be used through any live broker. Where Kafka's answer is
    /// lost it is looked for, and made if every live broker shows it as wanted. Takes up to
    /// [`WHOLE_WRITE`](time_limits::WHOLE_WRITE), and [`METADATA`](time_limits::METADATA) when no
    /// broker is there.
    ///
    /// # Errors
    /// `Busy`, or what Kafka said.
    pub async fn create(&self, topic: &TopicSpec) -> Result<Created, WriteError> {
        let result = self.try_create(topic).await;
        let outcome = match &result {
            Ok(Created::Everywhere(_)) => "done",
            Ok(Created::Pending { .. }) => "pending",
            Err(error) => error.outcome(),
        };
        self.metrics
            .topic_creations
            .with_label_values(&[outcome])
            .inc();
        match &result {
            Ok(Created::Everywhere(_)) => info!(
                topic = %topic.name,
                partitions = topic.partitions.get(),
                replication_factor = topic.replication_factor.get(),
                "topic created"
            ),
            Ok(Created::Pending { brokers }) => {
                warn!(topic = %topic.name, ?brokers, "topic created, but not yet visible everywhere");
            }
            // Told to whoever asked; the request log has it too.
            Err(_) => {}
        }
        result
    }

    /// Asks Kafka whether it would create `topic`; changes nothing.
    ///
    /// # Errors
    /// What creating it would answer.
    pub async fn validate(&self, topic: &TopicSpec) -> Result<(), WriteError> {
        let before = self.look(&topic.name).await?;
        let limit = time_limits::DETAIL;
        match self
            .cluster
            .validate_topic(&topic.to_new_topic(), limit)
            .await
        {
            Ok(()) => Ok(()),
            Err(error) => Err(before.failed(self.more_to_the_point(error, &topic.name).await)),
        }
    }

    async fn try_create(&self, topic: &TopicSpec) -> Result<Created, WriteError> {
        let deadline = Deadline::within(time_limits::WHOLE_WRITE);
        let (_lock, before) = self.begin(&topic.name).await?;
        let limit = deadline
            .earlier_by(time_limits::LOOK)
            .at_most(time_limits::WRITE);
        let sent = self
            .cluster
            .create_topic(&topic.to_new_topic(), limit)
            .await;
        match sent {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::OutcomeUnknown => {
                let shown = self.shown(topic, &before, deadline).await;
                return shown.ok_or_else(|| before.failed(error));
            }
            Err(error) => {
                return Err(before.failed(self.more_to_the_point(error, &topic.name).await));
            }
        }
        let partitions = usize::try_from(topic.partitions.get()).unwrap_or_default();
        let seen = self
            .cluster
            .await_visible(
                topic.name.as_str(),
                partitions,
                deadline.at_most(time_limits::SETTLE),
            )
            .await;
        Ok(match seen {
            Ok(Visibility::Everywhere(metadata)) => Created::Everywhere(metadata),
            Ok(Visibility::Awaited { brokers }) => Created::Pending { brokers },
            Err(error) => {
                warn!(topic = %topic.name, %error, "could not look at a topic just created");
                Created::Pending {
                    brokers: Vec::new(),
                }
            }
        })
    }

    /// What every live broker shows of a topic whose creation lost its answer, where that is what was
    /// wanted. One that was there before is somebody else's.
    async fn shown(
        &self,
        topic: &TopicSpec,
        before: &Before,
        deadline: Deadline,
    ) -> Option<Created> {
        if before.partitions > 0 {
            return None;
        }
        let name = topic.name.as_str();
        let partitions = usize::try_from(topic.partitions.get()).ok()?;
        let limit = deadline
            .earlier_by(time_limits::DETAIL)
            .at_most(time_limits::SETTLE);
        let seen = self.cluster.await_visible(name, partitions, limit).await;
        let Ok(Visibility::Everywhere(metadata)) = seen else {
            return None;
        };
        let limit = deadline.at_most(time_limits::DETAIL);
        let configs = self.cluster.topic_configs(&[name], limit).await.ok()?;
        let configs = configs.into_iter().next()?.ok()?;
        let shown = TopicSpec::of(&metadata, &configs)?;
        topic
            .is_met_by(&shown)
            .then_some(Created::Everywhere(metadata))
    }

    /// Kafka counts brokers before it looks at the name. That the name is taken is what the caller
    /// has to know first: it does not pass when the brokers are back.
    async fn more_to_the_point(&self, error: KafkaError, name: &TopicName) -> KafkaError {
        if error.kind != ErrorKind::NotEnoughBrokers {
            return error;
        }
        self.name_conflict(name).await.unwrap_or(error)
    }
}
