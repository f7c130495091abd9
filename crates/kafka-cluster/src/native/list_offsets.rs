//! `ListOffsets` of many partitions: one request for each leader.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{items, listed_partition};
use super::client::Client;
use super::operation::{CallOptions, Operation};
use super::partition_list::partition_list;
use crate::{KafkaError, OffsetSpec, TopicPartition};

const OPERATION: Operation = Operation::LIST_OFFSETS;

/// An offset, and the time of its record where a time was asked for.
pub(crate) struct Listed {
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
}

type Offsets = BTreeMap<TopicPartition, Result<Listed, KafkaError>>;

pub(crate) fn list_offsets(
    client: &Client,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
    deadline: Duration,
) -> impl Future<Output = Result<Offsets, KafkaError>> + Send + use<> {
    let code = code_of(spec);
    let asked = partitions.iter().map(|partition| (partition, code));
    let call = partition_list(OPERATION.name, asked).map(|list| {
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

/// Kafka's codes for special timestamps: -1 latest, -2 earliest, -3 the record of the latest time.
/// Source: Kafka protocol, `ListOffsetsRequest`, KIP-734.
fn code_of(spec: OffsetSpec) -> i64 {
    match spec {
        OffsetSpec::Latest => -1,
        OffsetSpec::Earliest => -2,
        OffsetSpec::MaxTimestamp => -3,
        OffsetSpec::AtTimestampMs(timestamp) => timestamp.max(0),
    }
}

fn offset_of(
    info: &sys::rd_kafka_ListOffsetsResultInfo_t,
) -> Option<(TopicPartition, Result<Listed, KafkaError>)> {
    // SAFETY: the result is borrowed, and its partition lives as long.
    let listed =
        unsafe { listed_partition(sys::rd_kafka_ListOffsetsResultInfo_topic_partition(info)) };
    if listed.code != crate::codes::NONE {
        return Some((listed.partition, Err(OPERATION.error(listed.code, ""))));
    }
    // SAFETY: as above.
    let timestamp_ms = unsafe { sys::rd_kafka_ListOffsetsResultInfo_timestamp(info) };
    let offset = listed.offset;
    (offset >= 0).then_some((
        listed.partition,
        Ok(Listed {
            offset,
            timestamp_ms,
        }),
    ))
}
