//! The one table from what went wrong at Kafka to what a caller is told over HTTP.

use axum::http::StatusCode;
use kafka_cluster::{ErrorKind, KafkaError};

use super::Problem;

/// The service itself lacks a right: not its caller's fault.
pub(crate) const KAFKA_DENIED: &str = "kafka_denied";
/// `Retry-After` when no broker could be reached: a broker that was restarted needs some seconds.
const UNREACHABLE_RETRY_AFTER_S: u64 = 5;

impl From<KafkaError> for Problem {
    fn from(error: KafkaError) -> Self {
        let (status, code) = row(error.kind);
        let mut problem = Self::new(status, code, detail(&error));
        problem.retriable = error.retriable();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            problem.retry_after_s = Some(UNREACHABLE_RETRY_AFTER_S);
        }
        problem.kafka_error = Some(kafka_name(error.name));
        problem
    }
}

/// Status and code of each kind.
///
/// `Unauthenticated` is 502, not 503: it is the service's own settings that Kafka turned down, and
/// waiting does not mend them.
fn row(kind: ErrorKind) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        ErrorKind::AlreadyExists => (StatusCode::CONFLICT, "topic_exists"),
        ErrorKind::DeletionPending => (StatusCode::CONFLICT, "topic_deletion_pending"),
        ErrorKind::Refused => (StatusCode::UNPROCESSABLE_ENTITY, "kafka_refused"),
        ErrorKind::NotEnoughBrokers => (StatusCode::UNPROCESSABLE_ENTITY, "not_enough_brokers"),
        ErrorKind::Denied => (StatusCode::FORBIDDEN, KAFKA_DENIED),
        ErrorKind::Unauthenticated => (StatusCode::BAD_GATEWAY, "kafka_unauthenticated"),
        ErrorKind::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, "kafka_unreachable"),
        ErrorKind::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "kafka_timeout"),
        ErrorKind::OutcomeUnknown => (StatusCode::GATEWAY_TIMEOUT, "outcome_unknown"),
        ErrorKind::Other => (StatusCode::BAD_GATEWAY, "kafka_error"),
    }
}

fn detail(error: &KafkaError) -> String {
    let KafkaError {
        operation, message, ..
    } = error;
    match error.kind {
        ErrorKind::OutcomeUnknown => format!(
            "{operation} was sent and may have happened: look before repeating it ({message})"
        ),
        _ => format!("{operation}: {message}"),
    }
}

/// Kafka's own name where librdkafka shortens it; its local errors (`_TIMED_OUT`) stay as they are.
/// Source: `rd_kafka_err_descs` in librdkafka's `rdkafka.c` against Kafka's `Errors.java`.
fn kafka_name(name: String) -> String {
    let full = match name.as_str() {
        "UNKNOWN" => "UNKNOWN_SERVER_ERROR",
        "INVALID_MSG" => "CORRUPT_MESSAGE",
        "UNKNOWN_TOPIC_OR_PART" => "UNKNOWN_TOPIC_OR_PARTITION",
        "INVALID_MSG_SIZE" => "INVALID_FETCH_SIZE",
        "NOT_LEADER_FOR_PARTITION" => "NOT_LEADER_OR_FOLLOWER",
        "MSG_SIZE_TOO_LARGE" => "MESSAGE_TOO_LARGE",
        "STALE_CTRL_EPOCH" => "STALE_CONTROLLER_EPOCH",
        "TOPIC_EXCEPTION" => "INVALID_TOPIC_EXCEPTION",
        _ => return name,
    };
    full.to_owned()
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use kafka_cluster::codes;

    use super::*;

    fn of_kind(kind: ErrorKind) -> Problem {
        let mut error = KafkaError::of_read("DescribeTopics", codes::REQUEST_TIMED_OUT, "said so");
        error.kind = kind;
        error.into()
    }

    #[test]
    fn each_kind_has_its_own_code() {
        let kinds = [
            (ErrorKind::NotFound, 404, "not_found"),
            (ErrorKind::AlreadyExists, 409, "topic_exists"),
            (ErrorKind::DeletionPending, 409, "topic_deletion_pending"),
            (ErrorKind::Refused, 422, "kafka_refused"),
            (ErrorKind::NotEnoughBrokers, 422, "not_enough_brokers"),
            (ErrorKind::Denied, 403, "kafka_denied"),
            (ErrorKind::Unauthenticated, 502, "kafka_unauthenticated"),
            (ErrorKind::Unreachable, 503, "kafka_unreachable"),
            (ErrorKind::TimedOut, 504, "kafka_timeout"),
            (ErrorKind::OutcomeUnknown, 504, "outcome_unknown"),
            (ErrorKind::Other, 502, "kafka_error"),
        ];
        for (kind, status, code) in kinds {
            let problem = of_kind(kind);
            assert_eq!(
                (problem.status.as_u16(), problem.code),
                (status, code),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn only_what_waiting_may_mend_is_retriable() {
        assert!(of_kind(ErrorKind::NotEnoughBrokers).retriable);
        assert!(of_kind(ErrorKind::DeletionPending).retriable);
        assert!(of_kind(ErrorKind::Unreachable).retriable);
        assert!(!of_kind(ErrorKind::OutcomeUnknown).retriable);
        assert!(!of_kind(ErrorKind::Refused).retriable);
    }

    #[test]
    fn an_unreachable_kafka_says_when_to_retry() {
        let response = of_kind(ErrorKind::Unreachable).into_response();
        assert_eq!(response.headers()["retry-after"], "5");
    }

    #[test]
    fn the_broker_s_words_and_kafka_s_own_name_come_through() {
        let error = KafkaError::of_read(
            "DescribeTopics",
            codes::UNKNOWN_TOPIC_OR_PARTITION,
            "no such topic",
        );
        let problem = Problem::from(error);
        assert_eq!(
            problem.kafka_error.as_deref(),
            Some("UNKNOWN_TOPIC_OR_PARTITION")
        );
        assert_eq!(problem.detail, "DescribeTopics: no such topic");
        assert_eq!(kafka_name("_TIMED_OUT".into()), "_TIMED_OUT");
    }

    #[test]
    fn an_unknown_outcome_says_so_in_words() {
        assert!(
            of_kind(ErrorKind::OutcomeUnknown)
                .detail
                .contains("may have happened")
        );
    }
}
