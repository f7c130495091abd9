//! The one form of every error that a service answers: RFC 9457 `application/problem+json`.
//!
//! `code` is what a program branches on and never changes; `detail` is for people. The request's id
//! is added on the way out, so that a caller can name the line in the log.

mod document;
mod kafka;
mod responses;
mod schema;

use std::fmt;
use std::ops::{Deref, DerefMut};

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

pub(crate) use kafka::KAFKA_DENIED;
pub(crate) use responses::problem_response;
pub use responses::{
    InputProblems, KafkaReadProblems, KafkaWriteProblems, NotFoundProblem, Responses, problems,
};
pub use schema::ProblemDocument;

use document::Document;

/// What a fallible handler returns.
pub type Answer<T> = Result<T, Problem>;

/// The media type of a problem. Source: RFC 9457, section 3.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Prefix of a problem's `type`; its `code` follows.
pub const TYPE_PREFIX: &str = "urn:kafka-log-streaming-cluster:problem:";

/// Code of a 500 whose cause is in the log.
pub(crate) const INTERNAL: &str = "internal";

/// What a 503 says in `Retry-After` where nobody knew better, in seconds.
const DEFAULT_RETRY_AFTER_S: u64 = 5;

/// An error on its way to the caller; read and change its parts through [`ProblemParts`].
///
/// Boxed, so that a `Result` with it stays small.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(Box<ProblemParts>);

/// What a [`Problem`] says.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemParts {
    /// HTTP status of the answer.
    pub status: StatusCode,
    /// Stable name in snake case; its words are the title.
    pub code: &'static str,
    /// What happened, naming the thing.
    pub detail: String,
    /// Kafka's or librdkafka's name of the error, where it came from there.
    pub kafka_error: Option<String>,
    /// Whether the same call may succeed later without a change to it.
    pub retriable: bool,
    /// `Retry-After` in seconds; a 503 gets one in any case.
    pub retry_after_s: Option<u64>,
    /// What is wrong with each field of the input.
    pub errors: Vec<FieldError>,
    /// Further members of the document, by their JSON name.
    pub extra: Map<String, Value>,
}

/// What is wrong with one field, query parameter or path parameter.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Name as the caller wrote it.
    pub field: String,
    /// Stable name in snake case, e.g. `missing`, `unknown_field`, `out_of_range`.
    pub code: String,
    /// Reads on after the field's name: `must be between 1 and 100000`.
    pub message: String,
}

impl Problem {
    /// A problem that is not retriable and has no field errors.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(ProblemParts {
            status,
            code,
            detail: detail.into(),
            kafka_error: None,
            retriable: false,
            retry_after_s: None,
            errors: Vec::new(),
            extra: Map::new(),
        }))
    }

    /// 404 `code`, e.g. `topic_not_found`.
    #[must_use]
    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 409 `code`: the call does not fit the present state.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 503 `code`, retriable, with `Retry-After`.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retriable()
    }

    /// 400 `invalid_input` with what is wrong with each field; the detail repeats it in words.
    #[must_use]
    pub fn invalid_input(errors: Vec<FieldError>) -> Self {
        let detail = errors
            .iter()
            .map(|error| format!("{} {}", error.field, error.message))
            .collect::<Vec<_>>()
            .join("; ");
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "invalid_input", detail);
        problem.errors = errors;
        problem
    }

    /// 500 `internal` for what should not happen. The cause goes to the log, not to the caller.
    #[must_use]
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "internal error");
        Self::internal_silently()
    }

    /// As [`Problem::internal`], where the cause has been logged already.
    pub(crate) fn internal_silently() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            INTERNAL,
            "the service failed; its log says why under this request's id",
        )
    }

    /// Says that the same call may succeed later.
    #[must_use]
    pub fn retriable(mut self) -> Self {
        self.retriable = true;
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Replaces the code, where a service knows better: `not_found` becomes `topic_not_found`.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// Replaces the detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Adds what is wrong with one field.
    #[must_use]
    pub fn with_field(
        mut self,
        field: impl Into<String>,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        self.errors.push(FieldError {
            field: field.into(),
            code: code.into(),
            message: message.into(),
        });
        self
    }

    /// Adds a member to the document; `name` is its JSON name, in camel case.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// The document as JSON, with the id of the request that is being answered.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!(Document::of(self))
    }

    fn retry_after(&self) -> Option<u64> {
        let by_status =
            (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(DEFAULT_RETRY_AFTER_S);
        self.retry_after_s.or(by_status)
    }
}

