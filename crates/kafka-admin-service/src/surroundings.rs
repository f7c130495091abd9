//! What guard rails have to know about the cluster, asked of Kafka.

use kafka_cluster::{ClusterMetadata, ConfigEntry, KafkaCluster};

use crate::guard::Surroundings;
use crate::time_limits;

/// The cluster around the topic `name`, internal topics included; all of it when there is no such topic.
/// The defaults of brokers are not known when the broker that
/// gave `metadata` does not tell them in time: nothing is judged by them then.
pub async fn of(cluster: &KafkaCluster, metadata: &ClusterMetadata, name: &str) -> Surroundings {
    let others = metadata.topics.iter().filter(|topic| topic.name != name);
    let other_partitions = others.map(|topic| topic.partitions.len() as u64).sum();
    let configs = cluster
        .broker_configs(metadata.answered_by, time_limits::DETAIL)
        .await
        .unwrap_or_default();
    Surroundings {
        other_partitions,
        min_insync_replicas: number(&configs, "min.insync.replicas"),
        retention_bytes: number(&configs, "log.retention.bytes"),
    }
}

fn number(configs: &[ConfigEntry], name: &str) -> Option<i64> {
    let entry = configs.iter().find(|entry| entry.name == name)?;
    entry.value.as_deref()?.parse().ok()
}
