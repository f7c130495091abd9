//! `GET /api/loadtest/stats`: totals, the run in progress, the recent reports.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use service_kit::NoInput;
use utoipa::ToSchema;

use crate::run::{Phase, RunReport, run_id_text};
use crate::runner::{Running, Seen};
use crate::state::AppState;

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
    /// The user's own name for the run.
    label: Option<String>,
    /// Where to.
    topic: String,
    /// Events asked for, warm-up apart.
    event_count: u64,
    /// Events a second asked for; absent as fast as possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u64>,
    /// How far it is.
    phase: Phase,
    /// When it was accepted.
    #[serde(with = "service_kit::time::millis")]
    #[schema(value_type = String, format = DateTime)]
    accepted_at: Timestamp,
    /// Time since then.
    elapsed_ms: u64,
    /// Events sent, warm-up apart.
    sent: u64,
    /// Events acknowledged, warm-up apart.
    acknowledged: u64,
    /// Events not acknowledged, warm-up apart.
    failed: u64,
    /// Warm-up events sent.
    warmup_sent: u64,
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
                .recent
                .iter()
                .map(|report| RunReport::clone(report))
                .collect(),
        }
    }
}

impl RunningView {
    fn of(running: &Running) -> Self {
        let Running { plan, progress, .. } = running;
        let measured = progress.measured.see();
        Self {
            run_id: run_id_text(running.id),
            label: plan.label.clone(),
            topic: plan.topic.clone(),
            event_count: plan.event_count,
            rate: plan.rate,
            phase: progress.phase(),
            accepted_at: running.accepted_at,
            elapsed_ms: running.elapsed_ms(),
            sent: measured.sent,
            acknowledged: measured.acknowledged,
            failed: measured.failed,
            warmup_sent: progress.warmup.see().sent,
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