impl Deref for Problem {
    type Target = ProblemParts;

    fn deref(&self) -> &ProblemParts {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut ProblemParts {
        &mut self.0
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.detail, self.code)
    }
}

impl std::error::Error for Problem {}

/// Left on the answer for the request log, which is where a failure is logged once.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub code: &'static str,
    pub detail: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(Document::of(&self))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let parts = *self.0;
        response.extensions_mut().insert(Answered {
            code: parts.code,
            detail: parts.detail,
        });
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|v| v.to_str().unwrap())
    }

    fn body(problem: &Problem) -> Vec<u8> {
        serde_json::to_vec(&Document::of(problem)).unwrap()
    }

    #[test]
    fn a_problem_has_the_members_of_rfc_9457_and_ours() {
        let mut problem = Problem::conflict("topic_exists", "topic \"a\" exists already");
        problem.kafka_error = Some("TOPIC_ALREADY_EXISTS".into());
        assert_eq!(
            problem.to_json(),
            json!({
                "type": "urn:kafka-log-streaming-cluster:problem:topic_exists",
                "title": "Topic exists",
                "status": 409,
                "detail": "topic \"a\" exists already",
                "code": "topic_exists",
                "kafkaError": "TOPIC_ALREADY_EXISTS",
                "retriable": false,
            })
        );
    }

    #[test]
    fn extra_members_are_added_and_cannot_replace_the_standard_ones() {
        let document = Problem::conflict("topic_deletion_pending", "wait")
            .with("brokersAwaited", json!([2]))
            .with("status", 200)
            .with("kafkaError", "none");
        let text = String::from_utf8(body(&document)).unwrap();
        assert_eq!(text.matches("\"status\"").count(), 1, "{text}");
        let document = document.to_json();
        assert_eq!(document["brokersAwaited"], json!([2]));
        assert_eq!(document["status"], 409);
        assert_eq!(document.get("kafkaError"), None);
    }

    #[test]
    fn the_answer_is_problem_json() {
        let response = Problem::not_found("topic_not_found", "no").into_response();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(header(&response, "content-type"), Some(MEDIA_TYPE));
        assert_eq!(header(&response, "retry-after"), None);
    }

    #[test]
    fn a_503_always_says_when_to_retry() {
        let unnamed = Problem::unavailable("not_ready", "starting").into_response();
        assert_eq!(header(&unnamed, "retry-after"), Some("5"));
        let named = Problem::unavailable("not_ready", "starting").retry_after_s(30);
        assert_eq!(header(&named.into_response(), "retry-after"), Some("30"));
    }

    #[test]
    fn invalid_input_says_in_words_what_is_wrong_with_each_field() {
        let errors = Problem::new(StatusCode::BAD_REQUEST, "invalid_input", "")
            .with_field("topicName", "missing", "is required")
            .with_field("partitions", "out_of_range", "must be between 1 and 100000")
            .errors
            .clone();
        let problem = Problem::invalid_input(errors);
        assert_eq!(
            problem.detail,
            "topicName is required; partitions must be between 1 and 100000"
        );
        assert_eq!(problem.to_json()["errors"][1]["code"], "out_of_range");
    }

    #[test]
    fn a_result_with_a_problem_stays_small() {
        assert_eq!(size_of::<Problem>(), size_of::<usize>());
    }
}
