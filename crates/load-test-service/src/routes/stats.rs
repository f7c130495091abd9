//! `GET /api/loadtest/stats`: totals, the run in progress, the recent reports.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use service_kit::NoInput;
use utoipa::ToSchema;

use crate::run::{RunReport, run_id_text};
use crate::runs::{Kind, ProgressView, Running, Seen};
use crate::state::AppState;

/// Reports that are listed.
const RECENT_RUNS: usize = 10;

/// Totals, the run in progress, and the recent reports.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Since when the totals count: the start of the service, or the last reset.
    #[serde(with = "service_kit::time::millis")]
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// Events sent since then, warm-ups and the run in progress included.
    total_sent: u64,
    /// Events acknowledged.
    total_acknowledged: u64,
    /// Events not acknowledged.
    total_failed: u64,
    /// The run in progress, `null` without one.
    running: Option<RunningView>,
    /// Reports of the last ten runs, newest first; a restart or a reset does not remove them.
    recent_runs: Vec<RunReport>,
}

/// How far the run in progress is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningView {
    /// As in the report to come.
    run_id: String,
    /// What it is made of.
    kind: Kind,
    /// The user's own name for the run.
    label: Option<String>,
    /// Where to.
    topic: String,
    /// When it was accepted.
    #[serde(with = "service_kit::time::millis")]
    #[schema(value_type = String, format = DateTime)]
    accepted_at: Timestamp,
    /// How far it is.
    #[serde(flatten)]
    progress: ProgressView,
}

impl From<Seen> for Stats {
    fn from(seen: Seen) -> Self {
        Self {
            since: seen.since,
            total_sent: seen.totals.sent,
            total_acknowledged: seen.totals.acknowledged,
            total_failed: seen.totals.failed,
            running: seen.running.as_deref().map(RunningView::of),
            recent_runs: seen
                .over
                .iter()
                .filter_map(|record| record.report.clone())
                .take(RECENT_RUNS)
                .collect(),
        }
    }
}

impl RunningView {
    fn of(running: &Running) -> Self {
        Self {
            run_id: run_id_text(running.id),
            kind: running.kind,
            label: running.label.clone(),
            topic: running.topic.clone(),
            accepted_at: running.accepted_at,
            progress: running.progress().without_timeline(),
        }
    }
}

/// Totals since the start or the last reset, how far the run in progress is, and the last reports.
#[utoipa::path(
    get,
    path = "/api/loadtest/stats",
    tag = "load test",
    responses(
        (status = 200, description = "what was sent and what is known of it", body = Stats),
        (
            status = 400,
            description = "invalid_input: an unknown query parameter",
            body = service_kit::Problem,
            content_type = "application/problem+json"
        )
    )
)]
pub async fn stats(State(state): State<AppState>, _: NoInput) -> Json<Stats> {
    Json(state.runner.see().into())
}
