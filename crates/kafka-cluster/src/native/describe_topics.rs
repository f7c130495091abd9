//! `DescribeTopics`: topics as one named broker sees them.

use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, error_of, items, node_id, text};
use super::client::Client;
use super::handles::TopicCollection;
use super::operation::{CallOptions, Operation};
use crate::{KafkaError, PartitionMetadata, TopicMetadata};

const OPERATION: Operation = Operation::DESCRIBE_TOPICS;

type Topics = Vec<Result<TopicMetadata, KafkaError>>;

pub(crate) fn describe_topics(
    client: &Client,
    broker: i32,
    names: &[&str],
    deadline: Duration,
) -> impl Future<Output = Result<Topics, KafkaError>> + Send + use<> {
    let call = collection(names).map(|topics| {
        client.call(
            OPERATION,
            CallOptions::within(deadline).at(broker),
            |client, options, queue| {
                // SAFETY: all are alive; the names are copied.
                unsafe { sys::rd_kafka_DescribeTopics(client, topics.as_ptr(), options, queue) }
            },
            |event| {
                // SAFETY: the event is alive and of this call.
                let topics = unsafe {
                    let result = sys::rd_kafka_event_DescribeTopics_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count),
                        count,
                    )
                };
                Ok(topics.iter().map(|topic| topic_of(topic)).collect())
            },
        )
    });
    async move { call?.await }
}

fn collection(names: &[&str]) -> Result<TopicCollection, KafkaError> {
    let names: Vec<_> = names
        .iter()
        .map(|name| c_text(OPERATION.name, name))
        .collect::<Result<_, _>>()?;
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: array and names are alive and copied.
    let raw = unsafe {
        sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len())
    };
    Ok(TopicCollection::own(raw)
        .expect("rd_kafka_TopicCollection_of_topic_names never fails: it aborts without memory"))
}

fn topic_of(topic: &sys::rd_kafka_TopicDescription_t) -> Result<TopicMetadata, KafkaError> {
    // SAFETY: the description is borrowed, and what it lends lives as long.
    unsafe {
        if let Some((code, message)) = error_of(sys::rd_kafka_TopicDescription_error(topic)) {
            return Err(OPERATION.error(code, message));
        }
        let mut count = 0;
        let partitions = items(
            sys::rd_kafka_TopicDescription_partitions(topic, &raw mut count),
            count,
        );
        let mut partitions: Vec<_> = partitions.iter().map(|p| partition_of(p)).collect();
        partitions.sort_by_key(|partition| partition.id);
        Ok(TopicMetadata {
            name: text(sys::rd_kafka_TopicDescription_name(topic)),
            internal: sys::rd_kafka_TopicDescription_is_internal(topic) != 0,
            partitions,
        })
    }
}

fn partition_of(partition: &sys::rd_kafka_TopicPartitionInfo_t) -> PartitionMetadata {
    // SAFETY: the partition is borrowed, and what it lends lives as long.
    unsafe {
        let (mut replica_count, mut isr_count) = (0, 0);
        let replicas = items(
            sys::rd_kafka_TopicPartitionInfo_replicas(partition, &raw mut replica_count),
            replica_count,
        );
        let in_sync = items(
            sys::rd_kafka_TopicPartitionInfo_isr(partition, &raw mut isr_count),
            isr_count,
        );
        PartitionMetadata {
            id: sys::rd_kafka_TopicPartitionInfo_partition(partition),
            leader: sys::rd_kafka_TopicPartitionInfo_leader(partition)
                .as_ref()
                .and_then(node_id),
            replicas: replicas.iter().filter_map(|node| node_id(node)).collect(),
            in_sync_replicas: in_sync.iter().filter_map(|node| node_id(node)).collect(),
        }
    }
}
