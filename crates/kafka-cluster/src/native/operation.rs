//! What kind of call is made: its name, its event, whether it changes anything, and its options.

use std::time::Duration;

use rdkafka_sys as sys;
use rdkafka_sys::rd_kafka_admin_op_t as Api;

use super::handles::{Options, Reason};
use crate::KafkaError;

/// A call that librdkafka offers.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    /// Kafka's name of the call.
    pub(super) name: &'static str,
    api: Api,
    /// Losing the answer of a write leaves its outcome unknown.
    pub(super) writes: bool,
}

macro_rules! operations {
    ($($constant:ident = $name:literal, $api:ident, writes: $writes:literal;)*) => {
        impl Operation {
            $(pub(super) const $constant: Self =
                Self { name: $name, api: Api::$api, writes: $writes };)*
        }
    };
}

operations! {
    CREATE_TOPICS = "CreateTopics", RD_KAFKA_ADMIN_OP_CREATETOPICS, writes: true;
    DELETE_TOPICS = "DeleteTopics", RD_KAFKA_ADMIN_OP_DELETETOPICS, writes: true;
    CREATE_PARTITIONS = "CreatePartitions", RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, writes: true;
    ALTER_CONFIGS = "IncrementalAlterConfigs", RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS, writes: true;
    DESCRIBE_CONFIGS = "DescribeConfigs", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, writes: false;
    DESCRIBE_TOPICS = "DescribeTopics", RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, writes: false;
    LIST_OFFSETS = "ListOffsets", RD_KAFKA_ADMIN_OP_LISTOFFSETS, writes: false;
    LIST_GROUPS = "ListConsumerGroups", RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, writes: false;
    DESCRIBE_GROUPS = "DescribeConsumerGroups", RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, writes: false;
    GROUP_OFFSETS = "ListConsumerGroupOffsets", RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, writes: false;
    ALTER_GROUP_OFFSETS = "AlterConsumerGroupOffsets", RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, writes: true;
    DELETE_GROUP_OFFSETS = "DeleteConsumerGroupOffsets", RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS, writes: true;
    DELETE_GROUPS = "DeleteGroups", RD_KAFKA_ADMIN_OP_DELETEGROUPS, writes: true;
    DELETE_RECORDS = "DeleteRecords", RD_KAFKA_ADMIN_OP_DELETERECORDS, writes: true;
    ELECT_LEADERS = "ElectLeaders", RD_KAFKA_ADMIN_OP_ELECTLEADERS, writes: true;
    CREATE_ACLS = "CreateAcls", RD_KAFKA_ADMIN_OP_CREATEACLS, writes: true;
    DELETE_ACLS = "DeleteAcls", RD_KAFKA_ADMIN_OP_DELETEACLS, writes: true;
    DESCRIBE_ACLS = "DescribeAcls", RD_KAFKA_ADMIN_OP_DESCRIBEACLS, writes: false;
    PROBE_ACLS = "DescribeAcls", RD_KAFKA_ADMIN_OP_DELETEACLS, writes: false;
}

impl Operation {
    /// The error of this call with Kafka's code and message.
    pub(super) fn error(self, code: i32, message: impl Into<String>) -> KafkaError {
        if self.writes {
            KafkaError::of_write(self.name, code, message)
        } else {
            KafkaError::of_read(self.name, code, message)
        }
    }

    pub(super) fn api(self) -> Api {
        self.api
    }
}

/// How one call is made.
#[derive(Clone, Copy)]
pub(super) struct CallOptions {
    /// When the answer must be there.
    pub(super) deadline: Duration,
    /// The broker to ask; `None` leaves the choice to librdkafka.
    pub(super) broker: Option<i32>,
    /// Kafka only says what it would do.
    pub(super) validate_only: bool,
}

impl CallOptions {
    pub(super) fn within(deadline: Duration) -> Self {
        Self {
            deadline,
            broker: None,
            validate_only: false,
        }
    }

    /// The same, asked of this broker.
    pub(super) fn at(self, broker: i32) -> Self {
        Self {
            broker: Some(broker),
            ..self
        }
    }

    /// librdkafka's form of these options.
    pub(super) fn build(
        self,
        client: *mut sys::rd_kafka_t,
        operation: Operation,
        key: usize,
    ) -> Result<Options, KafkaError> {
        // SAFETY: the client is alive: the caller holds it.
        let options = unsafe { sys::rd_kafka_AdminOptions_new(client, operation.api()) };
        let Some(options) = Options::own(options) else {
            return Err(operation.error(crate::codes::LOCAL_INVALID_ARG, "no such operation"));
        };
        let raw = options.as_ptr();
        let deadline_ms = millis(self.deadline);
        let mut reason = Reason::new();
        let (text, len) = (reason.as_mut_ptr(), reason.len());
        // SAFETY: `raw` and the reason's buffer are alive; the opaque is a number, never read as an
        // address.
        let accepted = unsafe {
            sys::rd_kafka_AdminOptions_set_opaque(raw, key as *mut std::ffi::c_void);
            let mut accepted = is_ok(sys::rd_kafka_AdminOptions_set_request_timeout(
                raw,
                deadline_ms,
                text,
                len,
            ));
            if waits_on_the_broker(operation) {
                // Positive, so that the broker waits and its REQUEST_TIMED_OUT is not hidden; shorter
                // than the deadline, so that its answer still arrives.
                let patience = (deadline_ms - deadline_ms / 5).max(1);
                accepted &= is_ok(sys::rd_kafka_AdminOptions_set_operation_timeout(
                    raw, patience, text, len,
                ));
            }
            if let Some(broker) = self.broker {
                accepted &= is_ok(sys::rd_kafka_AdminOptions_set_broker(
                    raw, broker, text, len,
                ));
            }
            if self.validate_only {
                accepted &= is_ok(sys::rd_kafka_AdminOptions_set_validate_only(
                    raw, 1, text, len,
                ));
            }
            accepted
        };
        if accepted {
            Ok(options)
        } else {
            Err(reason.into_error(operation.name))
        }
    }
}

fn is_ok(code: sys::rd_kafka_resp_err_t) -> bool {
    code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}

fn waits_on_the_broker(operation: Operation) -> bool {
    matches!(
        operation.api(),
        Api::RD_KAFKA_ADMIN_OP_CREATETOPICS
            | Api::RD_KAFKA_ADMIN_OP_DELETETOPICS
            | Api::RD_KAFKA_ADMIN_OP_CREATEPARTITIONS
            | Api::RD_KAFKA_ADMIN_OP_DELETERECORDS
            | Api::RD_KAFKA_ADMIN_OP_ELECTLEADERS
    )
}

/// Milliseconds for librdkafka: at least 1, since 0 means "do not wait" and negative "for ever".
pub(super) fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis())
        .unwrap_or(i32::MAX)
        .max(1)
}
