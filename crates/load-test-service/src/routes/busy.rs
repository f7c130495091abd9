//! The answer to whoever comes while a run is in progress.

use serde_json::json;
use service_kit::Problem;

use crate::run::run_id_text;
use crate::runs::Running;

/// 409 `run_in_progress`, naming the run.
pub fn run_in_progress(running: &Running) -> Problem {
    let id = run_id_text(running.id);
    let label = running
        .label
        .as_ref()
        .map_or(String::new(), |label| format!(" ({label})"));
    Problem::conflict(
        "run_in_progress",
        format!("run {id}{label} to {} is in progress", running.topic),
    )
    .retriable()
    .with("runId", id)
    .with("label", json!(running.label))
}
