//! Deleting a topic, up to the point where its name is free again, or the brokers that keep it from
//! being free are known.

use kafka_cluster::{Deletion, ErrorKind, KafkaError};
use tracing::{info, warn};

use super::writer::Before;
use super::{TopicName, TopicWriter, WriteError};
use crate::time_limits::{self, Deadline};

/// A topic that Kafka has deleted or will delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// Gone from every broker; the name is free.
    Everywhere,
    /// Marked, but not gone: the name is not free.
    Pending {
        /// The brokers awaited; empty when none is known to be missing.
        brokers: Vec<i32>,
    },
}

impl TopicWriter {
    /// Deletes the topic and waits until it is gone everywhere. A topic whose deletion was asked for
    /// before and is still pending is told as pending, not as unknown. Where Kafka's answer is lost it is
    /// looked for. Ends by `deadline`, which began
    /// with whatever had to be found out first.
    ///
    /// # Errors
    /// `Busy`, or what Kafka said.
    pub async fn delete(
        &self,
        name: &TopicName,
        deadline: Deadline,
    ) -> Result<Deleted, WriteError> {
        let result = self.try_delete(name, deadline).await;
        let outcome = match &result {
            Ok(Deleted::Everywhere) => "done",
            Ok(Deleted::Pending { .. }) => "pending",
            Err(error) => error.outcome(),
        };
        self.metrics
            .topic_deletions
            .with_label_values(&[outcome])
            .inc();
        match &result {
            Ok(Deleted::Everywhere) => info!(topic = %name, "topic deleted"),
            Ok(Deleted::Pending { brokers }) => {
                warn!(topic = %name, ?brokers, "topic marked for deletion, but not yet gone");
            }
            // Told to whoever asked; the request log has it too.
            Err(_) => {}
        }
        result
    }

    async fn try_delete(
        &self,
        name: &TopicName,
        deadline: Deadline,
    ) -> Result<Deleted, WriteError> {
        let (_lock, before) = self.begin(name).await?;
        let limit = deadline
            .earlier_by(time_limits::LOOK)
            .at_most(time_limits::WRITE);
        let answer = self.cluster.delete_topic(name.as_str(), limit).await;
        match answer {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::OutcomeUnknown => {
                let shown = self.shown_gone(name, &before, deadline).await;
                return shown.ok_or_else(|| before.failed(error));
            }
            Err(error) => return self.marked_before(name, &before, error).await,
        }
        let limit = deadline.at_most(time_limits::SETTLE);
        let settled = self
            .cluster
            .await_deleted(name.as_str(), &before.replica_brokers, limit)
            .await;
        Ok(match settled {
            Ok(Deletion::Done) => Deleted::Everywhere,
            Ok(Deletion::Pending { brokers }) => Deleted::Pending { brokers },
            Err(error) => {
                warn!(topic = %name, %error, "could not look for a topic just deleted");
                Deleted::Pending {
                    brokers: self.roster.missing(&before.live_brokers),
                }
            }
        })
    }

    /// What there is to see of a deletion that lost its answer: a topic that was there and is gone, or
    /// is marked for it.
    async fn shown_gone(
        &self,
        name: &TopicName,
        before: &Before,
        deadline: Deadline,
    ) -> Option<Deleted> {
        let limit = deadline
            .earlier_by(time_limits::DETAIL)
            .at_most(time_limits::SETTLE);
        let settled = self
            .cluster
            .await_deleted(name.as_str(), &before.replica_brokers, limit)
            .await;
        match settled {
            Ok(Deletion::Done) => (before.partitions > 0).then_some(Deleted::Everywhere),
            Ok(Deletion::Pending { brokers }) => self
                .is_marked(name)
                .await
                .then_some(Deleted::Pending { brokers }),
            Err(_) => None,
        }
    }

    /// Whether Kafka says that a topic of this name is still being deleted.
    async fn is_marked(&self, name: &TopicName) -> bool {
        let conflict = self.name_conflict(name).await;
        conflict.is_some_and(|conflict| conflict.kind == ErrorKind::DeletionPending)
    }

    /// A topic marked for deletion is in no list any more, and deleting it again is answered like a
    /// name that never was.
    async fn marked_before(
        &self,
        name: &TopicName,
        before: &Before,
        error: KafkaError,
    ) -> Result<Deleted, WriteError> {
        if error.kind == ErrorKind::NotFound && self.is_marked(name).await {
            let brokers = self.roster.missing(&before.live_brokers);
            return Ok(Deleted::Pending { brokers });
        }
        Err(before.failed(error))
    }
}
