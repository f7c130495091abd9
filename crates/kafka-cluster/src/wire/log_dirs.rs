//! `DescribeLogDirs`: how much room the brokers' disks have.

use std::time::Duration;

use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsResult;
use kafka_protocol::messages::{
    ApiKey, DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::{Call, ask};
use crate::{BrokerAddress, KafkaCluster, KafkaError};

/// Version 4 is the first that tells of bytes: Kafka 3.3 (KIP-827).
const CALL: Call = Call {
    operation: "DescribeLogDirs",
    key: ApiKey::DescribeLogDirs,
    version: 4,
};

/// One log directory of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDirectory {
    /// The broker.
    pub broker: i32,
    /// Its path on that broker.
    pub path: String,
    /// Size of its file system.
    pub total_bytes: u64,
    /// What the broker may still write there.
    pub usable_bytes: u64,
    /// The partitions of the topic that was asked about that are kept there.
    pub partitions: Vec<i32>,
}

impl KafkaCluster {
    /// The log directories of `broker`, and which of `partitions` of `topic` each keeps. A directory
    /// whose room the broker does not know is left out.
    ///
    /// # Errors
    /// As Kafka answers; `LOCAL_UNSUPPORTED_FEATURE` where the login's mechanism is one that only
    /// librdkafka speaks, or the broker is older than Kafka 3.3.
    pub async fn log_directories(
        &self,
        broker: &BrokerAddress,
        topic: &str,
        partitions: &[i32],
        deadline: Duration,
    ) -> Result<Vec<LogDirectory>, KafkaError> {
        let topic = DescribableLogDirTopic::default()
            .with_topic(TopicName(StrBytes::from_string(topic.to_owned())))
            .with_partitions(partitions.to_vec());
        let request = DescribeLogDirsRequest::default().with_topics(Some(vec![topic]));
        let answer: DescribeLogDirsResponse =
            ask(self.connection(), broker, CALL, &request, deadline).await?;
        if answer.error_code != 0 {
            let code = i32::from(answer.error_code);
            return Err(KafkaError::of_read(CALL.operation, code, ""));
        }
        Ok(known(broker.id, &answer.results))
    }
}

fn known(broker: i32, results: &[DescribeLogDirsResult]) -> Vec<LogDirectory> {
    let directory = |result: &DescribeLogDirsResult| {
        let partitions = result.topics.iter().flat_map(|topic| &topic.partitions);
        Some(LogDirectory {
            broker,
            path: result.log_dir.to_string(),
            // -1 where it is not known.
            total_bytes: u64::try_from(result.total_bytes).ok()?,
            usable_bytes: u64::try_from(result.usable_bytes).ok()?,
            partitions: partitions.map(|p| p.partition_index).collect(),
        })
    };
    results
        .iter()
        .filter(|result| result.error_code == 0)
        .filter_map(directory)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_failed_or_whose_room_is_not_known_is_left_out() {
        let result = |error_code, usable| {
            DescribeLogDirsResult::default()
                .with_error_code(error_code)
                .with_log_dir(StrBytes::from_static_str("/data"))
                .with_total_bytes(1_000)
                .with_usable_bytes(usable)
        };
        let found = known(1, &[result(0, 500), result(0, -1), result(56, 500)]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].usable_bytes, found[0].broker), (500, 1));
    }
}
