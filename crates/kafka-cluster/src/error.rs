//! What Kafka or librdkafka said when a call failed: code, name, message, and what it means for the
//! caller.

use std::fmt;

/// Numeric error codes: Kafka's own (positive) and librdkafka's local ones (negative).
///
/// Codes stay integers throughout: the bindings declare them as a Rust enum with gaps, and reading
/// a code from a gap as that enum is undefined behaviour.
/// Source: Kafka protocol guide, "Error codes"; `rdkafka.h`, `rd_kafka_resp_err_t`.
#[expect(
    missing_docs,
    reason = "each constant is named after Kafka's own error"
)]
pub mod codes {
    pub const UNKNOWN_SERVER_ERROR: i32 = -1;
    pub const NONE: i32 = 0;
    pub const OFFSET_OUT_OF_RANGE: i32 = 1;
    pub const UNKNOWN_TOPIC_OR_PARTITION: i32 = 3;
    pub const LEADER_NOT_AVAILABLE: i32 = 5;
    pub const NOT_LEADER_OR_FOLLOWER: i32 = 6;
    pub const REQUEST_TIMED_OUT: i32 = 7;
    pub const BROKER_NOT_AVAILABLE: i32 = 8;
    pub const NETWORK_EXCEPTION: i32 = 13;
    pub const COORDINATOR_LOAD_IN_PROGRESS: i32 = 14;
    pub const COORDINATOR_NOT_AVAILABLE: i32 = 15;
    pub const NOT_COORDINATOR: i32 = 16;
    pub const INVALID_TOPIC: i32 = 17;
    pub const NOT_ENOUGH_REPLICAS: i32 = 19;
    pub const NOT_ENOUGH_REPLICAS_AFTER_APPEND: i32 = 20;
    pub const INVALID_GROUP_ID: i32 = 24;
    pub const UNKNOWN_MEMBER_ID: i32 = 25;
    pub const TOPIC_AUTHORIZATION_FAILED: i32 = 29;
    pub const GROUP_AUTHORIZATION_FAILED: i32 = 30;
    pub const CLUSTER_AUTHORIZATION_FAILED: i32 = 31;
    pub const TOPIC_ALREADY_EXISTS: i32 = 36;
    pub const INVALID_PARTITIONS: i32 = 37;
    pub const INVALID_REPLICATION_FACTOR: i32 = 38;
    pub const INVALID_REPLICA_ASSIGNMENT: i32 = 39;
    pub const INVALID_CONFIG: i32 = 40;
    pub const NOT_CONTROLLER: i32 = 41;
    pub const INVALID_REQUEST: i32 = 42;
    pub const POLICY_VIOLATION: i32 = 44;
    pub const SECURITY_DISABLED: i32 = 54;
    pub const SASL_AUTHENTICATION_FAILED: i32 = 58;
    pub const NON_EMPTY_GROUP: i32 = 68;
    pub const GROUP_ID_NOT_FOUND: i32 = 69;
    pub const TOPIC_DELETION_DISABLED: i32 = 73;
    pub const FENCED_LEADER_EPOCH: i32 = 74;
    pub const UNKNOWN_LEADER_EPOCH: i32 = 75;
    pub const OFFSET_NOT_AVAILABLE: i32 = 78;
    pub const PREFERRED_LEADER_NOT_AVAILABLE: i32 = 80;
    pub const ELIGIBLE_LEADERS_NOT_AVAILABLE: i32 = 83;
    pub const ELECTION_NOT_NEEDED: i32 = 84;
    pub const GROUP_SUBSCRIBED_TO_TOPIC: i32 = 86;

