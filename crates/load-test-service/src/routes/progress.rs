//! `GET /api/loadtest/runs/{id}/progress`: a run while it goes on, as server-sent events.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use futures_util::{Stream, StreamExt, stream};
use service_kit::problem::NotFoundProblem;
use service_kit::{Answer, NoInput, PathParam, sse};

use super::runs::{Found, find};
use crate::runs::{RunRecord, Runner, Running};
use crate::state::AppState;

/// Time between two events.
const PERIOD: Duration = Duration::from_millis(500);

/// Follows a run: an event `progress` twice a second, then one event `ended` with the line of the
/// list, and the stream ends. Of a run that is over there is only the latter. The stream ends also
/// when the service stops.
#[utoipa::path(
    get,
    path = "/api/loadtest/runs/{id}/progress",
    tag = "load test",
    params(("id" = String, Path, description = "`runId` of the run")),
    responses(
        (
            status = 200,
            description = "events `progress` (ProgressView) and `ended` (RunSummary)",
            body = String,
            content_type = "text/event-stream"
        ),
        NotFoundProblem
    )
)]
pub async fn progress(
    State(state): State<AppState>,
    PathParam(id): PathParam<String>,
    _: NoInput,
) -> Answer<Response> {
    let stop = state.runner.service_stop().clone();
    Ok(match find(&state, &id)? {
        Found::Over(record) => sse::answer(stream::iter(ended(&record)), stop),
        Found::Running(running) => sse::answer(follow(state.runner, running, id), stop),
    })
}

fn follow(runner: Runner, running: Arc<Running>, id: String) -> impl Stream<Item = Event> {
    let ticks = stream::unfold((running, true), |(running, at_once)| async move {
        if !at_once {
            let over = tokio::time::timeout(PERIOD, running.over()).await;
            over.is_err().then_some(())?;
        }
        let view = running.progress().without_timeline();
        let event = sse::json_event("progress", &view).ok()?;
        Some((event, (running, false)))
    });
    let end = stream::once(async move { runner.over(&id) });
    ticks.chain(end.filter_map(|record| async move { ended(record.as_deref()?) }))
}

fn ended(record: &RunRecord) -> Option<Event> {
    sse::json_event("ended", &record.summary()).ok()
}
