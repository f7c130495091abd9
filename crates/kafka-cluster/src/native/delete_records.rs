//! `DeleteRecords`: everything before an offset of each partition, asked of each leader.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::listed_partitions;
use super::client::Client;
use super::handles::DeleteRecordsRequest;
use super::operation::{CallOptions, Operation};
use super::partition_list::partition_list;
use crate::{KafkaError, TopicPartition};

const OPERATION: Operation = Operation::DELETE_RECORDS;

type LowWatermarks = BTreeMap<TopicPartition, Result<i64, KafkaError>>;

pub(crate) fn delete_records(
    client: &Client,
    before: &BTreeMap<TopicPartition, i64>,
    deadline: Duration,
) -> impl Future<Output = Result<LowWatermarks, KafkaError>> + Send + use<> {
    let entries = before
        .iter()
        .map(|(partition, offset)| (partition, *offset));
    let call = partition_list(OPERATION.name, entries).map(|list| {
        // SAFETY: the list is alive and copied.
        let request =
            DeleteRecordsRequest::own(unsafe { sys::rd_kafka_DeleteRecords_new(list.as_ptr()) })
                .expect("rd_kafka_DeleteRecords_new never fails: it aborts without memory");
        client.call(
            OPERATION,
            CallOptions::within(deadline),
            |client, options, queue| {
                let mut requests = [request.as_ptr()];
                // SAFETY: all are alive; librdkafka copies the request.
                unsafe {
                    sys::rd_kafka_DeleteRecords(client, requests.as_mut_ptr(), 1, options, queue);
                }
            },
            |event| {
                // SAFETY: the event is alive and of this call.
                let partitions = unsafe {
                    let result = sys::rd_kafka_event_DeleteRecords_result(event.as_ptr());
                    listed_partitions(sys::rd_kafka_DeleteRecords_result_offsets(result))
                };
                let outcomes = partitions.into_iter().map(|listed| {
                    let outcome = match listed.code {
                        crate::codes::NONE => Ok(listed.offset),
                        code => Err(OPERATION.error(code, "")),
                    };
                    (listed.partition, outcome)
                });
                Ok(outcomes.collect())
            },
        )
    });
    async move { call?.await }
}