    pub const LOCAL_FATAL: i32 = -150;
    pub const LOCAL_PURGE_INFLIGHT: i32 = -151;
    pub const LOCAL_PURGE_QUEUE: i32 = -152;
    pub const LOCAL_UNSUPPORTED_FEATURE: i32 = -165;
    pub const LOCAL_TIMED_OUT_QUEUE: i32 = -166;
    pub const LOCAL_AUTHENTICATION: i32 = -169;
    pub const LOCAL_SSL: i32 = -181;
    pub const LOCAL_WAIT_COORD: i32 = -180;
    pub const LOCAL_TIMED_OUT: i32 = -185;
    pub const LOCAL_QUEUE_FULL: i32 = -184;
    pub const LOCAL_INVALID_ARG: i32 = -186;
    pub const LOCAL_ALL_BROKERS_DOWN: i32 = -187;
    pub const LOCAL_UNKNOWN_TOPIC: i32 = -188;
    pub const LOCAL_UNKNOWN_PARTITION: i32 = -190;
    pub const LOCAL_RESOLVE: i32 = -193;
    pub const LOCAL_MSG_TIMED_OUT: i32 = -192;
    pub const LOCAL_TRANSPORT: i32 = -195;
    pub const LOCAL_DESTROY: i32 = -197;
}

/// What a failure means for the caller; the HTTP layer has one row for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The topic, partition or group does not exist.
    NotFound,
    /// The topic exists already.
    AlreadyExists,
    /// A topic of this name is still being deleted; it can be made again once that is done.
    DeletionPending,
    /// Kafka refused the request as it stands; repeating it unchanged will not help.
    Refused,
    /// Kafka refused for want of brokers or replicas; it may succeed later.
    NotEnoughBrokers,
    /// The principal may not do this.
    Denied,
    /// The connection could not be authenticated or secured.
    Unauthenticated,
    /// No broker that could have answered was reached; nothing was sent.
    Unreachable,
    /// No answer to a read within the deadline.
    TimedOut,
    /// A write was sent, and no answer came or one that does not tell: it may or may not have happened.
    OutcomeUnknown,
    /// Anything else.
    Other,
}

/// A failed call to Kafka, in Kafka's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct KafkaError {
    /// Kafka's code (positive) or librdkafka's (negative): see [`codes`].
    pub code: i32,
    /// The name of the code, e.g. `UNKNOWN_TOPIC_OR_PART` (as librdkafka's `rd_kafka_err2name`).
    pub name: String,
    /// The broker's message where it gave one, librdkafka's otherwise.
    pub message: String,
    /// What was attempted, e.g. `CreateTopics`.
    pub operation: &'static str,
    /// What it means for the caller.
    pub kind: ErrorKind,
}

impl KafkaError {
    /// An error of a call that changes nothing.
    #[must_use]
    pub fn of_read(operation: &'static str, code: i32, message: impl Into<String>) -> Self {
        let message = message_or_default(code, message.into());
        Self {
            code,
            name: crate::native::error_name(code),
            kind: read_kind(code, &message),
            message,
            operation,
        }
    }

    /// An error of a call that changes something: losing the answer means not knowing the outcome, and so
    /// does a broker that failed in the middle, as when its session with ZooKeeper was lost.
    #[must_use]
    pub fn of_write(operation: &'static str, code: i32, message: impl Into<String>) -> Self {
        let mut error = Self::of_read(operation, code, message);
        if leaves_outcome_unknown(code) && !was_never_sent(&error.message) {
            error.kind = ErrorKind::OutcomeUnknown;
        }
        error
    }

    /// An error of a client itself: its settings, its queue, a record's outcome.
    #[must_use]
    pub fn of_client(operation: &'static str, error: &rdkafka::error::KafkaError) -> Self {
        use rdkafka::error::KafkaError as ClientError;
        if let ClientError::ClientConfig(_, reason, property, _) = error {
            // The value stays out: it may be a secret.
            return Self::of_read(
                operation,
                codes::LOCAL_INVALID_ARG,
                format!("property {property}: {reason}"),
            );
        }
        match error.rdkafka_error_code() {
            Some(code) => Self::of_read(operation, code as i32, ""),
            None => Self::of_read(operation, codes::LOCAL_INVALID_ARG, error.to_string()),
        }
    }

