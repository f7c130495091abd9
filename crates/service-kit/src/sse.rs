//! Server-sent events whose stream ends when the service stops: otherwise each open page would hold
//! up the end of the service for as long as it may drain.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// A comment line goes out after so long without an event, so that proxies do not cut the stream and
/// a caller that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Tells nginx and its like not to collect events before passing them on.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// An event of this name with a JSON document as its data.
///
/// # Errors
/// The value cannot be written as JSON.
pub fn json_event(name: &str, data: &impl Serialize) -> serde_json::Result<Event> {
    // Compact JSON has no line break, which is what would end an event's data.
    Ok(Event::default()
        .event(name)
        .data(serde_json::to_string(data)?))
}

/// Answers with `events` until they end or the service stops, whichever comes first.
pub fn answer(
    events: impl Stream<Item = Event> + Send + 'static,
    stop: CancellationToken,
) -> Response {
    let events = events
        .map(Ok::<_, Infallible>)
        .take_until(stop.cancelled_owned());
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(NO_BUFFERING, HeaderValue::from_static("no"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use futures_util::stream;

    use super::*;

    async fn text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), 1_000_000).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn events_have_a_name_and_one_line_of_json() {
        let events = [1, 2].map(|n| json_event("tick", &serde_json::json!({"n": n})).unwrap());
        let response = answer(stream::iter(events), CancellationToken::new());
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(
            text(response).await,
            "event: tick\ndata: {\"n\":1}\n\nevent: tick\ndata: {\"n\":2}\n\n"
        );
    }

    #[tokio::test]
    async fn a_stream_without_an_end_ends_when_the_service_stops() {
        let stop = CancellationToken::new();
        let first = json_event("only", &1).unwrap();
        let endless = stream::iter([first]).chain(stream::pending());
        let response = answer(endless, stop.clone());
        stop.cancel();
        // It would never come back otherwise.
        let _ = text(response).await;
    }
}
