//! What happened: `GET /api/health/history`, `/api/health/incidents` and `/api/health/events`.

use std::sync::Arc;

use axum::Json;
use axum::extract;
use axum::response::Response;
use axum::response::sse::Event as SentEvent;
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use service_kit::problem::InputProblems;
use service_kit::{Fields, FromFields, Input, NoInput, sse};
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::record::{Event, Incident, Page, Record, StatusChange};
use crate::state::State;

/// Entries of one page, unless told otherwise, and at most.
const PAGE: (usize, usize) = (50, 500);

pub(super) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(history))
        .routes(routes!(incidents))
        .routes(routes!(events))
}

/// Which part of the history.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Part {
    /// Entries at most, 50 unless given.
    #[param(minimum = 1, maximum = 500, required = false)]
    limit: usize,
    /// Only entries older than this one: `next` of the page before.
    before: Option<String>,
}

/// Which incidents.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only incidents that go on.
    #[param(required = false)]
    open: bool,
    /// Incidents at most, 50 unless given.
    #[param(minimum = 1, maximum = 500, required = false)]
    limit: usize,
    /// Only incidents older than this one: `next` of the page before.
    before: Option<String>,
}

impl FromFields for Part {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let limit = fields.with_default_in("limit", 1..=PAGE.1, PAGE.0);
        let before = fields.optional("before");
        Some(Self {
            limit: limit?,
            before: before?,
        })
    }
}

impl FromFields for Which {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let open = fields.with_default("open", false);
        let part = Part::from_fields(fields);
        let Part { limit, before } = part?;
        Some(Self {
            open: open?,
            limit,
            before,
        })
    }
}

/// One page of changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct History {
    /// Changes, newest first.
    changes: Vec<StatusChange>,
    /// `before` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Why the history is not on disk, although it should be; absent when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_stored: Option<String>,
}

/// One page of incidents.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Incidents {
    /// Incidents, newest first.
    incidents: Vec<Incident>,
    /// `before` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Why the incidents are not on disk, although they should be; absent when they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_stored: Option<String>,
}

/// Changes of the status and of the reasons for it, newest first.
#[utoipa::path(
    get,
    path = "/api/health/history",
    tag = "history",
    params(Part),
    responses((status = 200, description = "one page of changes", body = History), InputProblems)
)]
async fn history(
    extract::State(state): extract::State<State>,
    Input(part): Input<Part>,
) -> Json<History> {
    let record = state.record();
    let Page { entries, more } = record.changes(part.before.as_deref(), part.limit);
    let next = entries.last().filter(|_| more);
    Json(History {
        next: next.map(|change| change.id.clone()),
        changes: entries,
        not_stored: record.problem(),
    })
}

/// What was or is wrong: start, end, evidence and how it was found, newest first.
#[utoipa::path(
    get,
    path = "/api/health/incidents",
    tag = "history",
    params(Which),
    responses((status = 200, description = "one page of incidents", body = Incidents), InputProblems)
)]
async fn incidents(
    extract::State(state): extract::State<State>,
    Input(which): Input<Which>,
) -> Json<Incidents> {
    let record = state.record();
    let before = which.before.as_deref();
    let Page { entries, more } = record.incidents(which.open, before, which.limit);
    let next = entries.last().filter(|_| more);
    Json(Incidents {
        next: next.map(|incident| incident.id.clone()),
        incidents: entries,
        not_stored: record.problem(),
    })
}

/// Changes as they happen, as server-sent events: `status` at once and at each change, `incident` when one
/// begins, grows worse or ends.
#[utoipa::path(
    get,
    path = "/api/health/events",
    tag = "history",
    responses((
        status = 200,
        description = "events `status` (StatusChange) and `incident` (Incident); the first tells the \
            present status",
        body = String,
        content_type = "text/event-stream"
    ))
)]
async fn events(extract::State(state): extract::State<State>, _: NoInput) -> Response {
    let changes = follow(state.record());
    sse::answer(changes, state.stop().clone())
}

fn follow(record: &Arc<Record>) -> impl Stream<Item = SentEvent> + Send + 'static {
    // Listening begins first: nothing can happen between the two.
    let listener = record.listen();
    let present = record.changes(None, 1).entries.into_iter();
    let present = present.map(|change| Arc::new(Event::Status(change)));
    let later = stream::unfold(listener, |mut listener| async move {
        loop {
            match listener.recv().await {
                Ok(event) => return Some((event, listener)),
                // A listener that is too slow misses some, and goes on with the next.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    stream::iter(present)
        .chain(later)
        .filter_map(|event| std::future::ready(sent(&event)))
}

fn sent(event: &Event) -> Option<SentEvent> {
    let sent = match event {
        Event::Status(change) => sse::json_event("status", change),
        Event::Incident(incident) => sse::json_event("incident", incident),
    };
    sent.ok()
}
