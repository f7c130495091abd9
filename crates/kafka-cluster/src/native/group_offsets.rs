//! `ListConsumerGroupOffsets`: all commits of one group (librdkafka takes one group a call), asked of
//! its coordinator.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, items};
use super::client::Client;
use super::group_result::partitions_of;
use super::handles::GroupOffsetsRequest;
use super::operation::{CallOptions, Operation};
use crate::{KafkaError, TopicPartition};

const OPERATION: Operation = Operation::GROUP_OFFSETS;

type Committed = BTreeMap<TopicPartition, Result<i64, KafkaError>>;

pub(crate) fn group_offsets(
    client: &Client,
    coordinator: i32,
    group: &str,
    deadline: Duration,
) -> impl Future<Output = Result<Committed, KafkaError>> + Send + use<> {
    let call = c_text(OPERATION.name, group).map(|group| {
        // SAFETY: the name is alive and copied; a null list asks for all partitions.
        let request =
            unsafe { sys::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), std::ptr::null()) };
        let request = GroupOffsetsRequest::own(request)
            .expect("rd_kafka_ListConsumerGroupOffsets_new never fails: it aborts without memory");
        client.call(
            OPERATION,
            CallOptions::within(deadline).at(coordinator),
            |client, options, queue| {
                let mut requests = [request.as_ptr()];
                // SAFETY: all are alive; librdkafka copies the request.
                unsafe {
                    sys::rd_kafka_ListConsumerGroupOffsets(
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
                        sys::rd_kafka_event_ListConsumerGroupOffsets_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_ListConsumerGroupOffsets_result_groups(
                            result,
                            &raw mut count,
                        ),
                        count,
                    )
                };
                groups
                    .first()
                    .map_or_else(|| Ok(Committed::new()), |group| committed_of(group))
            },
        )
    });
    async move { call?.await }
}

fn committed_of(group: &sys::rd_kafka_group_result_t) -> Result<Committed, KafkaError> {
    let committed = partitions_of(OPERATION, group)?
        .into_iter()
        .filter_map(|listed| {
            if listed.code != crate::codes::NONE {
                Some((listed.partition, Err(OPERATION.error(listed.code, ""))))
            } else {
                // -1001: never committed.
                (listed.offset >= 0).then_some((listed.partition, Ok(listed.offset)))
            }
        });
    Ok(committed.collect())
}
