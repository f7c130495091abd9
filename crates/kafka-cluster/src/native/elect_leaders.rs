//! `ElectLeaders`: gives partitions back to their preferred leader. An unclean election, which can
//! lose records, is never asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_ElectionType_t as ElectionType;

use super::borrow::{error_of, items, listed_partition};
use super::client::Client;
use super::handles::ElectLeadersRequest;
use super::operation::{CallOptions, Operation};
use super::partition_list::partition_list;
use crate::{KafkaError, TopicPartition};

const OPERATION: Operation = Operation::ELECT_LEADERS;

type Elections = BTreeMap<TopicPartition, Result<(), KafkaError>>;

pub(crate) fn elect_leaders(
    client: &Client,
    partitions: &[TopicPartition],
    deadline: Duration,
) -> impl Future<Output = Result<Elections, KafkaError>> + Send + use<> {
    let entries = partitions.iter().map(|partition| (partition, 0));
    let call = partition_list(OPERATION.name, entries).map(|list| {
        // SAFETY: the list is alive and copied.
        let request = ElectLeadersRequest::own(unsafe {
            sys::rd_kafka_ElectLeaders_new(
                ElectionType::RD_KAFKA_ELECTION_TYPE_PREFERRED,
                list.as_ptr(),
            )
        })
        .expect("rd_kafka_ElectLeaders_new never fails: it aborts without memory");
        client.call(
            OPERATION,
            CallOptions::within(deadline),
            |client, options, queue| {
                // SAFETY: all are alive; librdkafka copies the request.
                unsafe { sys::rd_kafka_ElectLeaders(client, request.as_ptr(), options, queue) }
            },
            |event| {
                // SAFETY: the event is alive and of this call; what it lends lives as long.
                let results = unsafe {
                    let result = sys::rd_kafka_event_ElectLeaders_result(event.as_ptr());
                    let mut count = 0;
                    items(
                        sys::rd_kafka_ElectLeaders_result_partitions(result, &raw mut count),
                        count,
                    )
                };
                Ok(results.iter().map(|result| election_of(result)).collect())
            },
        )
    });
    async move { call?.await }
}

fn election_of(
    result: &sys::rd_kafka_topic_partition_result_t,
) -> (TopicPartition, Result<(), KafkaError>) {
    // SAFETY: the result is borrowed, and what it lends lives as long.
    unsafe {
        let listed = listed_partition(sys::rd_kafka_topic_partition_result_partition(result));
        let outcome = match error_of(sys::rd_kafka_topic_partition_result_error(result)) {
            Some((code, message)) => Err(OPERATION.error(code, message)),
            None => Ok(()),
        };
        (listed.partition, outcome)
    }
}
