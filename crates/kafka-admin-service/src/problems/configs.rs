//! What a caller is told when settings could not be read or written.

use axum::http::StatusCode;
use kafka_cluster::{ErrorKind, KafkaError, codes};
use service_kit::Problem;

use super::{guard_violation, topic_not_found};
use crate::broker_roster::BrokerRoster;
use crate::configs::{ConfigError, ConfigTarget};
use crate::guard::PROTECTED;

/// A broker that is not among the live ones.
#[must_use]
pub fn broker_not_there(id: i32, live: &[i32], roster: &BrokerRoster) -> Problem {
    if roster.missing(live).contains(&id) {
        let detail = format!("broker {id} is down: it alone can tell and change its settings");
        return Problem::unavailable("broker_down", detail);
    }
    let detail = format!("the cluster has no broker {id}");
    Problem::not_found("broker_not_found", detail).with("brokersLive", live)
}

/// A failed look at settings.
#[must_use]
pub fn of_config_read(error: KafkaError, target: &ConfigTarget) -> Problem {
    match (error.kind, target) {
        (ErrorKind::NotFound, ConfigTarget::Topic(name)) => topic_not_found(error, name),
        _ => error.into(),
    }
}

/// A failed write to settings.
#[must_use]
pub fn of_config_write(error: ConfigError, target: &ConfigTarget) -> Problem {
    let check = format!("GET {}", target.path());
    match error {
        ConfigError::Busy => {
            let detail = format!("another change to {target} is still under way");
            Problem::unavailable("resource_busy", detail).retry_after_s(1)
        }
        ConfigError::Changed { etag } => {
            let detail = format!("the settings of {target} are not those that If-Match names");
            Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "precondition_failed",
                detail,
            )
            .with("etag", etag)
        }
        ConfigError::Fields(fields) => {
            let any = |code: &str| fields.iter().any(|field| field.code == code);
            let (unknown, changed) = (any("unknown_config"), any("changed_since"));
            let protected = any(PROTECTED);
            let mut problem = guard_violation(fields);
            if protected {
                problem = problem.with_code(PROTECTED);
                problem.status = StatusCode::FORBIDDEN;
            } else if unknown {
                problem = problem.with_code("unknown_config");
            } else if changed {
                problem = problem.with_code("changed_since");
                problem.status = StatusCode::CONFLICT;
            }
            problem
        }
        ConfigError::NotAsWritten { names } => {
            let detail = format!(
                "Kafka took the change to {target}, and {} did not become as written: somebody else \
                 writes too, or a broker is behind",
                names.join(", ")
            );
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown", detail)
                .with("settings", names)
                .with("check", check)
        }
        ConfigError::Kafka(error) => match error.kind {
            ErrorKind::OutcomeUnknown => Problem::from(error).with("check", check),
            ErrorKind::Refused if error.code == codes::INVALID_CONFIG => {
                let message = error.message.clone();
                Problem::from(error).with_field("configs", "kafka_refused", message)
            }
            _ => of_config_read(error, target),
        },
    }
}

#[cfg(test)]
mod tests {
    use service_kit::FieldError;

    use super::*;
    use crate::topic::TopicName;

    fn topic() -> ConfigTarget {
        ConfigTarget::Topic(TopicName::parse("a").unwrap())
    }

    #[test]
    fn one_whose_turn_did_not_come_is_told_when_to_come_back() {
        let problem = of_config_write(ConfigError::Busy, &topic());
        assert_eq!(
            (problem.code, problem.status.as_u16(), problem.retry_after_s),
            ("resource_busy", 503, Some(1))
        );
    }

    #[test]
    fn what_the_audit_log_keeps_is_not_for_everybody_to_change() {
        let protected = FieldError {
            field: "configs.retention.ms".to_owned(),
            code: PROTECTED.to_owned(),
            message: "is protected".to_owned(),
        };
        let problem = of_config_write(ConfigError::Fields(vec![protected]), &topic());
        assert_eq!(
            (problem.code, problem.status.as_u16()),
            ("protected_topic", 403)
        );
        assert_eq!(problem.errors[0].field, "configs.retention.ms");
    }

    #[test]
    fn settings_seen_before_they_changed_are_a_412_with_the_present_etag() {
        let etag = "\"x\"".to_owned();
        let json = of_config_write(ConfigError::Changed { etag }, &topic()).to_json();
        assert_eq!(
            (&json["status"], &json["etag"]),
            (&412.into(), &"\"x\"".into())
        );
        assert_eq!(json["code"], "precondition_failed");
    }

    #[test]
    fn what_does_not_show_is_unknown_with_the_call_that_checks() {
        let names = vec!["retention.ms".to_owned()];
        let json = of_config_write(ConfigError::NotAsWritten { names }, &topic()).to_json();
        assert_eq!(
            (&json["status"], &json["code"]),
            (&504.into(), &"outcome_unknown".into())
        );
        assert_eq!(json["check"], "GET /api/topics/a/configs");
    }

    #[test]
    fn a_broker_that_is_down_is_told_from_one_that_never_was() {
        let roster = BrokerRoster::new([1, 2, 3]);
        assert_eq!(broker_not_there(3, &[1, 2], &roster).code, "broker_down");
        assert_eq!(
            broker_not_there(9, &[1, 2], &roster).code,
            "broker_not_found"
        );
    }
}
