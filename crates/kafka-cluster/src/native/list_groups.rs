//! `ListConsumerGroups`, asked of one broker: it lists the groups that it coordinates.

use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{error_of, items, text};
use super::client::Client;
use super::codes;
use super::operation::{CallOptions, Operation};
use crate::{GroupListing, GroupState, KafkaError};

const OPERATION: Operation = Operation::LIST_GROUPS;

pub(crate) fn list_groups(
    client: &Client,
    broker: i32,
    deadline: Duration,
) -> impl Future<Output = Result<Vec<GroupListing>, KafkaError>> + Send + use<> {
    client.call(
        OPERATION,
        CallOptions::within(deadline).at(broker),
        |client, options, queue| {
            // SAFETY: all are alive.
            unsafe { sys::rd_kafka_ListConsumerGroups(client, options, queue) }
        },
        move |event| {
            // SAFETY: the event is alive and of this call; what it lends lives as long.
            let (valid, errors) = unsafe {
                let result = sys::rd_kafka_event_ListConsumerGroups_result(event.as_ptr());
                let (mut valid, mut errors) = (0, 0);
                (
                    items(
                        sys::rd_kafka_ListConsumerGroups_result_valid(result, &raw mut valid),
                        valid,
                    ),
                    items(
                        sys::rd_kafka_ListConsumerGroups_result_errors(result, &raw mut errors),
                        errors,
                    ),
                )
            };
            // SAFETY: borrowed, so alive.
            let mut errors = errors
                .iter()
                .filter_map(|error| unsafe { error_of(*error) });
            match errors.next() {
                Some((code, message)) => Err(OPERATION.error(code, message)),
                None => Ok(valid
                    .iter()
                    .map(|group| listing_of(group, broker))
                    .collect()),
            }
        },
    )
}

fn listing_of(group: &sys::rd_kafka_ConsumerGroupListing_t, coordinator: i32) -> GroupListing {
    // SAFETY: the listing is borrowed, so it is alive; the text is copied.
    unsafe {
        GroupListing {
            id: text(sys::rd_kafka_ConsumerGroupListing_group_id(group)),
            state: GroupState::from_code(codes::rd_kafka_ConsumerGroupListing_state(group)),
            simple: sys::rd_kafka_ConsumerGroupListing_is_simple_consumer_group(group) != 0,
            coordinator,
        }
    }
}
