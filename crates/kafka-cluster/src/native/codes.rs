//! Functions whose result or arguments the bindings type as Rust enums, declared again with plain
//! integers.
//!
//! The bindings' enums have gaps, and brokers send codes that fall into them (98-99, 101-109,
//! 114-116, 119-128): reading such a code as the enum is undefined behaviour.

use std::ffi::{c_char, c_int};

use rdkafka::message::BorrowedMessage;
use rdkafka_sys as sys;

use super::borrow::text;
use crate::Persistence;

unsafe extern "C" {
    pub(super) fn rd_kafka_event_error(event: *mut sys::rd_kafka_event_t) -> c_int;
    pub(super) fn rd_kafka_topic_result_error(result: *const sys::rd_kafka_topic_result_t)
    -> c_int;
    pub(super) fn rd_kafka_ConfigResource_error(
        resource: *const sys::rd_kafka_ConfigResource_t,
    ) -> c_int;
    pub(super) fn rd_kafka_ConfigEntry_source(entry: *const sys::rd_kafka_ConfigEntry_t) -> c_int;
    pub(super) fn rd_kafka_ConfigResource_type(
        resource: *const sys::rd_kafka_ConfigResource_t,
    ) -> c_int;
    pub(super) fn rd_kafka_error_code(error: *const sys::rd_kafka_error_t) -> c_int;
    pub(super) fn rd_kafka_ConsumerGroupListing_state(
        listing: *const sys::rd_kafka_ConsumerGroupListing_t,
    ) -> c_int;
    pub(super) fn rd_kafka_ConsumerGroupDescription_state(
        description: *const sys::rd_kafka_ConsumerGroupDescription_t,
    ) -> c_int;
    pub(super) fn rd_kafka_AclBinding_new(
        resource_type: c_int,
        name: *const c_char,
        pattern: c_int,
        principal: *const c_char,
        host: *const c_char,
        operation: c_int,
        permission: c_int,
        reason: *mut c_char,
        reason_size: usize,
    ) -> *mut sys::rd_kafka_AclBinding_t;
    pub(super) fn rd_kafka_AclBindingFilter_new(
        resource_type: c_int,
        name: *const c_char,
        pattern: c_int,
        principal: *const c_char,
        host: *const c_char,
        operation: c_int,
        permission: c_int,
        reason: *mut c_char,
        reason_size: usize,
    ) -> *mut sys::rd_kafka_AclBinding_t;
    pub(super) fn rd_kafka_AclBinding_restype(acl: *const sys::rd_kafka_AclBinding_t) -> c_int;
    pub(super) fn rd_kafka_AclBinding_resource_pattern_type(
        acl: *const sys::rd_kafka_AclBinding_t,
    ) -> c_int;
    pub(super) fn rd_kafka_AclBinding_operation(acl: *const sys::rd_kafka_AclBinding_t) -> c_int;
    pub(super) fn rd_kafka_AclBinding_permission_type(
        acl: *const sys::rd_kafka_AclBinding_t,
    ) -> c_int;
    pub(super) fn rd_kafka_metadata(
        client: *mut sys::rd_kafka_t,
        all_topics: c_int,
        only_topic: *mut sys::rd_kafka_topic_t,
        metadata: *mut *const sys::rd_kafka_metadata,
        timeout_ms: c_int,
    ) -> c_int;
    fn rd_kafka_message_status(message: *const sys::rd_kafka_message_t) -> c_int;
    fn rd_kafka_err2name(code: c_int) -> *const c_char;
    fn rd_kafka_err2str(code: c_int) -> *const c_char;
}

/// librdkafka's name of a code; Kafka's own for Kafka's codes.
pub(crate) fn error_name(code: i32) -> String {
    // SAFETY: any integer is accepted; the text is static (or thread-local for unknown codes) and
    // copied before it can change.
    unsafe { text(rd_kafka_err2name(code)) }
}

/// librdkafka's description of a code.
pub(crate) fn error_text(code: i32) -> String {
    // SAFETY: as in `error_name`.
    unsafe { text(rd_kafka_err2str(code)) }
}

/// Whether a record whose delivery failed may be in the log all the same.
pub(crate) fn persistence(message: &BorrowedMessage<'_>) -> Persistence {
    // SAFETY: the message is borrowed, so its native counterpart is alive.
    let status = unsafe { rd_kafka_message_status(message.ptr()) };
    // 0 not persisted, 1 possibly, 2 persisted (rd_kafka_msg_status_t).
    if status == 0 {
        Persistence::NotPersisted
    } else {
        Persistence::PossiblyPersisted
    }
}
