//! No page of another origin writes here in the name of whoever looks at it: browsers send a form to any
//! address.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Problem;

/// The layer; goes around all routes.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match foreign(request.headers()) {
        None => next.run(request).await,
        Some(origin) => {
            let detail = format!("a page of {origin} may not write here");
            Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail).into_response()
        }
    }
}

/// The origin of the page that sent a request, where it is not this service's own. Browsers say it with
/// every request that may change something; who does not say it is no browser.
///
/// `Sec-Fetch-Site` is the browser's own judgement; `Origin` is compared with the address asked where a
/// browser does not give it.
fn foreign(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let origin = text(header::ORIGIN);
    match text(header::HeaderName::from_static("sec-fetch-site")) {
        Some("same-origin" | "none") => None,
        Some(_) => Some(origin.unwrap_or("another site")),
        None => {
            let origin = origin?;
            let host = origin.split_once("://").map(|(_, host)| host);
            (host.is_none() || host != text(header::HOST)).then_some(origin)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&'static str, &'static str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost:8081".parse().unwrap());
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        foreign(&headers).map(str::to_owned)
    }

    #[test]
    fn only_pages_of_the_service_itself_and_clients_that_are_no_browsers_may_write() {
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[("origin", "http://localhost:8081")]), None);
        for origin in ["http://localhost:9999", "https://example.org", "null"] {
            assert_eq!(told(&[("origin", origin)]).as_deref(), Some(origin));
        }
    }

    #[test]
    fn the_browsers_own_judgement_counts() {
        assert_eq!(told(&[("sec-fetch-site", "none")]), None);
        // Behind a proxy that asks by another name.
        let own = [
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://logs.example.org"),
        ];
        assert_eq!(told(&own), None);
        // Another port is the same site, and another origin.
        let neighbour = [
            ("sec-fetch-site", "same-site"),
            ("origin", "http://localhost:9999"),
        ];
        assert_eq!(told(&neighbour).as_deref(), Some("http://localhost:9999"));
        let no_origin = [("sec-fetch-site", "cross-site")];
        assert_eq!(told(&no_origin).as_deref(), Some("another site"));
    }
}
