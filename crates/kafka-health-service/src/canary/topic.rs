//! The canary's topic: made where it is not there, otherwise taken as it is.

use std::time::Duration;

use kafka_cluster::{ErrorKind, KafkaCluster, KafkaError, NewTopic};

const DEADLINE: Duration = Duration::from_secs(10);
/// What is kept: somebody may want to look at it, and nobody needs it.
const SETTINGS: [(&str, &str); 3] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "3600000"),
    ("segment.ms", "1800000"),
];
const MOST_REPLICAS: usize = 3;

/// Its partitions; `None`: it is not there.
///
/// # Errors
/// Kafka does not answer.
pub(super) async fn partitions(
    cluster: &KafkaCluster,
    name: &str,
) -> Result<Option<Vec<i32>>, KafkaError> {
    match cluster.topic(name, DEADLINE).await {
        Ok(topic) => {
            let partitions = topic.partitions.iter();
            Ok(Some(partitions.map(|partition| partition.id).collect()))
        }
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes it with one partition for each of `brokers`, which Kafka spreads over them, three copies where there
/// are so many brokers, and a minimum of two in sync then. Answers with its partitions.
///
/// # Errors
/// Kafka does not answer, or refuses.
pub(super) async fn make(
    cluster: &KafkaCluster,
    name: &str,
    brokers: usize,
) -> Result<Vec<i32>, KafkaError> {
    let replicas = brokers.clamp(1, MOST_REPLICAS);
    let min_in_sync = if replicas == MOST_REPLICAS { "2" } else { "1" };
    let settings = SETTINGS
        .into_iter()
        .chain([("min.insync.replicas", min_in_sync)]);
    let topic = NewTopic {
        name: name.to_owned(),
        partitions: i32::try_from(brokers.max(1)).unwrap_or(i32::MAX),
        replication_factor: i32::try_from(replicas).unwrap_or(1),
        configs: settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    };
    match cluster.create_topic(&topic, DEADLINE).await {
        Err(error) if error.kind != ErrorKind::AlreadyExists => return Err(error),
        _ => tracing::info!(
            topic = name,
            partitions = topic.partitions,
            "made the canary's topic"
        ),
    }
    let partitions = usize::try_from(topic.partitions).unwrap_or(0);
    cluster.await_visible(name, partitions, DEADLINE).await?;
    Ok((0..topic.partitions).collect())
}
