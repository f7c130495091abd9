//! `POST /api/topics/{name}/partitions`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use kafka_cluster::{ConfigEntry, TopicMetadata};
use service_kit::problem::{InputProblems, KafkaWriteProblems};
use service_kit::{Answer, Fields, FromFields, Input, PathParam, Problem};

use super::pending::{PendingStatus, PendingWrite};
use super::plans;
use crate::any_broker;
use crate::call::Call;
use crate::change::{ChangePlan, FieldChange, Warning};
use crate::guard;
use crate::problems;
use crate::state::AppState;
use crate::time_limits;
use crate::topic::{
    Grown, MAX_PARTITIONS, PartitionCount, TopicName, TopicSpec, WriteError, to_the_end,
};

/// How many partitions a topic shall have.
#[derive(Debug, Clone, Copy)]
pub struct Grow {
    partitions: PartitionCount,
    validate_only: bool,
}

impl FromFields for Grow {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let partitions = fields.required_in("partitions", 1..=MAX_PARTITIONS);
        let validate_only = fields.with_default("validateOnly", false);
        Some(Self {
            partitions: PartitionCount::new(partitions?.into()).ok()?,
            validate_only: validate_only?,
        })
    }
}

/// How [`Grow`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct GrowQuery {
    /// How many partitions it has then, in all; Kafka never takes one away.
    #[param(example = 24, minimum = 1, maximum = 100_000)]
    partitions: i32,
    /// Only answer with what would change.
    #[param(example = true)]
    validate_only: Option<bool>,
}

/// Adds partitions to a topic. From then on records of one key may go to another partition than before:
/// the answer warns of it.
#[utoipa::path(
    post,
    path = "/api/topics/{name}/partitions",
    tag = "partitions",
    params(
        ("name" = String, Path, description = "the topic's name", example = "orders"),
        GrowQuery
    ),
    responses(
        InputProblems,
        KafkaWriteProblems,
        (status = 200, description = "added, and usable through every live broker; or the plan, with \
            validateOnly=true", body = ChangePlan),
        (status = 202, description = "added, but not every live broker shows them yet", body = PendingWrite),
        (status = 403, description = "forbidden: an internal topic; protected_topic: the audit log; \
            kafka_denied", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "topic_not_found", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "kafka_refused: such as fewer than there are; guard_violation",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; topic_busy, too_busy; `Retry-After` says when \
            to try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn grow(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    Extension(call): Extension<Arc<Call>>,
    Input(request): Input<Grow>,
) -> Answer<Response> {
    if name.is_reserved() {
        return Err(problems::internal_topic(&name));
    }
    if state.guard.is_audit_log(name.as_str()) && !call.remarks.breaks_glass {
        return Err(problems::audit_log_kept(&name));
    }
    let topic = any_broker::topic(&state.cluster, name.as_str())
        .await
        .map_err(|error| problems::of_read(error, &name))?;
    let names = [name.as_str()];
    let configs = state.cluster.topic_configs(&names, time_limits::DETAIL);
    let configs = configs.await?.pop().transpose()?.unwrap_or_default();
    let mut plan = plan(&state, &name, &topic, &configs, request).await?;
    if request.validate_only {
        let refused = state
            .writer
            .validate_growth(&name, request.partitions)
            .await;
        let failed = |error| WriteError::Kafka {
            error,
            live_brokers: Vec::new(),
        };
        refused.map_err(|error| problems::of_growth(failed(error), &name))?;
        return Ok(Json(plan).into_response());
    }
    plan.validate_only = false;
    let (writer, topic) = (state.writer.clone(), name.clone());
    let grown = to_the_end(async move { writer.grow(&topic, request.partitions).await }).await;
    state.declared.look_again();
    match grown.map_err(|error| problems::of_growth(error, &name))? {
        Grown::Everywhere(_) => Ok(Json(plan).into_response()),
        Grown::Pending { brokers } => {
            let status = PendingStatus::Growth;
            Ok(PendingWrite::new(status, &name, brokers).into_response())
        }
    }
}

async fn plan(
    state: &AppState,
    name: &TopicName,
    topic: &TopicMetadata,
    configs: &[ConfigEntry],
    request: Grow,
) -> Answer<ChangePlan> {
    let around = plans::surroundings(state, name, request.validate_only).await?;
    let now = TopicSpec::of(topic, configs)
        .ok_or_else(|| Problem::unavailable("topic_busy", "the topic has no partitions yet"))?;
    let grown = TopicSpec {
        partitions: request.partitions,
        ..now.clone()
    };
    let mut violations = guard::judge(&state.guard, &grown, around).violations;
    violations.retain(|error| error.field == "partitions");
    if !violations.is_empty() {
        return Err(problems::guard_violation(violations));
    }
    let count = |spec: &TopicSpec| Some(spec.partitions.get().to_string());
    Ok(ChangePlan {
        validate_only: true,
        action: "add_partitions",
        topic_name: name.to_string(),
        changes: vec![FieldChange::new("partitions", count(&now), count(&grown))],
        warnings: warnings(configs),
        cost: guard::cost(&grown, around),
    })
}

fn warnings(configs: &[ConfigEntry]) -> Vec<Warning> {
    let message = "producers choose the partition of a key by the number of partitions: records of one \
                   key may go elsewhere from now on, and their order holds only within a partition";
    let mut warnings = vec![Warning::new("keys_move", message)];
    let policy = configs.iter().find(|entry| entry.name == "cleanup.policy");
    let policy = policy.and_then(|entry| entry.value.as_deref());
    if policy.is_some_and(|policy| policy.contains("compact")) {
        let message = "compaction keeps the last record of a key in each partition: what a key had \
                       before stays where it was";
        warnings.push(Warning::new("compacted_keys_stay", message));
    }
    warnings
}
