//! Runs by their ids: the list, one of them, and the end of the one in progress.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use service_kit::input::Page;
use service_kit::problem::{InputProblems, NotFoundProblem};
use service_kit::{Answer, Input, NoInput, PathParam, Problem};
use utoipa::ToSchema;

use crate::run::run_id_text;
use crate::runs::{RunRecord, RunSummary, Running, Seen};
use crate::state::AppState;

/// How long a cancellation is waited for: what is in flight has its outcome by then, or is given up.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

/// One page of the list.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunList {
    /// Runs, newest first; the one in progress is among them.
    pub runs: Vec<RunSummary>,
    /// `before` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl RunList {
    /// A page of what was seen.
    pub fn of(seen: &Seen, page: &Page) -> Self {
        let mut runs = summaries(seen);
        if let Some(before) = &page.before {
            // Ids sort by time.
            runs.retain(|run| run.run_id < *before);
        }
        let more = runs.len() > page.limit;
        runs.truncate(page.limit);
        let next = runs.last().filter(|_| more).map(|run| run.run_id.clone());
        Self { runs, next }
    }
}

/// All runs, newest first.
pub fn summaries(seen: &Seen) -> Vec<RunSummary> {
    let running = seen.running.as_ref().map(|running| running.record());
    // One that has just ended may be both for a moment.
    let running = running.filter(|run| seen.over.iter().all(|over| over.run_id != run.run_id));
    running
        .iter()
        .chain(seen.over.iter().map(Arc::as_ref))
        .map(RunRecord::summary)
        .collect()
}

/// A run that is over, or in progress.
pub enum Found {
    /// It is over.
    Over(Arc<RunRecord>),
    /// It goes on.
    Running(Arc<Running>),
}

/// The run of this id.
///
/// # Errors
/// 404.
pub fn find(state: &AppState, run_id: &str) -> Answer<Found> {
    // The one in progress first: one that ends in between is found among those that are over.
    if let Some(running) = state.runner.running()
        && run_id_text(running.id) == run_id
    {
        return Ok(Found::Running(running));
    }
    match state.runner.over(run_id) {
        Some(record) => Ok(Found::Over(record)),
        None => Err(Problem::not_found(
            "run_not_found",
            format!("run {run_id:?} not found; only the newest are kept"),
        )),
    }
}

/// Lists runs, newest first.
#[utoipa::path(
    get,
    path = "/api/loadtest/runs",
    tag = "load test",
    params(Page),
    responses((status = 200, description = "one page of runs", body = RunList), InputProblems)
)]
pub async fn list(State(state): State<AppState>, Input(page): Input<Page>) -> Json<RunList> {
    Json(RunList::of(&state.runner.see(), &page))
}

/// One run: how far it is, or what it came to.
#[utoipa::path(
    get,
    path = "/api/loadtest/runs/{id}",
    tag = "load test",
    params(("id" = String, Path, description = "`runId` of the run")),
    responses((status = 200, description = "the run", body = RunRecord), NotFoundProblem)
)]
pub async fn get(
    State(state): State<AppState>,
    PathParam(id): PathParam<String>,
    _: NoInput,
) -> Answer<Json<RunRecord>> {
    Ok(Json(match find(&state, &id)? {
        Found::Over(record) => RunRecord::clone(&record),
        Found::Running(running) => running.record(),
    }))
}

/// Cancels the run in progress. Nothing more is sent; what is in flight is waited for, some seconds
/// at most. The run stays in the list, and its report has what it had.
#[utoipa::path(
    delete,
    path = "/api/loadtest/runs/{id}",
    tag = "load test",
    params(("id" = String, Path, description = "`runId` of the run")),
    responses(
        (status = 200, description = "cancelled; this is what it had", body = RunRecord),
        (status = 202, description = "cancelled; it is still about to end", body = RunRecord),
        NotFoundProblem,
        (
            status = 409,
            description = "run_ended: it was over before",
            body = Problem,
            content_type = "application/problem+json"
        )
    )
)]
pub async fn cancel(
    State(state): State<AppState>,
    PathParam(id): PathParam<String>,
    _: NoInput,
) -> Answer<Response> {
    let running = match find(&state, &id)? {
        Found::Running(running) => running,
        Found::Over(_) => {
            let detail = format!("run {id:?} was over before");
            return Err(Problem::conflict("run_ended", detail));
        }
    };
    running.cancel();
    let ended = tokio::time::timeout(CANCEL_PATIENCE, running.over()).await;
    match state.runner.over(&id).filter(|_| ended.is_ok()) {
        Some(record) => Ok(Json(record.as_ref()).into_response()),
        None => Ok((StatusCode::ACCEPTED, Json(running.record())).into_response()),
    }
}
