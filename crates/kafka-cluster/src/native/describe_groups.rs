//! `DescribeConsumerGroups`: state and members of groups, asked of their coordinator.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka_sys as sys;

use super::borrow::{c_text, error_of, items, listed_partitions, node_id, text};
use super::client::Client;
use super::codes;
use super::operation::{CallOptions, Operation};
use crate::{GroupDescription, GroupMember, GroupState, KafkaError};

const OPERATION: Operation = Operation::DESCRIBE_GROUPS;

type Groups = BTreeMap<String, Result<GroupDescription, KafkaError>>;

pub(crate) fn describe_groups(
    client: &Client,
    coordinator: i32,
    ids: &[&str],
    deadline: Duration,
) -> impl Future<Output = Result<Groups, KafkaError>> + Send + use<> {
    let ids: Result<Vec<_>, _> = ids.iter().map(|id| c_text(OPERATION.name, id)).collect();
    let call = ids.map(|ids| {
        let mut pointers: Vec<_> = ids.iter().map(|id| id.as_ptr()).collect();
        client.call(
            OPERATION,
            CallOptions::within(deadline).at(coordinator),
            |client, options, queue| {
                // SAFETY: all are alive; array and names are copied.
                unsafe {
                    sys::rd_kafka_DescribeConsumerGroups(
                        client,
                        pointers.as_mut_ptr(),
                        pointers.len(),
                        options,
                        queue,
                    );
                }
            },
            |event| {
                // SAFETY: the event is alive and of this call.
                let groups = unsafe {
                    let result = sys::rd_kafka_event_DescribeConsumerGroups_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count),
                        count,
                    )
                };
                Ok(groups.iter().map(|group| group_of(group)).collect())
            },
        )
    });
    async move { call?.await }
}

fn group_of(
    group: &sys::rd_kafka_ConsumerGroupDescription_t,
) -> (String, Result<GroupDescription, KafkaError>) {
    // SAFETY: the description is borrowed, and what it lends lives as long.
    unsafe {
        let id = text(sys::rd_kafka_ConsumerGroupDescription_group_id(group));
        if let Some((code, message)) = error_of(sys::rd_kafka_ConsumerGroupDescription_error(group))
        {
            return (id, Err(OPERATION.error(code, message)));
        }
        let members = (0..sys::rd_kafka_ConsumerGroupDescription_member_count(group))
            .filter_map(|index| {
                sys::rd_kafka_ConsumerGroupDescription_member(group, index).as_ref()
            })
            .map(member_of)
            .collect();
        let description = GroupDescription {
            id: id.clone(),
            state: GroupState::from_code(codes::rd_kafka_ConsumerGroupDescription_state(group)),
            assignor: text(sys::rd_kafka_ConsumerGroupDescription_partition_assignor(
                group,
            )),
            coordinator: sys::rd_kafka_ConsumerGroupDescription_coordinator(group)
                .as_ref()
                .and_then(node_id),
            members,
        };
        (id, Ok(description))
    }
}

fn member_of(member: &sys::rd_kafka_MemberDescription_t) -> GroupMember {
    // SAFETY: the member is borrowed, and what it lends lives as long.
    unsafe {
        let assignment = sys::rd_kafka_MemberDescription_assignment(member);
        let partitions = if assignment.is_null() {
            Vec::new()
        } else {
            listed_partitions(sys::rd_kafka_MemberAssignment_partitions(assignment))
        };
        GroupMember {
            member_id: text(sys::rd_kafka_MemberDescription_consumer_id(member)),
            client_id: text(sys::rd_kafka_MemberDescription_client_id(member)),
            host: text(sys::rd_kafka_MemberDescription_host(member)),
            assignment: partitions.into_iter().map(|p| p.partition).collect(),
        }
    }
}
