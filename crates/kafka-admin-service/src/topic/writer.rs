//! What creating and deleting have in common: asking first who is there, one write at a time to
//! each topic, and an outcome that is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kafka_cluster::{
    ClusterMetadata, ErrorKind, KafkaCluster, KafkaError, NewTopic, PartitionMetadata,
};
use service_kit::request_id;
use tracing::Instrument;

use super::TopicName;
use crate::any_broker;
use crate::broker_roster::BrokerRoster;
use crate::locks::{Lock, Locks};
use crate::metrics::AdminMetrics;
use crate::time_limits::{self, Deadline};

/// Creates and deletes topics. Cheap to clone.
#[derive(Clone)]
pub struct TopicWriter {
    pub(super) cluster: KafkaCluster,
    pub(super) roster: Arc<BrokerRoster>,
    pub(super) metrics: AdminMetrics,
    locks: Locks<TopicName>,
}

/// Why a write was not done, or is not known to be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// Another write to the same topic did not end in time; nothing was sent.
    #[error("another change to this topic is still under way")]
    Busy,
    /// Kafka, or the way to it, failed.
    #[error("{error}")]
    Kafka {
        /// What was said.
        error: KafkaError,
        /// The brokers that were live just before the write; empty when none was reached.
        live_brokers: Vec<i32>,
    },
}

impl TopicWriter {
    /// Writes through `cluster`, tells `roster` which brokers it meets, and counts in `metrics`;
    /// `locks` are shared with whoever else writes to topics.
    #[must_use]
    pub fn new(
        cluster: KafkaCluster,
        roster: Arc<BrokerRoster>,
        metrics: AdminMetrics,
        locks: Locks<TopicName>,
    ) -> Self {
        Self {
            cluster,
            roster,
            metrics,
            locks,
        }
    }

    /// Begins a write: gets the right to write to `name`, and looks at the cluster as it is then.
    ///
    /// Who would have to wait for that right looks first, so that a cluster that is down is told at
    /// once and not after the waits of those before.
    pub(super) async fn begin(
        &self,
        name: &TopicName,
    ) -> Result<(Lock<TopicName>, Before), WriteError> {
        if let Some(lock) = self.locks.acquire(name, Duration::ZERO).await {
            return Ok((lock, self.look(name).await?));
        }
        self.look(name).await?;
        let patience = time_limits::TOPIC_LOCK;
        let lock = self
            .locks
            .acquire(name, patience)
            .await
            .ok_or(WriteError::Busy)?;
        Ok((lock, self.look(name).await?))
    }

    /// The right to write to all of `names`, each in its turn, those that come first by name first; or
    /// the one whose turn did not come.
    pub(crate) async fn turns(
        &self,
        names: BTreeSet<TopicName>,
    ) -> Result<Vec<Lock<TopicName>>, TopicName> {
        let deadline = Deadline::within(time_limits::TOPIC_LOCK);
        let mut locks = Vec::with_capacity(names.len());
        for name in names {
            let patience = deadline.at_most(time_limits::TOPIC_LOCK);
            match self.locks.acquire(&name, patience).await {
                Some(lock) => locks.push(lock),
                None => return Err(name),
            }
        }
        Ok(locks)
    }

    /// Why the name cannot be given to a new topic, if so: a topic has it, or one that is still being
    /// deleted. Asks Kafka whether it would make the smallest of topics.
    pub(super) async fn name_conflict(&self, name: &TopicName) -> Option<KafkaError> {
        let smallest = NewTopic {
            name: name.to_string(),
            partitions: 1,
            replication_factor: 1,
            configs: BTreeMap::new(),
        };
        let answer = self
            .cluster
            .validate_topic(&smallest, time_limits::DETAIL)
            .await;
        answer.err().filter(|error| {
            matches!(
                error.kind,
                ErrorKind::AlreadyExists | ErrorKind::DeletionPending
            )
        })
    }

    pub(super) async fn look(&self, name: &TopicName) -> Result<Before, WriteError> {
        match any_broker::metadata(&self.cluster).await {
            Ok(metadata) => Ok(Before {
                live_brokers: self.roster.observe(&metadata),
                replica_brokers: replica_brokers(&metadata, name),
                partitions: of_topic(&metadata, name).len(),
            }),
            Err(error) => Err(WriteError::Kafka {
                error,
                live_brokers: Vec::new(),
            }),
        }
    }
}

