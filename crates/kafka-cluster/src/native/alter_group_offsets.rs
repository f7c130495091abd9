//! `AlterConsumerGroupOffsets`: commits offsets for a group without members, asked of its coordinator.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, error_of, items, listed_partitions};
use super::client::{Client, Event};
use super::handles::AlterGroupOffsetsRequest;
use super::operation::{CallOptions, Operation};
use super::partition_list::partition_list;
use crate::{KafkaError, TopicPartition};

const OPERATION: Operation = Operation::ALTER_GROUP_OFFSETS;

/// What became of each partition.
pub(super) type Outcomes = BTreeMap<TopicPartition, Result<(), KafkaError>>;

pub(crate) fn alter_group_offsets(
    client: &Client,
    coordinator: i32,
    group: &str,
    offsets: &BTreeMap<TopicPartition, i64>,
    deadline: Duration,
) -> impl Future<Output = Result<Outcomes, KafkaError>> + Send + use<> {
    let entries = offsets
        .iter()
        .map(|(partition, offset)| (partition, *offset));
    let list = partition_list(OPERATION.name, entries);
    let group = list.and_then(|list| Ok((c_text(OPERATION.name, group)?, list)));
    let call = group.map(|(group, list)| {
        // SAFETY: name and list are alive and copied.
        let request = AlterGroupOffsetsRequest::own(unsafe {
            sys::rd_kafka_AlterConsumerGroupOffsets_new(group.as_ptr(), list.as_ptr())
        })
        .expect("rd_kafka_AlterConsumerGroupOffsets_new never fails: it aborts without memory");
        client.call(
            OPERATION,
            CallOptions::within(deadline).at(coordinator),
            |client, options, queue| {
                let mut requests = [request.as_ptr()];
                // SAFETY: all are alive; librdkafka copies the request.
                unsafe {
                    sys::rd_kafka_AlterConsumerGroupOffsets(
                        client,
                        requests.as_mut_ptr(),
                        1,
                        options,
                        queue,
                    );
                }
            },
            |event| {
                // SAFETY: the event is alive and of this call.
                let groups = unsafe {
                    let result =
                        sys::rd_kafka_event_AlterConsumerGroupOffsets_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_AlterConsumerGroupOffsets_result_groups(
                            result,
                            &raw mut count,
                        ),
                        count,
                    )
                };
                outcomes_of(event, OPERATION, groups)
            },
        )
    });
    async move { call?.await }
}

/// The outcome of each partition of the one group. `_event` keeps alive what `groups` borrows.
pub(super) fn outcomes_of(
    _event: &Event,
    operation: Operation,
    groups: &[&sys::rd_kafka_group_result_t],
) -> Result<Outcomes, KafkaError> {
    let Some(group) = groups.first() else {
        return Err(operation.error(crate::codes::LOCAL_DESTROY, "an answer without a group"));
    };
    // SAFETY: the result lives as long as the event, and so does what it lends.
    let partitions = unsafe {
        if let Some((code, message)) = error_of(sys::rd_kafka_group_result_error(*group)) {
            return Err(operation.error(code, message));
        }
        listed_partitions(sys::rd_kafka_group_result_partitions(*group))
    };
    let outcomes = partitions.into_iter().map(|listed| {
        let outcome = match listed.code {
            crate::codes::NONE => Ok(()),
            code => Err(operation.error(code, "")),
        };
        (listed.partition, outcome)
    });
    Ok(outcomes.collect())
}
