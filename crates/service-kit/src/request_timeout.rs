//! Bounds the time of each request, so that nothing hangs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Problem;

/// How long each route may take.
pub(crate) struct Timeouts {
    /// For every route without its own.
    pub usual: Duration,
    /// By route as registered; None for one that bounds itself.
    pub own: BTreeMap<&'static str, Option<Duration>>,
}

impl Timeouts {
    fn of(&self, request: &Request) -> Option<Duration> {
        request
            .extensions()
            .get::<MatchedPath>()
            .and_then(|path| self.own.get(path.as_str()).copied())
            .unwrap_or(Some(self.usual))
    }
}

/// The layer that bounds.
pub(crate) async fn layer(
    State(timeouts): State<Arc<Timeouts>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(timeout) = timeouts.of(&request) else {
        return next.run(request).await;
    };
    let changes_nothing = request.method().is_safe();
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => too_late(timeout, changes_nothing).into_response(),
    }
}

fn too_late(timeout: Duration, changes_nothing: bool) -> Problem {
    let status = StatusCode::GATEWAY_TIMEOUT;
    if changes_nothing {
        let detail = format!("no answer within {timeout:?}");
        return Problem::new(status, "request_timeout", detail).retriable();
    }
    let detail =
        format!("no answer within {timeout:?}; it may have happened: look before repeating it");
    Problem::new(status, "outcome_unknown", detail)
}
