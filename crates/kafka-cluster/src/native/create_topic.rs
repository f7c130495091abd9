//! `CreateTopics`, for one topic.

use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, items, text};
use super::client::{Client, Event};
use super::codes;
use super::handles::{NewTopicHandle, Reason};
use super::operation::{CallOptions, Operation};
use crate::{KafkaError, NewTopic};

const OPERATION: Operation = Operation::CREATE_TOPICS;

pub(crate) fn create_topic(
    client: &Client,
    topic: &NewTopic,
    validate_only: bool,
    deadline: Duration,
) -> impl Future<Output = Result<(), KafkaError>> + Send + use<> {
    let options = CallOptions {
        validate_only,
        ..CallOptions::within(deadline)
    };
    let call = new_topic(topic).map(|new_topic| {
        client.call(
            OPERATION,
            options,
            |client, options, queue| {
                let mut topics = [new_topic.as_ptr()];
                // SAFETY: all are alive; librdkafka copies the array.
                unsafe {
                    sys::rd_kafka_CreateTopics(client, topics.as_mut_ptr(), 1, options, queue);
                }
            },
            |event| {
                // SAFETY: the event is alive and of this call.
                let results = unsafe {
                    let result = sys::rd_kafka_event_CreateTopics_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_CreateTopics_result_topics(result, &raw mut count),
                        count,
                    )
                };
                single_topic_result(event, OPERATION, results)
            },
        )
    });
    async move { call?.await }
}

fn new_topic(topic: &NewTopic) -> Result<NewTopicHandle, KafkaError> {
    let name = c_text(OPERATION.name, &topic.name)?;
    let mut reason = Reason::new();
    // SAFETY: name and buffer are alive; the name is copied.
    let raw = unsafe {
        sys::rd_kafka_NewTopic_new(
            name.as_ptr(),
            topic.partitions,
            topic.replication_factor,
            reason.as_mut_ptr(),
            reason.len(),
        )
    };
    let handle = NewTopicHandle::own(raw).ok_or_else(|| reason.into_error(OPERATION.name))?;
    for (name, value) in &topic.configs {
        let (name, value) = (
            c_text(OPERATION.name, name)?,
            c_text(OPERATION.name, value)?,
        );
        // SAFETY: all are alive; both texts are copied. It fails on null names only.
        unsafe {
            sys::rd_kafka_NewTopic_set_config(handle.as_ptr(), name.as_ptr(), value.as_ptr())
        };
    }
    Ok(handle)
}

/// The outcome of a call on one topic. `_event` keeps alive what `results` borrows.
pub(super) fn single_topic_result(
    _event: &Event,
    operation: Operation,
    results: &[&sys::rd_kafka_topic_result_t],
) -> Result<(), KafkaError> {
    let Some(result) = results.first() else {
        return Err(operation.error(crate::codes::LOCAL_DESTROY, "an answer without a topic"));
    };
    // SAFETY: the result lives as long as the event.
    let (code, message) = unsafe {
        (
            codes::rd_kafka_topic_result_error(*result),
            text(sys::rd_kafka_topic_result_error_string(*result)),
        )
    };
    if code == crate::codes::NONE {
        Ok(())
    } else {
        Err(operation.error(code, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_librdkafka_refuses_to_describe_is_an_error_and_no_crash() {
        let topic = NewTopic {
            name: "a".to_owned(),
            partitions: 1,
            replication_factor: 19_094,
            configs: std::collections::BTreeMap::new(),
        };
        let error = new_topic(&topic).map(|_| ()).unwrap_err();
        assert!(error.message.contains("replication_factor"), "{error:?}");
    }
}
