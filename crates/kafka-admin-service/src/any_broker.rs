//! Metadata from any broker: the question that every call begins with.
//!
//! Several brokers are asked until one answers. When none does in time, it makes no difference to a
//! caller whether they refused or kept silent: Kafka cannot be reached.

use kafka_cluster::{ClusterMetadata, ErrorKind, KafkaCluster, KafkaError, TopicMetadata};

use crate::time_limits;

/// All brokers and topics, within [`time_limits::METADATA`].
///
/// # Errors
/// `Unreachable` when no broker answered.
pub async fn metadata(cluster: &KafkaCluster) -> Result<ClusterMetadata, KafkaError> {
    cluster
        .metadata(time_limits::METADATA)
        .await
        .map_err(silence_is_unreachable)
}

/// One topic, within [`time_limits::METADATA`].
///
/// # Errors
/// `NotFound`; `Unreachable` when no broker answered.
pub async fn topic(cluster: &KafkaCluster, name: &str) -> Result<TopicMetadata, KafkaError> {
    cluster
        .topic(name, time_limits::METADATA)
        .await
        .map_err(silence_is_unreachable)
}

fn silence_is_unreachable(mut error: KafkaError) -> KafkaError {
    if error.kind == ErrorKind::TimedOut {
        error.kind = ErrorKind::Unreachable;
    }
    error
}

#[cfg(test)]
mod tests {
    use kafka_cluster::codes;

    use super::*;

    #[test]
    fn brokers_that_keep_silent_are_as_good_as_gone_and_other_errors_stay() {
        let silent = KafkaError::of_read("Metadata", codes::LOCAL_TIMED_OUT, "");
        assert_eq!(silence_is_unreachable(silent).kind, ErrorKind::Unreachable);
        let unknown = KafkaError::of_read("Metadata", codes::UNKNOWN_TOPIC_OR_PARTITION, "");
        assert_eq!(silence_is_unreachable(unknown).kind, ErrorKind::NotFound);
    }
}
