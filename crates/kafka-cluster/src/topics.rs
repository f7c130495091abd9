//! Topics: listing, describing, creating, growing, deleting.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::native;
use crate::{KafkaCluster, KafkaError, TopicPartition};

/// Topics that Kafka keeps for itself.
/// Source: Kafka, `org.apache.kafka.common.internals.Topic.INTERNAL_TOPICS`, and the `KRaft` log.
const INTERNAL_TOPICS: [&str; 4] = [
    "__consumer_offsets",
    "__transaction_state",
    "__share_group_state",
    "__cluster_metadata",
];

/// Whether Kafka keeps this topic for itself.
#[must_use]
pub fn is_internal_topic(name: &str) -> bool {
    INTERNAL_TOPICS.contains(&name)
}

/// One broker's view of brokers and topics.
#[derive(Debug, Clone)]
pub struct ClusterMetadata {
    /// The broker that gave this view.
    pub answered_by: i32,
    /// Live brokers by id.
    pub brokers: Vec<BrokerAddress>,
    /// Topics by name.
    pub topics: Vec<TopicMetadata>,
}

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    /// Broker id.
    pub id: i32,
    /// Advertised host.
    pub host: String,
    /// Advertised port.
    pub port: u16,
}

/// A topic and where its partitions are.
#[derive(Debug, Clone)]
pub struct TopicMetadata {
    /// Topic name.
    pub name: String,
    /// Kept by Kafka for itself.
    pub internal: bool,
    /// Partitions by id.
    pub partitions: Vec<PartitionMetadata>,
}

/// Where one partition is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// Partition id.
    pub id: i32,
    /// The leading broker; `None` while the partition is offline.
    pub leader: Option<i32>,
    /// Assigned brokers, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Brokers in sync.
    pub in_sync_replicas: Vec<i32>,
}

impl PartitionMetadata {
    /// Fewer replicas in sync than assigned.
    #[must_use]
    pub fn under_replicated(&self) -> bool {
        self.in_sync_replicas.len() < self.replicas.len()
    }

    /// Another broker leads it than the preferred one, the first of its replicas.
    #[must_use]
    pub fn led_by_another(&self) -> bool {
        self.leader.is_some() && self.leader.as_ref() != self.replicas.first()
    }
}

impl ClusterMetadata {
    /// The partitions of all topics.
    pub fn partitions(&self) -> impl Iterator<Item = &PartitionMetadata> {
        self.topics.iter().flat_map(|topic| &topic.partitions)
    }
}

impl TopicMetadata {
    /// Assigned replicas of the first partition, as `kafka-topics --describe` counts it; 0 without
    /// partitions.
    #[must_use]
    pub fn replication_factor(&self) -> usize {
        self.partitions.first().map_or(0, |p| p.replicas.len())
    }

    /// Number of partitions with fewer replicas in sync than assigned.
    #[must_use]
    pub fn under_replicated_partitions(&self) -> usize {
        self.partitions
            .iter()
            .filter(|p| p.under_replicated())
            .count()
    }

    /// The partitions that have a leader, which can be asked.
    pub fn led_partitions(&self) -> impl Iterator<Item = TopicPartition> {
        let led = self.partitions.iter().filter(|p| p.leader.is_some());
        led.map(|partition| TopicPartition::new(&self.name, partition.id))
    }
}

/// A topic to be made.
#[derive(Debug, Clone)]
pub struct NewTopic {
    /// Topic name.
    pub name: String,
    /// Number of partitions, at least 1.
    pub partitions: i32,
    /// Replicas of each partition, at least 1.
    pub replication_factor: i32,
    /// Topic settings by name.
    pub configs: BTreeMap<String, String>,
}

/// How long other brokers have to say that they know a topic after all.
const SECOND_OPINION: Duration = Duration::from_secs(1);

impl KafkaCluster {
    /// All brokers and topics, from whichever broker answers first: while one hangs, others are
    /// asked as well.
    ///
    /// # Errors
    /// `Unreachable` or `TimedOut` when no broker answered.
    pub async fn metadata(&self, deadline: Duration) -> Result<ClusterMetadata, KafkaError> {
        native::metadata(&self.native, native::Topics::All, deadline).await
    }

