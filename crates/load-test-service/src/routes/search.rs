//! `POST /api/loadtest/sweep` and `/compare`: runs made of several.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use service_kit::problem::InputProblems;
use service_kit::{Answer, Input};

use super::begin::{BeginProblems, Done, begin};
use super::prefer::Prefer;
use crate::runs::{RunRecord, Task};
use crate::search::{Compare, CompareRequest, Sweep, SweepRequest};
use crate::state::AppState;

/// Looks for the highest rate that holds p99 under an objective, without an error and on schedule.
///
/// Rates are doubled until one fails twice, then it is looked for in between to a tenth, and what was
/// found is repeated until it has held three times. It takes some minutes: `Prefer: respond-async`
/// answers at once. Takes the fields of a run as well, but for `eventCount`, `durationSeconds` and
/// `rate`.
#[utoipa::path(
    post,
    path = "/api/loadtest/sweep",
    tag = "load test",
    params(SweepRequest, Prefer),
    request_body(content = Option<SweepRequest>, description = "instead of the query"),
    responses(
        (status = 200, description = "the sweep is over; `sweep` has its curve", body = RunRecord),
        (
            status = 202,
            description = "the sweep goes on; `Location` names it",
            body = RunRecord,
            headers(("Location", description = "the run"))
        ),
        InputProblems,
        BeginProblems
    )
)]
pub async fn sweep(
    State(state): State<AppState>,
    prefer: Prefer,
    Input(sweep): Input<Sweep>,
) -> Answer<Response> {
    let done = begin(&state, prefer, Task::Sweep(Box::new(sweep))).await?;
    Ok(answer(done))
}

/// Compares two plans: their runs are interleaved (a, b, a, b, ...), so that what changes on the
/// machine meanwhile meets both.
///
/// Each measure has its medians, and the ratio of b to a with its confidence interval (Hodges-Lehmann
/// and Wilcoxon's signed ranks over the pairs); `no difference` where that has 1 in it. To compare
/// codecs, give `cleanup=true`: brokers recompress what a topic's `compression.type` wants otherwise.
#[utoipa::path(
    post,
    path = "/api/loadtest/compare",
    tag = "load test",
    params(Prefer),
    request_body = CompareRequest,
    responses(
        (status = 200, description = "it is over; `comparison` has the result", body = RunRecord),
        (
            status = 202,
            description = "it goes on; `Location` names it",
            body = RunRecord,
            headers(("Location", description = "the run"))
        ),
        InputProblems,
        BeginProblems
    )
)]
pub async fn compare(
    State(state): State<AppState>,
    prefer: Prefer,
    Input(compare): Input<Compare>,
) -> Answer<Response> {
    let done = begin(&state, prefer, Task::Compare(Box::new(compare))).await?;
    Ok(answer(done))
}

fn answer(done: Done) -> Response {
    match done {
        Done::Accepted(accepted) => accepted.into_response(),
        Done::Over(record) => Json(&*record).into_response(),
    }
}
