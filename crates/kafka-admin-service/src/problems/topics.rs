//! What a caller is told about topics beyond making and deleting them.

use axum::http::StatusCode;
use kafka_cluster::{ErrorKind, codes};
use service_kit::Problem;

use super::{busy, outcome_unknown, topic_not_found};
use crate::guard::PROTECTED;
use crate::records::ProduceError;
use crate::topic::{TopicName, TopicUse, WriteError};

/// Applying a hundred topics takes some ten seconds.
const APPLY_RETRY_S: u64 = 5;

/// A topic that guard rails protect.
#[must_use]
pub fn protected_topic(name: &TopicName, pattern: &str) -> Problem {
    let detail = format!("topic \"{name}\" is protected by {pattern}");
    Problem::new(StatusCode::FORBIDDEN, PROTECTED, detail)
}

/// The audit log is written by nobody but what it is about.
#[must_use]
pub fn audit_log(name: &TopicName) -> Problem {
    let detail = format!("topic \"{name}\" is the audit log: nothing is produced to it here");
    Problem::new(StatusCode::FORBIDDEN, PROTECTED, detail)
}

/// A change that would shorten the audit log, or part it.
#[must_use]
pub fn audit_log_kept(name: &TopicName) -> Problem {
    let detail = format!(
        "topic \"{name}\" is the audit log: only breakGlass=true with a reason changes it so"
    );
    Problem::new(StatusCode::FORBIDDEN, PROTECTED, detail)
}

/// A partition that the topic does not have.
#[must_use]
pub fn partition_not_found(name: &TopicName, id: i32) -> Problem {
    let detail = format!("topic \"{name}\" has no partition {id}");
    Problem::not_found("partition_not_found", detail)
}

/// Members read the topic right now.
#[must_use]
pub fn topic_in_use(name: &TopicName, topic_use: &TopicUse) -> Problem {
    let detail = format!(
        "groups with live members read topic \"{name}\": stop them, or say force=true with a reason"
    );
    with_use(Problem::conflict("topic_in_use", detail), topic_use)
}

/// A coordinator did not say who reads.
#[must_use]
pub fn topic_use_unknown(name: &TopicName, topic_use: &TopicUse) -> Problem {
    let detail = format!(
        "who reads topic \"{name}\" is not known: a broker does not say; wait, or say force=true with a \
         reason"
    );
    with_use(Problem::unavailable("topic_use_unknown", detail), topic_use)
}

fn with_use(problem: Problem, topic_use: &TopicUse) -> Problem {
    match serde_json::to_value(topic_use) {
        Ok(evidence) => problem.with("topicUse", evidence),
        Err(error) => Problem::internal(error),
    }
}

/// No deletion of this topic is recorded.
#[must_use]
pub fn nothing_to_restore(name: &TopicName) -> Problem {
    let detail = format!("no deletion of a topic \"{name}\" is recorded");
    Problem::not_found("nothing_to_restore", detail)
}

/// The plan is another than the one that was looked at.
#[must_use]
pub fn plan_outdated(hash: &str) -> Problem {
    let detail = "the document is another than the one that was planned, or the cluster moved since: \
                  plan again";
    Problem::new(StatusCode::PRECONDITION_FAILED, "plan_outdated", detail).with("hash", hash)
}

/// Another document is being applied, which may take minutes.
#[must_use]
pub fn another_is_applied() -> Problem {
    let detail = "another document is being applied; nothing was changed";
    Problem::unavailable("resource_busy", detail).retry_after_s(APPLY_RETRY_S)
}

/// Partitions that were not added.
#[must_use]
pub fn of_growth(error: WriteError, name: &TopicName) -> Problem {
    let error = match error {
        WriteError::Busy => return busy(name),
        WriteError::Kafka { error, .. } => error,
    };
    match error.kind {
        ErrorKind::NotFound => topic_not_found(error, name),
        ErrorKind::OutcomeUnknown => outcome_unknown(error, name),
        ErrorKind::Refused if error.code == codes::INVALID_PARTITIONS => {
            let message = error.message.clone();
            Problem::from(error).with_field("partitions", "kafka_refused", message)
        }
        _ => error.into(),
    }
}

/// A record that was not acknowledged.
#[must_use]
pub fn of_produce(error: ProduceError, name: &TopicName) -> Problem {
    match error {
        ProduceError::QueueFull => {
            Problem::unavailable("too_busy", "too many records are under way").retry_after_s(1)
        }
        ProduceError::NotWritten(error) => match error.kind {
            // librdkafka gave it up before it was sent.
            ErrorKind::TimedOut => {
                let detail = "no leader took the record in time; it was not written";
                Problem::from(error)
                    .with_code("kafka_timeout")
                    .with_detail(detail)
            }
            _ => error.into(),
        },
        ProduceError::Unknown(mut error) => {
            error.kind = ErrorKind::OutcomeUnknown;
            let check = format!("GET /api/topics/{name}/records");
            Problem::from(error).with("check", check)
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::KafkaError;

    use super::*;
    use crate::topic::TopicReader;

    fn name() -> TopicName {
        TopicName::parse("a").unwrap()
    }

    #[test]
    fn a_topic_in_use_is_refused_with_the_evidence() {
        let topic_use = TopicUse {
            groups: vec![TopicReader {
                group_id: "g".to_owned(),
                members: Some(2),
                lag: 5,
            }],
            record_count: Some(100),
            last_write_time: None,
            brokers_silent: Vec::new(),
        };
        let json = topic_in_use(&name(), &topic_use).to_json();
        assert_eq!(json["status"], 409);
        assert_eq!(json["topicUse"]["groups"][0]["lag"], 5);
        assert_eq!(json["topicUse"]["recordCount"], 100);
    }

    #[test]
    fn a_record_whose_answer_was_lost_is_unknown_and_one_that_was_not_sent_is_not() {
        // What librdkafka calls a record that it gave up.
        let error = KafkaError::of_read("Produce", codes::LOCAL_MSG_TIMED_OUT, "");
        let unknown = of_produce(ProduceError::Unknown(error.clone()), &name());
        assert_eq!(unknown.code, "outcome_unknown");
        assert_eq!(unknown.extra["check"], "GET /api/topics/a/records");
        let not_sent = of_produce(ProduceError::NotWritten(error), &name());
        assert_eq!(not_sent.code, "kafka_timeout");
    }

    #[test]
    fn fewer_partitions_are_refused_with_the_field() {
        let error = KafkaError::of_write("CreatePartitions", codes::INVALID_PARTITIONS, "fewer");
        let failed = WriteError::Kafka {
            error,
            live_brokers: Vec::new(),
        };
        let problem = of_growth(failed, &name());
        assert_eq!(
            (problem.code, problem.errors[0].field.as_str()),
            ("kafka_refused", "partitions")
        );
    }
}
