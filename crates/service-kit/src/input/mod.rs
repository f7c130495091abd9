//! What a caller sends, read once into a type that cannot be wrong.
//!
//! A call takes its fields from the query or from a JSON object, never from both; every field that
//! is wrong is reported at once, and a name that the call does not take is refused by name.

mod body;
mod fields;
mod json;
mod page;
mod path;
mod query;
mod values;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

pub(crate) use body::BodyLimit;
pub use body::buffered;
pub use fields::{Fields, FromFields};
pub use json::value as json_value;
pub use page::Page;
pub use path::PathParam;
pub use values::{FieldProblem, FieldValue};

use crate::Problem;

/// The fields of a request, from its query or its JSON body; the last argument of a handler.
///
/// An empty body means the query. [`Service`](crate::Service) sets the body's bound.
#[derive(Debug, Clone, Copy)]
pub struct Input<T>(pub T);

/// The fields of a request's query alone, for a call whose body is no JSON object.
#[derive(Debug, Clone, Copy)]
pub struct QueryInput<T>(pub T);

impl<T: FromFields, S: Send + Sync> FromRequestParts<S> for QueryInput<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        query::fields(query).read().map(Self)
    }
}

/// Reads a body that is a text of one of `media_types`.
///
/// # Errors
/// 400 when it is no UTF-8, 413 when it is too large, 415 when it is of another type.
pub async fn text_body(request: Request, media_types: &[&str]) -> Result<String, Problem> {
    let headers = request.headers().clone();
    let body = body::read(request).await?;
    check_media_type(&headers, media_types)?;
    String::from_utf8(body.into()).map_err(|error| {
        let detail = format!("the body could not be read: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "unreadable_body", detail)
    })
}

/// For a call without fields: refuses every query parameter and every field of a body by name.
#[derive(Debug, Clone, Copy)]
pub struct NoInput;

impl<T: FromFields, S: Send + Sync> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let headers = request.headers().clone();
        let body = body::read(request).await?;
        let fields = match (query.is_empty(), body.is_empty()) {
            (false, false) => return Err(both_given()),
            (_, true) => query::fields(&query),
            (true, false) => {
                check_media_type(&headers, &["application/json"])?;
                json::fields(&body)?
            }
        };
        fields.read().map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for NoInput {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Input::<Nothing>::from_request(request, state)
            .await
            .map(|_| Self)
    }
}

/// Reads fields from names and values that did not come by HTTP, as if they were a query.
///
/// # Errors
/// As [`Input`] answers: all that is wrong at once.
pub fn read_pairs<T: FromFields>(pairs: Vec<(String, String)>) -> Result<T, Problem> {
    Fields::of_query(pairs).read()
}

struct Nothing;

impl FromFields for Nothing {
    fn from_fields(_: &mut Fields) -> Option<Self> {
        Some(Self)
    }
}

fn both_given() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "query_and_body",
        "fields are taken from the query or from a JSON body, not from both",
    )
}

fn check_media_type(headers: &HeaderMap, taken: &[&str]) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let refuse = |detail: String| {
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            detail,
        ))
    };
    if let Some(encoding) = text(header::CONTENT_ENCODING).filter(|name| *name != "identity") {
        return refuse(format!(
            "a body in content-encoding {encoding:?} is not taken"
        ));
    }
    let given = text(header::CONTENT_TYPE).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if taken
        .iter()
        .any(|taken| media_type.eq_ignore_ascii_case(taken))
    {
        return Ok(());
    }
    let fields = if taken.contains(&"application/json") {
        "; fields may also go into the query"
    } else {
        ""
    };
    refuse(format!(
        "the body's content-type must be {}, not {given:?}{fields}",
        taken.join(" or ")
    ))
}
