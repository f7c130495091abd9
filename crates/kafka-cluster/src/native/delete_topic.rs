//! `DeleteTopics`, for one topic.

use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, items};
use super::client::Client;
use super::create_topic::single_topic_result;
use super::handles::DeleteTopicHandle;
use super::operation::{CallOptions, Operation};
use crate::KafkaError;

const OPERATION: Operation = Operation::DELETE_TOPICS;

pub(crate) fn delete_topic(
    client: &Client,
    name: &str,
    deadline: Duration,
) -> impl Future<Output = Result<(), KafkaError>> + Send + use<> {
    let call = c_text(OPERATION.name, name).map(|name| {
        // SAFETY: the name is alive and copied.
        let handle =
            DeleteTopicHandle::own(unsafe { sys::rd_kafka_DeleteTopic_new(name.as_ptr()) })
                .expect("rd_kafka_DeleteTopic_new never fails: it aborts without memory");
        client.call(
            OPERATION,
            CallOptions::within(deadline),
            |client, options, queue| {
                let mut topics = [handle.as_ptr()];
                // SAFETY: all are alive; librdkafka copies the array.
                unsafe {
                    sys::rd_kafka_DeleteTopics(client, topics.as_mut_ptr(), 1, options, queue);
                }
            },
            |event| {
                // SAFETY: the event is alive and of this call.
                let results = unsafe {
                    let result = sys::rd_kafka_event_DeleteTopics_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_DeleteTopics_result_topics(result, &raw mut count),
                        count,
                    )
                };
                single_topic_result(event, OPERATION, results)
            },
        )
    });
    async move { call?.await }
}
