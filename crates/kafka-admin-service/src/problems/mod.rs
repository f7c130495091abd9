//! What a caller is told when a call about a topic failed: Kafka's own words, plus what this
//! service knows about brokers and fields. Plain functions over plain data.

mod configs;
mod groups;
mod topics;

use axum::http::StatusCode;
use kafka_cluster::{ErrorKind, KafkaError, codes};
use service_kit::{FieldError, Problem};

use crate::broker_roster::BrokerRoster;
use crate::topic::{TopicName, TopicSpec, WriteError};

pub use configs::{broker_not_there, of_config_read, of_config_write};
pub use groups::{nothing_to_change, of_group};
pub use topics::{
    another_is_applied, audit_log, audit_log_kept, nothing_to_restore, of_growth, of_produce,
    partition_not_found, plan_outdated, protected_topic, topic_in_use, topic_use_unknown,
};

/// A topic that this service does not touch.
#[must_use]
pub fn internal_topic(name: &TopicName) -> Problem {
    let detail = format!(
        "topic \"{name}\" is internal: names with two leading underscores are Kafka's own and are \
         neither created nor deleted here"
    );
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

/// A topic that breaks guard rails.
#[must_use]
pub fn guard_violation(violations: Vec<FieldError>) -> Problem {
    let mut problem = Problem::invalid_input(violations).with_code("guard_violation");
    problem.status = StatusCode::UNPROCESSABLE_ENTITY;
    problem
}

/// A failed look at one topic.
#[must_use]
pub fn of_read(error: KafkaError, name: &TopicName) -> Problem {
    match error.kind {
        ErrorKind::NotFound => topic_not_found(error, name),
        _ => error.into(),
    }
}

/// A failed look into the audit topic, which is a setting of this service and may not be there.
#[must_use]
pub fn of_audit_read(error: KafkaError, topic: &str) -> Problem {
    match error.kind {
        ErrorKind::NotFound => Problem::from(error)
            .with_code("topic_not_found")
            .with_detail(format!("the audit topic \"{topic}\" is not there")),
        _ => error.into(),
    }
}

/// A failed creation.
#[must_use]
pub fn of_create(error: WriteError, topic: &TopicSpec, roster: &BrokerRoster) -> Problem {
    let (error, live) = match error {
        WriteError::Busy => return busy(&topic.name),
        WriteError::Kafka {
            error,
            live_brokers,
        } => (error, live_brokers),
    };
    let name = &topic.name;
    match error.kind {
        ErrorKind::AlreadyExists => {
            Problem::from(error).with_detail(format!("topic \"{name}\" exists already"))
        }
        ErrorKind::DeletionPending => deletion_pending(error, name, &roster.missing(&live)),
        ErrorKind::NotEnoughBrokers => not_enough_brokers(error, topic, &live, roster),
        ErrorKind::Refused => {
            let field = field_of(error.code);
            let message = error.message.clone();
            let problem = Problem::from(error);
            match field {
                Some(field) => problem.with_field(field, "kafka_refused", message),
                None => problem,
            }
        }
        ErrorKind::OutcomeUnknown => outcome_unknown(error, name),
        _ => error.into(),
    }
}

/// A failed deletion.
#[must_use]
pub fn of_delete(error: WriteError, name: &TopicName) -> Problem {
    match error {
        WriteError::Busy => busy(name),
        WriteError::Kafka { error, .. } => match error.kind {
            ErrorKind::NotFound => topic_not_found(error, name),
            ErrorKind::OutcomeUnknown => outcome_unknown(error, name),
            _ => error.into(),
        },
    }
}

fn topic_not_found(error: KafkaError, name: &TopicName) -> Problem {
    Problem::from(error)
        .with_code("topic_not_found")
        .with_detail(format!("topic \"{name}\" not found"))
}

/// A topic whose turn did not come.
#[must_use]
pub fn busy(name: &TopicName) -> Problem {
    let detail = format!("another change to topic \"{name}\" is still under way");
    Problem::unavailable("topic_busy", detail).retry_after_s(1)
}

fn deletion_pending(error: KafkaError, name: &TopicName, missing: &[i32]) -> Problem {
    let detail = format!(
        "an earlier topic \"{name}\" is still being deleted{}",
        clause(", which waits for", missing)
    );
    Problem::from(error)
        .with_detail(detail)
        .with("brokersAwaited", missing)
}

/// Too few brokers are up, which passes, or the cluster does not have that many, which does not.
fn not_enough_brokers(
    error: KafkaError,
    topic: &TopicSpec,
    live: &[i32],
    roster: &BrokerRoster,
) -> Problem {
    let wanted = topic.replication_factor.get();
    let size = roster.size(live);
    let missing = roster.missing(live);
    let problem = Problem::from(error);
    if usize::try_from(wanted).is_ok_and(|wanted| wanted > size) {
        let mut problem = problem.with_code("kafka_refused").with_field(
            "replicationFactor",
            "too_many_replicas",
            format!("must be at most {size}, the number of brokers"),
        );
        problem.retriable = false;
        return problem;
    }
    let words = problem.detail.trim_end_matches('.');
    let detail = format!("{words}{}", clause("; not there:", &missing));
    problem
        .with_detail(detail)
        .with("brokersLive", live)
        .with("brokersMissing", missing)
        .with_field(
            "replicationFactor",
            "not_enough_brokers",
            format!("needs {wanted} live brokers"),
        )
}

fn outcome_unknown(error: KafkaError, name: &TopicName) -> Problem {
    Problem::from(error).with("check", format!("GET /api/topics/{name}"))
}

/// The field that Kafka's refusal is about.
fn field_of(code: i32) -> Option<&'static str> {
    match code {
        codes::INVALID_TOPIC => Some("topicName"),
        codes::INVALID_PARTITIONS => Some("partitions"),
        codes::INVALID_REPLICATION_FACTOR => Some("replicationFactor"),
        codes::INVALID_CONFIG => Some("configs"),
        _ => None,
    }
}

