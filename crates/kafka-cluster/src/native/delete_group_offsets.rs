//! `DeleteConsumerGroupOffsets`: a group's commits on some partitions, asked of its coordinator.

use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, items};
use super::client::Client;
use super::group_result::{Outcomes, outcomes_of};
use super::handles::DeleteGroupOffsetsRequest;
use super::operation::{CallOptions, Operation};
use super::partition_list::partition_list;
use crate::{KafkaError, TopicPartition};

const OPERATION: Operation = Operation::DELETE_GROUP_OFFSETS;

/// What librdkafka has for "no offset" (`RD_KAFKA_OFFSET_INVALID`); it is not looked at here.
const NO_OFFSET: i64 = -1001;

pub(crate) fn delete_group_offsets(
    client: &Client,
    coordinator: i32,
    group: &str,
    partitions: &[TopicPartition],
    deadline: Duration,
) -> impl Future<Output = Result<Outcomes, KafkaError>> + Send + use<> {
    let entries = partitions.iter().map(|partition| (partition, NO_OFFSET));
    let list = partition_list(OPERATION.name, entries);
    let group = list.and_then(|list| Ok((c_text(OPERATION.name, group)?, list)));
    let call = group.map(|(group, list)| {
        // SAFETY: name and list are alive and copied.
        let request = DeleteGroupOffsetsRequest::own(unsafe {
            sys::rd_kafka_DeleteConsumerGroupOffsets_new(group.as_ptr(), list.as_ptr())
        })
        .expect("rd_kafka_DeleteConsumerGroupOffsets_new never fails: it aborts without memory");
        client.call(
            OPERATION,
            CallOptions::within(deadline).at(coordinator),
            |client, options, queue| {
                let mut requests = [request.as_ptr()];
                // SAFETY: all are alive; librdkafka copies the request.
                unsafe {
                    sys::rd_kafka_DeleteConsumerGroupOffsets(
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
                        sys::rd_kafka_event_DeleteConsumerGroupOffsets_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_DeleteConsumerGroupOffsets_result_groups(
                            result,
                            &raw mut count,
                        ),
                        count,
                    )
                };
                outcomes_of(OPERATION, groups)
            },
        )
    });
    async move { call?.await }
}
