//! How every kind of run begins: checked, started, and then waited for or not.

use std::sync::Arc;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use service_kit::problem::{Responses, problems};
use service_kit::{Answer, Problem};

use super::busy::run_in_progress;
use super::prefer::{PREFERENCE_APPLIED, Prefer, RESPOND_ASYNC};
use crate::run::run_id_text;
use crate::runs::{NotStarted, RunRecord, Running, Task};
use crate::state::AppState;
use crate::target;

/// What became of a run when it is time to answer.
pub enum Done {
    /// It goes on.
    Accepted(Accepted),
    /// It is over.
    Over(Arc<RunRecord>),
}

/// The answer 202.
pub struct Accepted(Arc<Running>);

impl Accepted {
    /// The id of the run that goes on.
    pub fn run_id(&self) -> String {
        run_id_text(self.0.id)
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let record = self.0.record();
        let headers = [
            (header::LOCATION, location(&record.run_id)),
            (PREFERENCE_APPLIED, RESPOND_ASYNC.to_owned()),
        ];
        (StatusCode::ACCEPTED, headers, Json(record)).into_response()
    }
}

/// Path of a run.
pub fn location(run_id: &str) -> String {
    format!("/api/loadtest/runs/{run_id}")
}

/// Checks the topic, starts the run and waits for its end, unless the caller prefers not to.
pub async fn begin(state: &AppState, prefer: Prefer, task: Task) -> Answer<Done> {
    for plan in task.plans() {
        target::check_name(&plan.topic, &state.protected_topics)?;
    }
    if let Some(running) = state.runner.running() {
        return Err(run_in_progress(&running));
    }
    let mut targets = Vec::new();
    for plan in task.whole_plans() {
        targets.push(target::examine(&state.cluster, &plan).await?);
    }
    task.fit(&mut targets);
    let started = state
        .runner
        .start(task, targets)
        .map_err(|refused| match refused {
            NotStarted::Busy(running) => run_in_progress(&running),
            NotStarted::Stopping => Problem::unavailable("stopping", "the service is stopping"),
        })?;
    if prefer.respond_async {
        return Ok(Done::Accepted(Accepted(started.running)));
    }
    match started.ending.await {
        Ok(Ok(record)) => Ok(Done::Over(record)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Problem::internal(
            "the run ended without a report; see the log",
        )),
    }
}

/// What [`begin`] may answer, for the OpenAPI document.
pub struct BeginProblems;

impl utoipa::IntoResponses for BeginProblems {
    fn responses() -> Responses {
        problems(&[
            (
                "403",
                "forbidden: Kafka's own topic, or a protected one; kafka_denied",
            ),
            ("404", "topic_not_found: nothing was sent"),
            ("409", "run_in_progress: names the run"),
            (
                "422",
                "compacted_topic: it refuses records without keys, and keeps one of each key; \
                 insufficient_disk_space, with the sum, unless force=true",
            ),
            (
                "502",
                "kafka_unauthenticated, kafka_error: Kafka turned the service down; nothing was sent",
            ),
            (
                "503",
                "kafka_unreachable, no_leader, stopping: nothing was sent",
            ),
        ])
    }
}