/// The cluster just before a write to a topic.
pub(super) struct Before {
    /// By id.
    pub live_brokers: Vec<i32>,
    /// The brokers that hold a replica of the topic, by id; none when it is not there.
    pub replica_brokers: Vec<i32>,
    /// Its partitions; 0 when it is not there.
    pub partitions: usize,
}

impl Before {
    pub fn failed(&self, error: KafkaError) -> WriteError {
        WriteError::Kafka {
            error,
            live_brokers: self.live_brokers.clone(),
        }
    }
}

fn replica_brokers(metadata: &ClusterMetadata, name: &TopicName) -> Vec<i32> {
    let brokers = of_topic(metadata, name)
        .iter()
        .flat_map(|partition| &partition.replicas)
        .copied();
    BTreeSet::from_iter(brokers).into_iter().collect()
}

fn of_topic<'a>(metadata: &'a ClusterMetadata, name: &TopicName) -> &'a [PartitionMetadata] {
    let mut topics = metadata.topics.iter();
    let topic = topics.find(|topic| topic.name == name.as_str());
    topic.map_or(&[][..], |topic| &topic.partitions)
}

impl WriteError {
    /// Whether Kafka refused the write as it stands: repeating it will not help.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Kafka { error, .. }
            if matches!(error.kind, ErrorKind::Refused | ErrorKind::Denied))
    }

    /// The `outcome` label of the metrics.
    pub(super) fn outcome(&self) -> &'static str {
        let Self::Kafka { error, .. } = self else {
            return "busy";
        };
        match error.kind {
            ErrorKind::NotFound => "not_found",
            ErrorKind::AlreadyExists => "exists",
            ErrorKind::DeletionPending => "deletion_pending",
            ErrorKind::Refused | ErrorKind::Denied => "refused",
            ErrorKind::NotEnoughBrokers => "not_enough_brokers",
            ErrorKind::Unreachable => "unreachable",
            ErrorKind::Unauthenticated => "unauthenticated",
            ErrorKind::TimedOut => "timed_out",
            ErrorKind::OutcomeUnknown => "outcome_unknown",
            ErrorKind::Other => "failed",
        }
    }
}

/// Runs a write to its end even when the client that asked for it goes away: a write that was begun
/// is waited for, counted and logged.
pub async fn to_the_end<T: Send + 'static>(write: impl Future<Output = T> + Send + 'static) -> T {
    let write = request_id::carried(write).in_current_span();
    match tokio::spawn(write).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Cancelled: the runtime is shutting down, and so is whoever waits here.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::codes;

    use super::*;
    use crate::metrics::WRITE_OUTCOMES;

    #[test]
    fn every_outcome_is_a_label_that_the_metrics_know() {
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::AlreadyExists,
            ErrorKind::DeletionPending,
            ErrorKind::Refused,
            ErrorKind::NotEnoughBrokers,
            ErrorKind::Denied,
            ErrorKind::Unauthenticated,
            ErrorKind::Unreachable,
            ErrorKind::TimedOut,
            ErrorKind::OutcomeUnknown,
            ErrorKind::Other,
        ] {
            let mut error = KafkaError::of_read("CreateTopics", 1, "");
            error.kind = kind;
            let outcome = WriteError::Kafka {
                error,
                live_brokers: Vec::new(),
            }
            .outcome();
            assert!(WRITE_OUTCOMES.contains(&outcome), "{outcome}");
        }
        assert!(WRITE_OUTCOMES.contains(&WriteError::Busy.outcome()));
    }

    #[test]
    fn a_write_that_lost_its_answer_is_no_refusal_and_may_be_tried_again() {
        let failed = |code| WriteError::Kafka {
            error: KafkaError::of_write("CreateTopics", code, ""),
            live_brokers: Vec::new(),
        };
        assert!(!failed(codes::LOCAL_TIMED_OUT).is_refusal());
        assert!(failed(codes::INVALID_CONFIG).is_refusal());
    }

    #[tokio::test]
    async fn a_write_goes_on_when_its_caller_goes_away() {
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let (done, is_done) = tokio::sync::oneshot::channel::<()>();
        let caller = tokio::spawn(to_the_end(async move {
            gone.await.unwrap();
            done.send(()).unwrap();
        }));
        tokio::task::yield_now().await;
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        go.send(()).unwrap();
        is_done.await.unwrap();
    }
}
