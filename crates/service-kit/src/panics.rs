//! A panic inside a handler becomes an ordinary 500; the panic hook has logged it already.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::Problem;

/// For `CatchPanicLayer::custom`. What the panic said stays in the log.
pub(crate) fn answer(_: Box<dyn Any + Send>) -> Response {
    Problem::internal_silently().into_response()
}
