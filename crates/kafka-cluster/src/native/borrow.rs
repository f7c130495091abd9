//! Reading what librdkafka lends: texts, arrays, partition lists, errors.

use std::ffi::{CStr, CString, c_char};

use rdkafka_sys as sys;

use super::codes;
use crate::{KafkaError, TopicPartition};

/// Copies a C string; empty for null.
///
/// # Safety
/// `pointer` is null or points to a NUL-terminated string that lives for this call.
pub(super) unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: not null, and the caller promises the rest.
    unsafe { CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned()
}

/// Copies a C string; `None` for null.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn optional_text(pointer: *const c_char) -> Option<String> {
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| unsafe { text(pointer) })
}

/// The id of a node; `None` for librdkafka's placeholder of "no node".
pub(super) fn node_id(node: &sys::rd_kafka_Node_t) -> Option<i32> {
    // SAFETY: the node is borrowed, so it is alive.
    let id = unsafe { sys::rd_kafka_Node_id(node) };
    (id >= 0).then_some(id)
}

/// Views an array of `count` pointers as references; empty for null.
///
/// # Safety
/// `array` is null or holds `count` valid pointers, all of which live for `'e`.
pub(super) unsafe fn items<'e, T>(array: *mut *const T, count: usize) -> &'e [&'e T] {
    if array.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise; a reference has the layout of a non-null pointer.
    unsafe { std::slice::from_raw_parts(array.cast::<&'e T>(), count) }
}

/// A text for C.
///
/// # Errors
/// An invalid-argument error when it contains NUL.
pub(super) fn c_text(operation: &'static str, value: &str) -> Result<CString, KafkaError> {
    CString::new(value).map_err(|_| {
        KafkaError::of_read(
            operation,
            crate::codes::LOCAL_INVALID_ARG,
            format!("{value:?} contains a NUL character"),
        )
    })
}

/// Code and message of an error object; `None` for null or "no error".
///
/// # Safety
/// `error` is null or valid for this call.
pub(super) unsafe fn error_of(error: *const sys::rd_kafka_error_t) -> Option<(i32, String)> {
    if error.is_null() {
        return None;
    }
    // SAFETY: not null, and the caller promises the rest.
    let (code, message) = unsafe {
        (
            codes::rd_kafka_error_code(error),
            text(sys::rd_kafka_error_string(error)),
        )
    };
    (code != crate::codes::NONE).then_some((code, message))
}

/// One entry of a partition list.
pub(super) struct ListedPartition {
    pub(super) partition: TopicPartition,
    pub(super) offset: i64,
    pub(super) code: i32,
}

/// Copies one entry of a partition list.
///
/// # Safety
/// `entry` is valid for this call.
pub(super) unsafe fn listed_partition(
    entry: *const sys::rd_kafka_topic_partition_t,
) -> ListedPartition {
    // SAFETY: the caller's promise; the code is read as the integer that it is in C.
    unsafe {
        ListedPartition {
            partition: TopicPartition::new(text((*entry).topic), (*entry).partition),
            offset: (*entry).offset,
            code: (&raw const (*entry).err).cast::<i32>().read(),
        }
    }
}

/// Copies a partition list; empty for null.
///
/// # Safety
/// `list` is null or valid for this call.
pub(super) unsafe fn listed_partitions(
    list: *const sys::rd_kafka_topic_partition_list_t,
) -> Vec<ListedPartition> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: not null, and the caller promises the rest; the list holds `cnt` elements.
    unsafe {
        let count = usize::try_from((*list).cnt).unwrap_or(0);
        (0..count)
            .map(|index| listed_partition((*list).elems.add(index)))
            .collect()
    }
}
