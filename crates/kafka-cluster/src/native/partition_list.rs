//! Partitions with an offset each, as librdkafka takes them.

use rdkafka_sys as sys;

use super::borrow::c_text;
use super::handles::PartitionList;
use crate::{KafkaError, TopicPartition};

/// The list of what `entries` names.
///
/// # Errors
/// A topic's name that contains NUL.
pub(super) fn partition_list<'a>(
    operation: &'static str,
    entries: impl ExactSizeIterator<Item = (&'a TopicPartition, i64)>,
) -> Result<PartitionList, KafkaError> {
    let capacity = i32::try_from(entries.len()).unwrap_or(0);
    // SAFETY: any capacity is accepted.
    let list = PartitionList::own(unsafe { sys::rd_kafka_topic_partition_list_new(capacity) })
        .expect("rd_kafka_topic_partition_list_new never fails: it aborts without memory");
    for (partition, offset) in entries {
        let topic = c_text(operation, &partition.topic)?;
        // SAFETY: the list is alive and the name copied; the entry is valid until the next call.
        unsafe {
            let entry = sys::rd_kafka_topic_partition_list_add(
                list.as_ptr(),
                topic.as_ptr(),
                partition.partition,
            );
            (*entry).offset = offset;
        }
    }
    Ok(list)
}
