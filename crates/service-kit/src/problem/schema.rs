//! How a problem shows in the OpenAPI document. It documents; nothing is built from it.

use std::borrow::Cow;

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{FieldError, Problem};

/// An error, RFC 9457 `application/problem+json`. Further members may follow, as each call says.
#[derive(ToSchema, serde::Serialize)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub struct ProblemDocument {
    /// Stable URN that ends in the code.
    #[schema(example = "urn:kafka-log-streaming-cluster:problem:invalid_input")]
    r#type: String,
    /// The code in words.
    #[schema(example = "Invalid input")]
    title: String,
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
    /// What happened, for people.
    #[schema(example = "partitions must be between 1 and 100000")]
    detail: String,
    /// What happened, for programs; never changes.
    #[schema(example = "invalid_input")]
    code: String,
    /// Kafka's name of the error (librdkafka's where it starts with an underscore).
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_error: Option<String>,
    /// Whether the same call may succeed later without a change to it.
    retriable: bool,
    /// What is wrong with each field of the input.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FieldError>>,
    /// The request's id, also in the header `x-request-id` and in the service's log.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        ProblemDocument::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        ProblemDocument::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ProblemDocument::schemas(schemas);
    }
}
