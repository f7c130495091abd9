//! A problem as it is written: the members in the order in which people read them.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{FieldError, ProblemParts, TYPE_PREFIX};
use crate::request_id;

/// The members that are ours; an extra one of such a name is dropped.
const RESERVED: [&str; 9] = [
    "type",
    "title",
    "status",
    "detail",
    "code",
    "kafkaError",
    "retriable",
    "errors",
    "requestId",
];

/// The JSON document of a problem.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    r#type: String,
    title: String,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_error: Option<&'a str>,
    retriable: bool,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(flatten)]
    extra: Extra<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl<'a> Document<'a> {
    /// With the id of the request that this task is answering.
    pub(super) fn of(problem: &'a ProblemParts) -> Self {
        Self {
            r#type: format!("{TYPE_PREFIX}{}", problem.code),
            title: title(problem.code),
            status: problem.status.as_u16(),
            detail: &problem.detail,
            code: problem.code,
            kafka_error: problem.kafka_error.as_deref(),
            retriable: problem.retriable,
            errors: &problem.errors,
            extra: Extra(&problem.extra),
            request_id: request_id::current(),
        }
    }
}

struct Extra<'a>(&'a serde_json::Map<String, Value>);

impl Serialize for Extra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = |name: &str| !RESERVED.contains(&name);
        serializer.collect_map(self.0.iter().filter(|(name, _)| own(name)))
    }
}

/// `topic_exists` becomes `Topic exists`.
fn title(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;
    use crate::Problem;

    #[test]
    fn the_members_come_in_the_order_of_reading() {
        let problem =
            Problem::new(StatusCode::CONFLICT, "topic_exists", "it does").with("brokersAwaited", 1);
        let text = serde_json::to_string(&Document::of(&problem)).unwrap();
        let expected = "{\"type\":\"urn:kafka-log-streaming-cluster:problem:topic_exists\",\
            \"title\":\"Topic exists\",\"status\":409,\"detail\":\"it does\",\
            \"code\":\"topic_exists\",\"retriable\":false,\"brokersAwaited\":1}";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_title_is_the_code_in_words() {
        assert_eq!(title("kafka_unreachable"), "Kafka unreachable");
        assert_eq!(title(""), "");
    }
}
