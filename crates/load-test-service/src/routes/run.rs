//! `POST /api/loadtest/run`: does a run and answers with its report.

use axum::Json;
use axum::extract::State;
use service_kit::problem::InputProblems;
use service_kit::{Answer, Input, Problem};

use super::busy::run_in_progress;
use crate::plan::{Plan, RunRequest};
use crate::run::RunReport;
use crate::runner::NotStarted;
use crate::state::AppState;
use crate::target;

/// Sends log events and answers with the report once each has its outcome.
///
/// The call takes as long as the run. A client that goes away does not end it: the report is in
/// `GET /api/loadtest/stats` then, where the progress can be watched too. There is one run at a
/// time.
#[utoipa::path(
    post,
    path = "/api/loadtest/run",
    tag = "load test",
    params(RunRequest),
    request_body(content = Option<RunRequest>, description = "instead of the query"),
    responses(
        (status = 200, description = "the run is over", body = RunReport),
        InputProblems,
        (
            status = 403,
            description = "forbidden: Kafka's own topic, or a protected one",
            body = Problem,
            content_type = "application/problem+json"
        ),
        (
            status = 404,
            description = "topic_not_found: nothing was sent",
            body = Problem,
            content_type = "application/problem+json"
        ),
        (
            status = 409,
            description = "run_in_progress: names the run",
            body = Problem,
            content_type = "application/problem+json"
        ),
        (
            status = 422,
            description = "compacted_topic: records without keys are refused there, and those of one \
                           key do not stay; insufficient_disk_space, with the sum, unless force=true",
            body = Problem,
            content_type = "application/problem+json"
        ),
        (
            status = 503,
            description = "kafka_unreachable, no_leader, stopping: nothing was sent",
            body = Problem,
            content_type = "application/problem+json"
        )
    )
)]
pub async fn run(
    State(state): State<AppState>,
    Input(plan): Input<Plan>,
) -> Answer<Json<RunReport>> {
    target::check_name(&plan.topic, &state.protected_topics)?;
    if let Some(running) = state.runner.running() {
        return Err(run_in_progress(&running));
    }
    let target = target::examine(&state.cluster, &plan).await?;
    let ending = state
        .runner
        .start(plan, target)
        .map_err(|refused| match refused {
            NotStarted::Busy(running) => run_in_progress(&running),
            NotStarted::Stopping => Problem::unavailable("stopping", "the service is stopping"),
        })?;
    match ending.await {
        Ok(Ok(report)) => Ok(Json(RunReport::clone(&report))),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Problem::internal(
            "the run ended without a report; see the log",
        )),
    }
}