    /// Whether the same call may succeed later without a change to it.
    #[must_use]
    pub fn retriable(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::NotEnoughBrokers
                | ErrorKind::DeletionPending
                | ErrorKind::Unreachable
                | ErrorKind::TimedOut
        ) || matches!(
            self.code,
            codes::LEADER_NOT_AVAILABLE
                | codes::NOT_LEADER_OR_FOLLOWER
                | codes::FENCED_LEADER_EPOCH
                | codes::UNKNOWN_LEADER_EPOCH
                | codes::OFFSET_NOT_AVAILABLE
                | codes::NOT_CONTROLLER
                | codes::COORDINATOR_LOAD_IN_PROGRESS
                | codes::COORDINATOR_NOT_AVAILABLE
                | codes::NOT_COORDINATOR
                | codes::LOCAL_QUEUE_FULL
        )
    }
}

impl fmt::Display for KafkaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.operation, self.message, self.name)
    }
}

fn message_or_default(code: i32, message: String) -> String {
    if message.is_empty() {
        crate::native::error_text(code)
    } else {
        message
    }
}

fn read_kind(code: i32, message: &str) -> ErrorKind {
    match code {
        codes::UNKNOWN_TOPIC_OR_PARTITION
        | codes::GROUP_ID_NOT_FOUND
        | codes::LOCAL_UNKNOWN_TOPIC
        | codes::LOCAL_UNKNOWN_PARTITION => ErrorKind::NotFound,
        // Kafka has no code of its own for this; the words are ZkAdminClient's.
        codes::TOPIC_ALREADY_EXISTS if message.contains("marked for deletion") => {
            ErrorKind::DeletionPending
        }
        codes::TOPIC_ALREADY_EXISTS => ErrorKind::AlreadyExists,
        codes::INVALID_REPLICATION_FACTOR
        | codes::NOT_ENOUGH_REPLICAS
        | codes::NOT_ENOUGH_REPLICAS_AFTER_APPEND
        | codes::BROKER_NOT_AVAILABLE
        | codes::PREFERRED_LEADER_NOT_AVAILABLE
        | codes::ELIGIBLE_LEADERS_NOT_AVAILABLE => ErrorKind::NotEnoughBrokers,
        codes::INVALID_TOPIC
        | codes::INVALID_PARTITIONS
        | codes::INVALID_REPLICA_ASSIGNMENT
        | codes::INVALID_CONFIG
        | codes::INVALID_REQUEST
        | codes::POLICY_VIOLATION
        | codes::SECURITY_DISABLED
        | codes::TOPIC_DELETION_DISABLED
        | codes::OFFSET_OUT_OF_RANGE
        | codes::INVALID_GROUP_ID
        | codes::UNKNOWN_MEMBER_ID
        | codes::NON_EMPTY_GROUP
        | codes::GROUP_SUBSCRIBED_TO_TOPIC
        | codes::ELECTION_NOT_NEEDED
        | codes::LOCAL_INVALID_ARG => ErrorKind::Refused,
        codes::TOPIC_AUTHORIZATION_FAILED
        | codes::GROUP_AUTHORIZATION_FAILED
        | codes::CLUSTER_AUTHORIZATION_FAILED => ErrorKind::Denied,
        codes::SASL_AUTHENTICATION_FAILED | codes::LOCAL_AUTHENTICATION | codes::LOCAL_SSL => {
            ErrorKind::Unauthenticated
        }
        codes::LOCAL_TRANSPORT
        | codes::LOCAL_ALL_BROKERS_DOWN
        | codes::LOCAL_RESOLVE
        | codes::LOCAL_DESTROY
        | codes::NETWORK_EXCEPTION => ErrorKind::Unreachable,
        codes::LOCAL_TIMED_OUT if was_never_sent(message) => ErrorKind::Unreachable,
        codes::LOCAL_TIMED_OUT
        | codes::LOCAL_TIMED_OUT_QUEUE
        | codes::LOCAL_MSG_TIMED_OUT
        | codes::LOCAL_WAIT_COORD
        | codes::REQUEST_TIMED_OUT => ErrorKind::TimedOut,
        _ => ErrorKind::Other,
    }
}

