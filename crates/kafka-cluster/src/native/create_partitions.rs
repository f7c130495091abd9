//! `CreatePartitions`, for one topic.

use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, items};
use super::client::Client;
use super::create_topic::single_topic_result;
use super::handles::{NewPartitionsHandle, Reason};
use super::operation::{CallOptions, Operation};
use crate::KafkaError;

const OPERATION: Operation = Operation::CREATE_PARTITIONS;

pub(crate) fn create_partitions(
    client: &Client,
    topic: &str,
    total: i32,
    validate_only: bool,
    deadline: Duration,
) -> impl Future<Output = Result<(), KafkaError>> + Send + use<> {
    let options = CallOptions {
        validate_only,
        ..CallOptions::within(deadline)
    };
    let call = new_partitions(topic, total).map(|handle| {
        client.call(
            OPERATION,
            options,
            |client, options, queue| {
                let mut topics = [handle.as_ptr()];
                // SAFETY: all are alive; librdkafka copies the array.
                unsafe {
                    sys::rd_kafka_CreatePartitions(client, topics.as_mut_ptr(), 1, options, queue);
                }
            },
            |event| {
                // SAFETY: the event is alive and of this call.
                let results = unsafe {
                    let result = sys::rd_kafka_event_CreatePartitions_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_CreatePartitions_result_topics(result, &raw mut count),
                        count,
                    )
                };
                single_topic_result(event, OPERATION, results)
            },
        )
    });
    async move { call?.await }
}

fn new_partitions(topic: &str, total: i32) -> Result<NewPartitionsHandle, KafkaError> {
    let name = c_text(OPERATION.name, topic)?;
    let mut reason = Reason::new();
    // SAFETY: name and buffer are alive; the name is copied. A negative total becomes 0, which is
    // refused.
    let raw = unsafe {
        sys::rd_kafka_NewPartitions_new(
            name.as_ptr(),
            usize::try_from(total).unwrap_or(0),
            reason.as_mut_ptr(),
            reason.len(),
        )
    };
    NewPartitionsHandle::own(raw).ok_or_else(|| reason.into_error(OPERATION.name))
}