    /// One topic, from any broker that knows it.
    ///
    /// A broker that has just started, or a controller that has, may know no topics for a moment: one
    /// that does not know this topic is no proof, and all others are asked as well.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when no broker that answers knows it.
    pub async fn topic(&self, name: &str, deadline: Duration) -> Result<TopicMetadata, KafkaError> {
        let end = tokio::time::Instant::now() + deadline;
        let metadata =
            native::metadata(&self.native, native::Topics::One(name.to_owned()), deadline).await?;
        let found = metadata.topics.into_iter().find(|t| t.name == name);
        if let Some(topic) = found {
            return Ok(topic);
        }
        let mut questions = JoinSet::new();
        for broker in metadata.brokers {
            if broker.id != metadata.answered_by {
                let remaining = end.saturating_duration_since(tokio::time::Instant::now());
                let deadline = remaining.min(SECOND_OPINION);
                questions.spawn(native::describe_topics(
                    &self.native,
                    broker.id,
                    &[name],
                    deadline,
                ));
            }
        }
        while let Some(answer) = questions.join_next().await {
            if let Ok(Ok(topics)) = answer
                && let Some(topic) = topics.into_iter().find_map(Result::ok)
            {
                return Ok(topic);
            }
        }
        Err(KafkaError::of_read(
            "Metadata",
            crate::codes::UNKNOWN_TOPIC_OR_PARTITION,
            format!("topic {name:?} not found"),
        ))
    }

    /// The named topics as `broker` itself sees them; a topic that it does not know is an error of
    /// its own.
    ///
    /// # Errors
    /// The outer error: the broker did not answer.
    pub async fn topics_at(
        &self,
        broker: i32,
        names: &[&str],
        deadline: Duration,
    ) -> Result<Vec<Result<TopicMetadata, KafkaError>>, KafkaError> {
        native::describe_topics(&self.native, broker, names, deadline).await
    }

    /// Creates a topic. The answer means that the controller made it, not that every broker knows
    /// it: see [`KafkaCluster::await_visible`].
    ///
    /// # Errors
    /// As Kafka answers, and `OutcomeUnknown`. A controller that moved is followed until the deadline.
    pub async fn create_topic(
        &self,
        topic: &NewTopic,
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        self.following_the_controller(deadline, |remaining| {
            native::create_topic(&self.native, topic, false, remaining)
        })
        .await
    }

    /// Asks Kafka whether it would create this topic, without doing so.
    ///
    /// # Errors
    /// What creating it would answer.
    pub async fn validate_topic(
        &self,
        topic: &NewTopic,
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        self.following_the_controller(deadline, |remaining| {
            native::create_topic(&self.native, topic, true, remaining)
        })
        .await
    }

    /// Marks a topic for deletion. The answer means that the controller took it on: see
    /// [`KafkaCluster::await_deleted`].
    ///
    /// # Errors
    /// As Kafka answers, and `OutcomeUnknown`.
    pub async fn delete_topic(&self, name: &str, deadline: Duration) -> Result<(), KafkaError> {
        self.following_the_controller(deadline, |remaining| {
            native::delete_topic(&self.native, name, remaining)
        })
        .await
    }

    /// Raises the number of partitions to `total`. Kafka never lowers it.
    ///
    /// # Errors
    /// As Kafka answers, and `OutcomeUnknown`.
    pub async fn grow_topic(
        &self,
        name: &str,
        total: i32,
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        self.following_the_controller(deadline, |remaining| {
            native::create_partitions(&self.native, name, total, false, remaining)
        })
        .await
    }

    /// Asks Kafka whether it would raise the number of partitions to `total`, without doing so.
    ///
    /// # Errors
    /// What [`KafkaCluster::grow_topic`] would answer.
    pub async fn validate_growth(
        &self,
        name: &str,
        total: i32,
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        self.following_the_controller(deadline, |remaining| {
            native::create_partitions(&self.native, name, total, true, remaining)
        })
        .await
    }

    /// Repeats a call that a former controller refused: such a refusal changed nothing, and fresh
    /// metadata names the new one.
    pub(crate) async fn following_the_controller<T, F>(
        &self,
        deadline: Duration,
        call: impl Fn(Duration) -> F,
    ) -> Result<T, KafkaError>
    where
        F: Future<Output = Result<T, KafkaError>>,
    {
        let end = tokio::time::Instant::now() + deadline;
        loop {
            let remaining = end.saturating_duration_since(tokio::time::Instant::now());
            let result = call(remaining).await;
            let moved = matches!(&result, Err(error) if error.code == crate::codes::NOT_CONTROLLER);
            if !moved || end - tokio::time::Instant::now() < Duration::from_millis(500) {
                return result;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            let _ = self.describe(Duration::from_secs(1)).await;
        }
    }
}
