//! `DeleteGroups`, for one group, asked of its coordinator.

use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, items};
use super::client::Client;
use super::group_result::outcomes_of;
use super::handles::DeleteGroupHandle;
use super::operation::{CallOptions, Operation};
use crate::KafkaError;

const OPERATION: Operation = Operation::DELETE_GROUPS;

pub(crate) fn delete_group(
    client: &Client,
    coordinator: i32,
    group: &str,
    deadline: Duration,
) -> impl Future<Output = Result<(), KafkaError>> + Send + use<> {
    let call = c_text(OPERATION.name, group).map(|group| {
        // SAFETY: the name is alive and copied.
        let handle =
            DeleteGroupHandle::own(unsafe { sys::rd_kafka_DeleteGroup_new(group.as_ptr()) })
                .expect("rd_kafka_DeleteGroup_new never fails: it aborts without memory");
        client.call(
            OPERATION,
            CallOptions::within(deadline).at(coordinator),
            |client, options, queue| {
                let mut groups = [handle.as_ptr()];
                // SAFETY: all are alive; librdkafka copies the array.
                unsafe {
                    sys::rd_kafka_DeleteGroups(client, groups.as_mut_ptr(), 1, options, queue);
                }
            },
            |event| {
                // SAFETY: the event is alive and of this call.
                let groups = unsafe {
                    let result = sys::rd_kafka_event_DeleteGroups_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_DeleteGroups_result_groups(result, &raw mut count),
                        count,
                    )
                };
                outcomes_of(OPERATION, groups).map(drop)
            },
        )
    });
    async move { call?.await }
}
