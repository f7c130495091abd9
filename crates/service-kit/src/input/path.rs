//! A path parameter, validated like any other field.

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use axum::http::request::Parts;

use super::FieldValue;
use crate::Problem;
use crate::problem::FieldError;

/// The one parameter of a route such as `/api/topics/{name}`; what is wrong is reported under the
/// route's own name for it. A route with more parameters gets its first.
#[derive(Debug, Clone)]
pub struct PathParam<T>(pub T);

impl<T: FieldValue, S: Send + Sync> FromRequestParts<S> for PathParam<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| {
                let route = parts
                    .extensions
                    .get::<MatchedPath>()
                    .map_or("", MatchedPath::as_str);
                wrong(
                    first_parameter(route),
                    "not_utf8",
                    "must be percent-encoded UTF-8",
                )
            })?;
        let Some((name, text)) = params.iter().next() else {
            return Err(Problem::internal("the route has no parameter"));
        };
        T::from_text(text)
            .map(Self)
            .map_err(|problem| wrong(name, problem.code, &problem.message))
    }
}

/// `name` of `/api/topics/{name}`; axum's own error keeps it to itself.
fn first_parameter(route: &str) -> &str {
    let name = route
        .split('{')
        .nth(1)
        .and_then(|rest| rest.split('}').next());
    name.unwrap_or("path")
}

fn wrong(name: &str, code: &str, message: &str) -> Problem {
    Problem::invalid_input(vec![FieldError {
        field: name.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
    }])
}
