//! `POST /api/loadtest/reset`: the totals begin again at zero.

use axum::Json;
use axum::extract::State;
use service_kit::{Answer, NoInput};

use super::busy::run_in_progress;
use super::stats::Stats;
use crate::state::AppState;

/// Lets the totals of `stats` begin again at zero. Reports stay, and so do the counters of
/// `/metrics`.
#[utoipa::path(
    post,
    path = "/api/loadtest/reset",
    tag = "load test",
    responses(
        (status = 200, description = "the totals are zero", body = Stats),
        (
            status = 400,
            description = "invalid_input: this call takes no fields",
            body = service_kit::Problem,
            content_type = "application/problem+json"
        ),
        (
            status = 409,
            description = "run_in_progress: names the run",
            body = service_kit::Problem,
            content_type = "application/problem+json"
        )
    )
)]
pub async fn reset(State(state): State<AppState>, _: NoInput) -> Answer<Json<Stats>> {
    match state.runner.reset() {
        Ok(seen) => Ok(Json(seen.into())),
        Err(running) => Err(run_in_progress(&running)),
    }
}
