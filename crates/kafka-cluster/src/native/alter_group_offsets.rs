//! `AlterConsumerGroupOffsets`: commits offsets for a group without members, asked of its coordinator.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, items};
use super::client::Client;
use super::group_result::{Outcomes, outcomes_of};
use super::handles::AlterGroupOffsetsRequest;
use super::operation::{CallOptions, Operation};
use super::partition_list::partition_list;
use crate::{KafkaError, TopicPartition};

const OPERATION: Operation = Operation::ALTER_GROUP_OFFSETS;

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
                outcomes_of(OPERATION, groups)
            },
        )
    });
    async move { call?.await }
}
