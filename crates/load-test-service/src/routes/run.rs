//! `POST /api/loadtest/run`: does a run and answers with its report.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use service_kit::problem::InputProblems;
use service_kit::{Answer, Input, Problem};

use super::begin::{BeginProblems, Done, begin};
use super::prefer::Prefer;
use crate::plan::{Plan, RunRequest};
use crate::run::RunReport;
use crate::runs::{RunRecord, Task};
use crate::state::AppState;

/// Sends log events and answers with the report once each has its outcome.
///
/// The call takes as long as the run. With the header `Prefer: respond-async` it answers at once with
/// 202, and `Location` names the run. A client that goes away does not end a run: it goes on, and is
/// found under `GET /api/loadtest/runs`. There is one run at a time.
#[utoipa::path(
    post,
    path = "/api/loadtest/run",
    tag = "load test",
    params(RunRequest, Prefer),
    request_body(content = Option<RunRequest>, description = "instead of the query"),
    responses(
        (status = 200, description = "the run is over", body = RunReport),
        (
            status = 202,
            description = "the run goes on; `Location` names it",
            body = RunRecord,
            headers(("Location", description = "the run"))
        ),
        InputProblems,
        BeginProblems
    )
)]
pub async fn run(
    State(state): State<AppState>,
    prefer: Prefer,
    Input(plan): Input<Plan>,
) -> Answer<Response> {
    match begin(&state, prefer, Task::Run(Box::new(plan))).await? {
        Done::Accepted(accepted) => Ok(accepted.into_response()),
        Done::Over(record) => match &record.report {
            Some(report) => Ok(Json(report).into_response()),
            None => Err(Problem::internal("a run ended without a report")),
        },
    }
}
