//! One id for each request: taken from `x-request-id` or made here, answered in the same header,
//! in every problem and in every log line of the request.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

/// The header, both ways.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id from outside is replaced: it goes into every log line.
const MAX_LENGTH: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this task is answering; none outside of one.
#[must_use]
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// `work` with the id of the request that this task is answering, for a task of its own.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let id = current();
    async move {
        match id {
            Some(id) => CURRENT.scope(id, work).await,
            None => work.await,
        }
    }
}

/// The id that a response carries; none before the layer.
#[must_use]
pub fn of(response: &Response) -> Option<String> {
    let value = response.headers().get(HEADER)?;
    value.to_str().ok().map(str::to_owned)
}

/// The layer that gives each request its id and its log span.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    let id = given(&request).unwrap_or_else(make);
    // Of the highest level, so that the span is there whatever the filter lets through.
    let span = tracing::error_span!("request", id = %id);
    let mut response = CURRENT
        .scope(id.clone(), next.run(request))
        .instrument(span)
        .await;
    let value = HeaderValue::from_str(&id).expect("an id is visible ASCII");
    response.headers_mut().insert(HEADER, value);
    response
}

fn given(request: &Request) -> Option<String> {
    let id = request.headers().get(HEADER)?.to_str().ok()?;
    is_acceptable(id).then(|| id.to_owned())
}

/// Letters, digits and `-_.:/+=`: what UUIDs, trace ids and base64 are made of, and nothing that
/// could forge a log line.
fn is_acceptable(id: &str) -> bool {
    (1..=MAX_LENGTH).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(&b))
}

/// Unique within the process by a counter, between processes by a random start.
fn make() -> String {
    static START: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:012x}-{count:06x}", *START & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_made_differ() {
        assert_ne!(make(), make());
        assert!(is_acceptable(&make()));
    }

    #[test]
    fn an_id_that_could_forge_a_log_line_is_not_taken() {
        assert!(is_acceptable("3f2a9c10-77aa-4a2e-9d1c-0d7ad3a3f0aa"));
        assert!(!is_acceptable(""));
        assert!(!is_acceptable("a b"));
        assert!(!is_acceptable("a\"b"));
        assert!(!is_acceptable(&"a".repeat(129)));
    }
}
