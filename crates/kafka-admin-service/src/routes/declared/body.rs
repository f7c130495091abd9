//! A document as a request's body.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use service_kit::{Problem, text_body};

use crate::declared::Document;

const MEDIA_TYPES: [&str; 4] = [
    "application/yaml",
    "application/x-yaml",
    "text/yaml",
    "text/x-yaml",
];

/// A document that was read; what is wrong with it is told with its line.
pub(super) struct DocumentBody(pub Document);

impl<S: Send + Sync> FromRequest<S> for DocumentBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let text = text_body(request, &MEDIA_TYPES).await?;
        Document::parse(&text).map(Self).map_err(|error| {
            let problem = Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_document",
                error.to_string(),
            );
            match error.line {
                Some(line) => problem.with("line", line),
                None => problem,
            }
        })
    }
}