/// `, which waits for broker 1, broker 2`; empty without brokers.
fn clause(words: &str, brokers: &[i32]) -> String {
    if brokers.is_empty() {
        return String::new();
    }
    let names: Vec<_> = brokers.iter().map(|id| format!("broker {id}")).collect();
    format!("{words} {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::declared::Document;

    fn topic(replication_factor: i32) -> TopicSpec {
        let text = format!(
            "topics:\n  - {{name: a, partitions: 1, replicationFactor: {replication_factor}}}\n"
        );
        Document::parse(&text).unwrap().topics.remove(0)
    }

    fn failed(code: i32, message: &str, live: &[i32]) -> WriteError {
        WriteError::Kafka {
            error: KafkaError::of_write("CreateTopics", code, message),
            live_brokers: live.to_vec(),
        }
    }

    #[test]
    fn too_few_live_brokers_are_retriable_and_the_missing_one_is_named() {
        let error = failed(
            codes::INVALID_REPLICATION_FACTOR,
            "only 2 brokers.",
            &[2, 3],
        );
        let problem = of_create(error, &topic(3), &BrokerRoster::new([1, 2, 3]));
        let json = problem.to_json();
        assert_eq!(
            (&json["status"], &json["code"]),
            (&json!(422), &json!("not_enough_brokers"))
        );
        assert_eq!(json["retriable"], true);
        assert_eq!(json["brokersMissing"], json!([1]));
        assert_eq!(json["brokersLive"], json!([2, 3]));
        assert_eq!(json["kafkaError"], "INVALID_REPLICATION_FACTOR");
        assert_eq!(
            json["detail"],
            "CreateTopics: only 2 brokers; not there: broker 1"
        );
        assert_eq!(json["errors"][0]["field"], "replicationFactor");
    }

    #[test]
    fn more_replicas_than_the_cluster_has_brokers_are_refused_for_good() {
        let error = failed(
            codes::INVALID_REPLICATION_FACTOR,
            "only 3 broker(s)",
            &[1, 2, 3],
        );
        let json = of_create(error, &topic(4), &BrokerRoster::new([])).to_json();
        assert_eq!(
            (&json["status"], &json["code"]),
            (&json!(422), &json!("kafka_refused"))
        );
        assert_eq!(json["retriable"], false);
        assert_eq!(json["errors"][0]["field"], "replicationFactor");
        assert_eq!(
            json["errors"][0]["message"],
            "must be at most 3, the number of brokers"
        );
    }

    #[test]
    fn a_name_that_is_still_being_deleted_tells_whom_it_waits_for() {
        let words = "Topic 'a' is marked for deletion.";
        let error = failed(codes::TOPIC_ALREADY_EXISTS, words, &[2, 3]);
        let json = of_create(error, &topic(3), &BrokerRoster::new([1, 2, 3])).to_json();
        assert_eq!(
            (&json["status"], &json["code"]),
            (&json!(409), &json!("topic_deletion_pending"))
        );
        assert_eq!(
            (&json["brokersAwaited"], &json["retriable"]),
            (&json!([1]), &json!(true))
        );
    }

    #[test]
    fn a_topic_that_exists_is_a_conflict() {
        let error = failed(
            codes::TOPIC_ALREADY_EXISTS,
            "Topic 'a' already exists.",
            &[1],
        );
        let json = of_create(error, &topic(1), &BrokerRoster::new([])).to_json();
        assert_eq!(
            (&json["status"], &json["code"]),
            (&json!(409), &json!("topic_exists"))
        );
        assert_eq!(json["kafkaError"], "TOPIC_ALREADY_EXISTS");
    }

    #[test]
    fn what_kafka_refuses_keeps_its_words_and_names_the_field() {
        let error = failed(codes::INVALID_CONFIG, "Unknown topic config name: b", &[1]);
        let json = of_create(error, &topic(1), &BrokerRoster::new([])).to_json();
        assert_eq!(
            (&json["status"], &json["code"]),
            (&json!(422), &json!("kafka_refused"))
        );
        assert_eq!(json["errors"][0]["field"], "configs");
        assert_eq!(json["errors"][0]["message"], "Unknown topic config name: b");
    }

    #[test]
    fn an_unknown_outcome_names_the_call_that_checks() {
        let name = TopicName::parse("a").unwrap();
        let error = failed(codes::LOCAL_TIMED_OUT, "waiting for response", &[1]);
        for problem in [
            of_create(error.clone(), &topic(1), &BrokerRoster::new([])),
            of_delete(error, &name),
        ] {
            let json = problem.to_json();
            assert_eq!(
                (&json["status"], &json["code"]),
                (&json!(504), &json!("outcome_unknown"))
            );
            assert_eq!(json["check"], "GET /api/topics/a");
        }
    }

    #[test]
    fn a_write_that_waited_too_long_for_another_may_be_repeated() {
        let problem = of_delete(WriteError::Busy, &TopicName::parse("a").unwrap());
        assert_eq!(
            (problem.status, problem.code),
            (StatusCode::SERVICE_UNAVAILABLE, "topic_busy")
        );
        assert!(problem.retriable);
    }

    #[test]
    fn an_unknown_topic_has_a_code_of_its_own() {
        let name = TopicName::parse("a").unwrap();
        let unknown = codes::UNKNOWN_TOPIC_OR_PARTITION;
        assert_eq!(
            of_delete(failed(unknown, "", &[1]), &name).code,
            "topic_not_found"
        );
        let error = KafkaError::of_read("Metadata", unknown, "");
        let audit = of_audit_read(error.clone(), "who-did-what");
        assert_eq!(
            (audit.status.as_u16(), audit.code),
            (404, "topic_not_found")
        );
        assert!(audit.detail.contains("who-did-what"), "{audit}");
        let problem = of_read(error, &name);
        assert_eq!(
            (problem.status, problem.code),
            (StatusCode::NOT_FOUND, "topic_not_found")
        );
        assert_eq!(
            problem.kafka_error.as_deref(),
            Some("UNKNOWN_TOPIC_OR_PARTITION")
        );
    }
}