fn leaves_outcome_unknown(code: i32) -> bool {
    matches!(
        code,
        codes::UNKNOWN_SERVER_ERROR
            | codes::REQUEST_TIMED_OUT
            | codes::NETWORK_EXCEPTION
            | codes::LOCAL_TIMED_OUT
            | codes::LOCAL_TIMED_OUT_QUEUE
            | codes::LOCAL_TRANSPORT
            | codes::LOCAL_DESTROY
    )
}

/// Whether librdkafka's text says that it was still looking for a broker when time ran out.
/// The words are those of `rd_kafka_admin_state_desc` in `rdkafka_admin.c`; a cluster test holds
/// this against a cluster that is down.
fn was_never_sent(message: &str) -> bool {
    [
        "waiting for broker",
        "waiting for controller",
        "waiting for a valid list of brokers",
    ]
    .iter()
    .any(|state| message.contains(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_lost_its_answer_is_outcome_unknown() {
        let error = KafkaError::of_write(
            "CreateTopics",
            codes::LOCAL_TIMED_OUT,
            "Timed out waiting for response from broker",
        );
        assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
        assert!(!error.retriable());
    }

    #[test]
    fn a_broker_that_failed_in_the_middle_of_a_write_leaves_it_unknown() {
        let code = codes::UNKNOWN_SERVER_ERROR;
        let error = KafkaError::of_write("IncrementalAlterConfigs", code, "");
        assert_eq!(error.kind, ErrorKind::OutcomeUnknown);
        let error = KafkaError::of_read("DescribeConfigs", code, "");
        assert_eq!(error.kind, ErrorKind::Other);
    }

    #[test]
    fn a_write_that_never_found_a_broker_is_unreachable_and_retriable() {
        let error = KafkaError::of_write(
            "CreateTopics",
            codes::LOCAL_TIMED_OUT,
            "Timed out waiting for controller",
        );
        assert_eq!(error.kind, ErrorKind::Unreachable);
        assert!(error.retriable());
    }

    #[test]
    fn a_read_that_lost_its_answer_timed_out() {
        let error = KafkaError::of_read("Metadata", codes::LOCAL_TIMED_OUT, "");
        assert_eq!(error.kind, ErrorKind::TimedOut);
        assert_eq!(error.name, "_TIMED_OUT");
    }

    /// Who asks knew the leader of before, or the leader is new: Kafka's own clients ask again.
    #[test]
    fn what_a_change_of_leaders_answers_is_retriable() {
        for code in [
            codes::NOT_LEADER_OR_FOLLOWER,
            codes::FENCED_LEADER_EPOCH,
            codes::UNKNOWN_LEADER_EPOCH,
            codes::OFFSET_NOT_AVAILABLE,
        ] {
            let error = KafkaError::of_read("ListOffsets", code, "");
            assert!(error.retriable(), "{error}");
        }
    }

    #[test]
    fn a_topic_marked_for_deletion_is_told_from_one_that_exists() {
        let pending = KafkaError::of_write(
            "CreateTopics",
            codes::TOPIC_ALREADY_EXISTS,
            "Topic 'a' is marked for deletion.",
        );
        let exists = KafkaError::of_write(
            "CreateTopics",
            codes::TOPIC_ALREADY_EXISTS,
            "Topic 'a' already exists.",
        );
        assert_eq!(pending.kind, ErrorKind::DeletionPending);
        assert_eq!(exists.kind, ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_code_in_a_gap_of_the_bindings_enum_is_carried_as_a_number() {
        let error = KafkaError::of_read("Metadata", 115, "");
        assert_eq!(error.code, 115);
        assert_eq!(error.kind, ErrorKind::Other);
        assert!(!error.name.is_empty());
    }
}
