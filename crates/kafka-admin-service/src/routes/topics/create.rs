//! `POST /api/topics`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use service_kit::problem::{InputProblems, KafkaWriteProblems};
use service_kit::{Answer, Input, Problem};

use super::input::{CreateTopic, CreateTopicBody, CreateTopicQuery};
use super::pending::{PendingStatus, PendingWrite};
use super::plans;
use crate::change::ChangePlan;
use crate::guard;
use crate::problems;
use crate::state::AppState;
use crate::time_limits;
use crate::topic::view::TopicDetail;
use crate::topic::{self, Created, to_the_end};

/// Makes a topic; its fields go into the query or into a JSON body, not into both. Answers once
/// every live broker shows a leader for every partition. With `validateOnly=true` nothing is made: the
/// answer is what would be, and what it would cost.
#[utoipa::path(
    post,
    path = "/api/topics",
    tag = "topics",
    params(CreateTopicQuery),
    request_body(content = Option<CreateTopicBody>, description = "instead of the query"),
    responses(
        InputProblems,
        KafkaWriteProblems,
        (status = 200, description = "the plan, with validateOnly=true", body = ChangePlan),
        (status = 201, description = "made, and usable through every live broker", body = TopicDetail,
            headers(("Location" = String, description = "the topic's own address"))),
        (status = 202, description = "made, but not every live broker shows it yet", body = PendingWrite,
            headers(("Location" = String, description = "the topic's own address"))),
        (status = 403, description = "forbidden: an internal name; kafka_denied", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "topic_exists; topic_deletion_pending: an earlier topic of this \
            name is not gone yet, `brokersAwaited` names whom it waits for", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "not_enough_brokers: retriable, `brokersMissing` names those that \
            are not there; kafka_refused: in Kafka's words; guard_violation: `errors` names each rail that \
            it breaks", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; topic_busy, too_busy; `Retry-After` says when \
            to try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(state): State<AppState>,
    Input(request): Input<CreateTopic>,
) -> Answer<Response> {
    let validate_only = request.validate_only;
    let topic = request.into_spec(state.defaults);
    if topic.name.is_reserved() {
        return Err(problems::internal_topic(&topic.name));
    }
    let around = plans::surroundings(&state, &topic.name, validate_only).await?;
    let verdict = guard::judge(&state.guard, &topic, around);
    if !verdict.violations.is_empty() {
        return Err(problems::guard_violation(verdict.violations));
    }
    if validate_only {
        let refused = state.writer.validate(&topic).await;
        refused.map_err(|error| problems::of_create(error, &topic, &state.roster))?;
        return Ok(Json(plans::of_creation(&topic, verdict.warnings, around)).into_response());
    }
    let location = [(header::LOCATION, format!("/api/topics/{}", topic.name))];
    let (writer, wanted) = (state.writer.clone(), topic.clone());
    let created = to_the_end(async move { writer.create(&wanted).await }).await;
    state.declared.look_again();
    match created.map_err(|error| problems::of_create(error, &topic, &state.roster))? {
        Created::Everywhere(metadata) => {
            let detail = topic::describe(&state.cluster, &metadata, time_limits::DETAIL).await;
            Ok((StatusCode::CREATED, location, Json(detail)).into_response())
        }
        Created::Pending { brokers } => {
            let pending = PendingWrite::new(PendingStatus::Creation, &topic.name, brokers);
            Ok((location, pending).into_response())
        }
    }
}
