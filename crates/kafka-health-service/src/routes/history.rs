//! What happened: `GET /api/health/history`, `/api/health/incidents` and `/api/health/events`.

use std::sync::Arc;

use axum::Json;
use axum::extract;
use axum::response::Response;
use axum::response::sse::Event as SentEvent;
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use service_kit::input::Page;
use service_kit::problem::InputProblems;
use service_kit::{Fields, FromFields, Input, NoInput, sse};
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::record::{Event, Incident, Record, StatusChange};
use crate::state::State;

pub(super) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(history))
        .routes(routes!(incidents))
        .routes(routes!(events))
}

/// Which incidents.
struct Which {
    open: bool,
    page: Page,
}

impl FromFields for Which {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let open = fields.with_default("open", false);
        let page = Page::from_fields(fields);
        Some(Self {
            open: open?,
            page: page?,
        })
    }
}

/// How `open` of [`Which`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents; nothing is built from it")]
struct OpenQuery {
    /// Only incidents that go on.
    #[param(required = false)]
    open: bool,
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
    params(Page),
    responses((status = 200, description = "one page of changes", body = History), InputProblems)
)]
async fn history(
    extract::State(state): extract::State<State>,
    Input(page): Input<Page>,
) -> Json<History> {
    let record = state.record();
    let (changes, next) = record.changes(&page);
    Json(History {
        changes,
        next,
        not_stored: record.problem(),
    })
}

/// What was or is wrong: start, end, evidence and how it was found, newest first.
#[utoipa::path(
    get,
    path = "/api/health/incidents",
    tag = "history",
    params(OpenQuery, Page),
    responses((status = 200, description = "one page of incidents", body = Incidents), InputProblems)
)]
async fn incidents(
    extract::State(state): extract::State<State>,
    Input(which): Input<Which>,
) -> Json<Incidents> {
    let record = state.record();
    let (incidents, next) = record.incidents(which.open, &which.page);
    Json(Incidents {
        incidents,
        next,
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
    let present = record.newest_change().into_iter();
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
