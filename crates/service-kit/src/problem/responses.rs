//! The error answers that many calls share, for the OpenAPI document: a handler lists them beside
//! its own, `responses((status = 200, ...), InputProblems, KafkaReadProblems)`.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

use super::MEDIA_TYPE;

/// What [`Input`](crate::Input) answers: 400, 413, 415.
pub struct InputProblems;

/// What a call with a path parameter adds: 404.
pub struct NotFoundProblem;

/// What reading from Kafka adds: 403, 502, 503, 504.
pub struct KafkaReadProblems;

/// What changing something in Kafka adds: 403, 422, 502, 503, 504.
pub struct KafkaWriteProblems;

/// Documented answers by status.
pub type Responses = BTreeMap<String, RefOr<Response>>;

impl IntoResponses for InputProblems {
    fn responses() -> Responses {
        problems(&[
            (
                "400",
                "invalid_input: `errors` names each field; malformed_json, unreadable_body, \
                 query_and_body: fields come from one of both",
            ),
            ("413", "payload_too_large"),
            (
                "415",
                "unsupported_media_type: a body must be application/json",
            ),
        ])
    }
}

impl IntoResponses for NotFoundProblem {
    fn responses() -> Responses {
        problems(&[("404", "there is no such thing")])
    }
}

impl IntoResponses for KafkaReadProblems {
    fn responses() -> Responses {
        problems(&[
            ("403", "kafka_denied: Kafka does not let this service do it"),
            (
                "502",
                "kafka_unauthenticated, kafka_error: Kafka turned the service down",
            ),
            (
                "503",
                "kafka_unreachable; `Retry-After` says when to try again",
            ),
            ("504", "kafka_timeout: no answer within the deadline"),
        ])
    }
}

impl IntoResponses for KafkaWriteProblems {
    fn responses() -> Responses {
        let mut responses = KafkaReadProblems::responses();
        responses.extend(problems(&[
            (
                "422",
                "kafka_refused, not_enough_brokers: Kafka refused it, and why",
            ),
            (
                "504",
                "outcome_unknown: it was sent and may have happened; look before repeating it",
            ),
        ]));
        responses
    }
}

/// One response in the document whose body is a problem.
pub(crate) fn problem_response(description: &str) -> RefOr<Response> {
    let body = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new()
        .description(description)
        .content(MEDIA_TYPE, body)
        .build()
        .into()
}

/// Answers whose body is a problem: status and description (codes first) of each.
pub fn problems(rows: &[(&str, &str)]) -> Responses {
    rows.iter()
        .map(|(status, description)| ((*status).to_owned(), problem_response(description)))
        .collect()
}
