//! Owned librdkafka objects: each `_new` is paired with its `_destroy`.

use std::ffi::c_char;

use rdkafka_sys as sys;

use super::borrow::text;
use crate::{KafkaError, codes};

/// Declares an owner of one librdkafka object: a pointer that is never null, destroyed once.
macro_rules! owned {
    ($(#[$doc:meta])* $name:ident, $raw:ty, $destroy:path) => {
        $(#[$doc])*
        pub(super) struct $name(*mut $raw);

        impl $name {
            /// Takes ownership of what a `_new` returned; `None` for null.
            pub(super) fn own(pointer: *mut $raw) -> Option<Self> {
                // Lazily: one made of null would be destroyed at once, and that crashes.
                (!pointer.is_null()).then(|| Self(pointer))
            }

            pub(super) fn as_ptr(&self) -> *mut $raw {
                self.0
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: the pointer came from the matching `_new` and is destroyed only here.
                unsafe { $destroy(self.0) }
            }
        }
    };
}

owned!(
    /// Options of one call.
    Options,
    sys::rd_kafka_AdminOptions_t,
    sys::rd_kafka_AdminOptions_destroy
);
owned!(
    /// A topic to be created.
    NewTopicHandle,
    sys::rd_kafka_NewTopic_t,
    sys::rd_kafka_NewTopic_destroy
);
owned!(
    /// A topic to be deleted.
    DeleteTopicHandle,
    sys::rd_kafka_DeleteTopic_t,
    sys::rd_kafka_DeleteTopic_destroy
);
owned!(
    /// Partitions to be added.
    NewPartitionsHandle,
    sys::rd_kafka_NewPartitions_t,
    sys::rd_kafka_NewPartitions_destroy
);
owned!(
    /// A topic or broker whose settings are described or changed.
    ConfigResource,
    sys::rd_kafka_ConfigResource_t,
    sys::rd_kafka_ConfigResource_destroy
);
owned!(
    /// Names of topics.
    TopicCollection,
    sys::rd_kafka_TopicCollection_t,
    sys::rd_kafka_TopicCollection_destroy
);
owned!(
    /// Partitions with an offset each.
    PartitionList,
    sys::rd_kafka_topic_partition_list_t,
    sys::rd_kafka_topic_partition_list_destroy
);
owned!(
    /// A group whose offsets are asked for.
    GroupOffsetsRequest,
    sys::rd_kafka_ListConsumerGroupOffsets_t,
    sys::rd_kafka_ListConsumerGroupOffsets_destroy
);
owned!(
    /// Offsets that a group is given.
    AlterGroupOffsetsRequest,
    sys::rd_kafka_AlterConsumerGroupOffsets_t,
    sys::rd_kafka_AlterConsumerGroupOffsets_destroy
);
owned!(
    /// Partitions whose commits a group loses.
    DeleteGroupOffsetsRequest,
    sys::rd_kafka_DeleteConsumerGroupOffsets_t,
    sys::rd_kafka_DeleteConsumerGroupOffsets_destroy
);
owned!(
    /// A group to be deleted.
    DeleteGroupHandle,
    sys::rd_kafka_DeleteGroup_t,
    sys::rd_kafka_DeleteGroup_destroy
);
owned!(
    /// Offsets before which records are deleted.
    DeleteRecordsRequest,
    sys::rd_kafka_DeleteRecords_t,
    sys::rd_kafka_DeleteRecords_destroy
);
owned!(
    /// Partitions that shall elect a leader.
    ElectLeadersRequest,
    sys::rd_kafka_ElectLeaders_t,
    sys::rd_kafka_ElectLeaders_destroy
);
owned!(
    /// An ACL, or a filter of ACLs: both are the same to librdkafka.
    AclBinding,
    sys::rd_kafka_AclBinding_t,
    sys::rd_kafka_AclBinding_destroy
);
owned!(
    /// A local topic object.
    TopicHandle,
    sys::rd_kafka_topic_t,
    sys::rd_kafka_topic_destroy
);
owned!(
    /// An error object.
    ErrorHandle,
    sys::rd_kafka_error_t,
    sys::rd_kafka_error_destroy
);
owned!(
    /// A queue that results arrive on.
    Queue,
    sys::rd_kafka_queue_t,
    sys::rd_kafka_queue_destroy
);

// SAFETY: librdkafka's queues may be used from any thread.
unsafe impl Send for Queue {}
// SAFETY: as above; polling and enqueueing take the queue's own lock.
unsafe impl Sync for Queue {}

/// The buffer that librdkafka writes a reason into.
pub(super) struct Reason([c_char; 512]);

impl Reason {
    pub(super) fn new() -> Self {
        Self([0; 512])
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut c_char {
        self.0.as_mut_ptr()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The invalid-argument error that the reason explains.
    pub(super) fn into_error(self, operation: &'static str) -> KafkaError {
        // SAFETY: librdkafka terminates the text, and an untouched buffer is all NUL.
        let message = unsafe { text(self.0.as_ptr()) };
        KafkaError::of_read(operation, codes::LOCAL_INVALID_ARG, message)
    }
}
