//! What a call about one group's offsets came to: the group's own error, or one outcome a partition.

use std::collections::BTreeMap;

use rdkafka_sys as sys;

use super::borrow::{ListedPartition, error_of, listed_partitions};
use super::operation::Operation;
use crate::{KafkaError, TopicPartition};

/// What became of each partition.
pub(super) type Outcomes = BTreeMap<TopicPartition, Result<(), KafkaError>>;

/// The partitions of one group's result.
pub(super) fn partitions_of(
    operation: Operation,
    group: &sys::rd_kafka_group_result_t,
) -> Result<Vec<ListedPartition>, KafkaError> {
    // SAFETY: the result is borrowed, and what it lends lives as long.
    unsafe {
        match error_of(sys::rd_kafka_group_result_error(group)) {
            Some((code, message)) => Err(operation.error(code, message)),
            None => Ok(listed_partitions(sys::rd_kafka_group_result_partitions(
                group,
            ))),
        }
    }
}

/// The outcome of each partition of the one group that was asked for.
pub(super) fn outcomes_of(
    operation: Operation,
    groups: &[&sys::rd_kafka_group_result_t],
) -> Result<Outcomes, KafkaError> {
    let Some(group) = groups.first() else {
        return Err(operation.error(crate::codes::LOCAL_DESTROY, "an answer without a group"));
    };
    let partitions = partitions_of(operation, group)?.into_iter();
    let outcomes = partitions.map(|listed| {
        let outcome = match listed.code {
            crate::codes::NONE => Ok(()),
            code => Err(operation.error(code, "")),
        };
        (listed.partition, outcome)
    });
    Ok(outcomes.collect())
}
