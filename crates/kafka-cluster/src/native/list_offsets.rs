//! `ListOffsets` of many partitions: one request for each leader.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, items, listed_partition};
use super::client::Client;
use super::handles::PartitionList;
use super::operation::{CallOptions, Operation};
use crate::{KafkaError, OffsetSpec, TopicPartition};

const OPERATION: Operation = Operation::LIST_OFFSETS;

type Offsets = BTreeMap<TopicPartition, Result<i64, KafkaError>>;

pub(crate) fn list_offsets(
    client: &Client,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
    deadline: Duration,
) -> impl Future<Output = Result<Offsets, KafkaError>> + Send + use<> {
    let call = partition_list(partitions, code_of(spec)).map(|list| {
        client.call(
            OPERATION,
            CallOptions::within(deadline),
            |client, options, queue| {
                // SAFETY: all are alive; the list is copied.
                unsafe { sys::rd_kafka_ListOffsets(client, list.as_ptr(), options, queue) }
            },
            |event| {
                // SAFETY: the event is alive and of this call.
                let infos = unsafe {
                    let result = sys::rd_kafka_event_ListOffsets_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count),
                        count,
                    )
                };
                Ok(infos.iter().filter_map(|info| offset_of(info)).collect())
            },
        )
    });
    async move { call?.await }
}

/// Kafka's codes for special timestamps: -1 latest, -2 earliest.
fn code_of(spec: OffsetSpec) -> i64 {
    match spec {
        OffsetSpec::Latest => -1,
        OffsetSpec::Earliest => -2,
        OffsetSpec::AtTimestampMs(timestamp) => timestamp.max(0),
    }
}

fn partition_list(partitions: &[TopicPartition], offset: i64) -> Result<PartitionList, KafkaError> {
    let capacity = i32::try_from(partitions.len()).unwrap_or(0);
    // SAFETY: any capacity is accepted.
    let list = PartitionList::own(unsafe { sys::rd_kafka_topic_partition_list_new(capacity) })
        .expect("rd_kafka_topic_partition_list_new never fails: it aborts without memory");
    for partition in partitions {
        let topic = c_text(OPERATION.name, &partition.topic)?;
        // SAFETY: the list is alive and the name copied; the entry is valid until the next call.
        unsafe {
            let entry = sys::rd_kafka_topic_partition_list_add(
                list.as_ptr(),
                topic.as_ptr(),
                partition.partition,
            );
            (*entry).offset = offset;
        }
    }
    Ok(list)
}

fn offset_of(
    info: &sys::rd_kafka_ListOffsetsResultInfo_t,
) -> Option<(TopicPartition, Result<i64, KafkaError>)> {
    // SAFETY: the result is borrowed, and its partition lives as long.
    let listed =
        unsafe { listed_partition(sys::rd_kafka_ListOffsetsResultInfo_topic_partition(info)) };
    if listed.code != crate::codes::NONE {
        return Some((listed.partition, Err(OPERATION.error(listed.code, ""))));
    }
    (listed.offset >= 0).then_some((listed.partition, Ok(listed.offset)))
}
