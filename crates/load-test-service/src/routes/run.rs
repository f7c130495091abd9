//! `POST /api/loadtest/run`: does a run and answers with its report.

use axum::Json;
use axum::extract::State;
use service_kit::problem::InputProblems;
use service_kit::{Answer, Fields, FromFields, Input, Problem};
use utoipa::ToSchema;

use super::busy::run_in_progress;
use crate::plan::{
    EVENT_COUNT, LABEL_MAX_CHARS, Plan, RATE, SCHEDULE_MAX, WARMUP_EVENTS, topic_name_problem,
};
use crate::run::RunReport;
use crate::runner::NotStarted;
use crate::state::AppState;
use crate::target;

/// What a run should do; in the query or as a JSON body.
#[derive(Debug, serde::Deserialize, ToSchema, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the fields that `Plan` is read from")]
pub struct RunRequest {
    /// Events to send.
    #[schema(minimum = 1, maximum = 10_000_000, example = 10_000)]
    #[param(minimum = 1, maximum = 10_000_000, example = 10_000)]
    event_count: u64,
    /// An existing topic; neither Kafka's own, nor protected, nor compacted.
    #[schema(example = "log-events")]
    #[param(example = "log-events")]
    topic: String,
    /// Events a second, evenly spaced; absent: as fast as possible. `eventCount / rate` is an hour
    /// at most.
    #[schema(minimum = 1, maximum = 1_000_000)]
    #[param(minimum = 1, maximum = 1_000_000)]
    rate: Option<u64>,
    /// Events sent before the clock starts, as fast as possible; none unless given.
    #[schema(minimum = 0, maximum = 1_000_000)]
    #[param(minimum = 0, maximum = 1_000_000)]
    warmup_events: Option<u64>,
    /// Read everything back after the run and account for each event; false unless given.
    verify: Option<bool>,
    /// A name of your own for the run, at most 100 characters.
    #[schema(max_length = 100)]
    #[param(max_length = 100)]
    label: Option<String>,
}

impl FromFields for Plan {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let event_count = fields.required_in("eventCount", EVENT_COUNT);
        let topic = fields.required::<String>("topic");
        let rate = fields.optional_in("rate", RATE);
        let warmup_events = fields.with_default_in("warmupEvents", WARMUP_EVENTS, 0);
        let verify = fields.with_default("verify", false);
        let label = fields.optional::<String>("label");

        if let Some(message) = topic.as_deref().and_then(topic_name_problem) {
            fields.check("topic", false, "invalid", message);
        }
        if let Some(Some(label)) = &label {
            let short = label.chars().count() <= LABEL_MAX_CHARS;
            let printable = !label.chars().any(char::is_control);
            let message = format!("must have at most {LABEL_MAX_CHARS} characters");
            fields.check("label", short, "too_long", message);
            fields.check(
                "label",
                printable,
                "invalid",
                "must not have control characters",
            );
        }
        let mut plan = Self::new(event_count?, topic?);
        plan.rate = rate?;
        plan.warmup_events = warmup_events?;
        plan.verify = verify?;
        plan.label = label?;
        let message = format!(
            "is too low: {} events would take more than {} s",
            plan.event_count,
            SCHEDULE_MAX.as_secs()
        );
        fields.check("rate", plan.schedule() <= SCHEDULE_MAX, "too_low", message);
        Some(plan)
    }
}

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
            description = "compacted_topic: records without keys are refused there",
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
    let partitions = target::writable_partitions(&state.cluster, &plan.topic).await?;
    let ending = state
        .runner
        .start(plan, partitions)
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
