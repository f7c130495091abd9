//! Who may write at all: nobody while the service is read-only, and no page of another origin in
//! somebody's browser.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service_kit::Problem;

/// A POST that changes nothing.
const ONLY_COMPARES: &str = "/api/plan";

/// Whether this service writes.
#[derive(Debug, Clone, Copy)]
pub struct WriteAccess {
    /// It does not.
    pub read_only: bool,
}

/// The layer: looks at calls that may change something, before anything else does.
pub async fn layer(State(access): State<WriteAccess>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    if let Some(origin) = foreign_origin(request.headers()) {
        let detail = format!("a page of {origin} may not write here");
        return Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail).into_response();
    }
    if access.read_only && request.uri().path() != ONLY_COMPARES {
        let detail = "this service is read-only (READ_ONLY)";
        return Problem::new(StatusCode::FORBIDDEN, "read_only", detail).into_response();
    }
    next.run(request).await
}

/// The origin of the page that sent a request, where it is not this service's own. Browsers send it with
/// every request that may change something; other clients do not.
fn foreign_origin(headers: &HeaderMap) -> Option<&str> {
    let origin = headers.get(header::ORIGIN)?;
    let Ok(origin) = origin.to_str() else {
        return Some("an unreadable origin");
    };
    let own = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = origin.split_once("://").map(|(_, host)| host);
    (host.is_none() || host != own).then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        let owned = pairs.iter().cloned();
        owned
            .map(|(name, value)| (name, value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_pages_of_the_service_itself_and_clients_that_are_no_browsers_may_write() {
        let host = (header::HOST, "localhost:8081");
        let from = |origin| {
            foreign_origin(&headers(&[host.clone(), (header::ORIGIN, origin)])).map(str::to_owned)
        };
        assert_eq!(from("http://localhost:8081"), None);
        assert_eq!(foreign_origin(&headers(std::slice::from_ref(&host))), None);
        for origin in ["http://localhost:9999", "https://example.org", "null"] {
            assert_eq!(from(origin).as_deref(), Some(origin));
        }
    }
}
