//! `POST /api/topics/{name}/restore`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use service_kit::problem::{InputProblems, KafkaWriteProblems};
use service_kit::{Answer, Fields, FromFields, Input, PathParam, Problem};
use utoipa::ToSchema;

use super::pending::{PendingStatus, PendingWrite};
use super::plans;
use crate::call::Call;
use crate::change::{ChangePlan, Warning};
use crate::guard;
use crate::problems;
use crate::state::AppState;
use crate::time_limits;
use crate::topic::view::TopicDetail;
use crate::topic::{self, Created, TopicName, to_the_end};

/// Whether a restoration is only looked at.
#[derive(Debug, Clone, Copy)]
pub struct Restore {
    validate_only: bool,
}

impl FromFields for Restore {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let validate_only = fields.with_default("validateOnly", false);
        Some(Self {
            validate_only: validate_only?,
        })
    }
}

/// How [`Restore`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct RestoreQuery {
    /// Only answer with what would be made.
    #[param(example = true)]
    validate_only: Option<bool>,
}

/// A topic that was made again, empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RestoredTopic {
    /// The topic as it is now.
    #[serde(flatten)]
    pub topic: TopicDetail,
    /// What did not come back.
    pub warnings: Vec<Warning>,
}

/// Makes a deleted topic again as it was: partitions, replication and the settings of its own. Its
/// records are gone, and so is what groups committed on it. With `validateOnly=true` the answer is what
/// would be made.
#[utoipa::path(
    post,
    path = "/api/topics/{name}/restore",
    tag = "topics",
    params(
        ("name" = String, Path, description = "the topic's name", example = "orders"),
        RestoreQuery
    ),
    responses(
        InputProblems,
        KafkaWriteProblems,
        (status = 200, description = "the plan, with validateOnly=true", body = ChangePlan),
        (status = 201, description = "made again, empty", body = RestoredTopic,
            headers(("Location" = String, description = "the topic's own address"))),
        (status = 202, description = "made, but not every live broker shows it yet", body = PendingWrite),
        (status = 403, description = "protected_topic: the audit log; kafka_denied", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "nothing_to_restore: no deletion of it is recorded", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "topic_exists, topic_deletion_pending", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "guard_violation, not_enough_brokers, kafka_refused", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; topic_busy, too_busy; `Retry-After` says when \
            to try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn restore(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    Extension(call): Extension<Arc<Call>>,
    Input(request): Input<Restore>,
) -> Answer<Response> {
    if state.guard.is_audit_log(name.as_str()) && !call.remarks.breaks_glass {
        return Err(problems::audit_log_kept(&name));
    }
    let latest = state.shapes.latest(&name);
    let (topic, deleted) = latest.ok_or_else(|| problems::nothing_to_restore(&name))?;
    let message = format!(
        "its records are gone: it is empty, as of the topic deleted at {} only the shape is left",
        service_kit::time::to_text(deleted)
    );
    let gone = Warning::new("records_gone", message);
    let around = plans::surroundings(&state, &name, request.validate_only).await?;
    let mut verdict = guard::judge(&state.guard, &topic, around);
    if !verdict.violations.is_empty() {
        return Err(problems::guard_violation(verdict.violations));
    }
    verdict.warnings.insert(0, gone.clone());
    if request.validate_only {
        let refused = state.writer.validate(&topic).await;
        refused.map_err(|error| problems::of_create(error, &topic, &state.roster))?;
        return Ok(Json(plans::of_creation(&topic, verdict.warnings, around)).into_response());
    }
    let (writer, wanted) = (state.writer.clone(), topic.clone());
    let created = to_the_end(async move { writer.create(&wanted).await }).await;
    state.declared.look_again();
    match created.map_err(|error| problems::of_create(error, &topic, &state.roster))? {
        Created::Everywhere(metadata) => {
            let detail = topic::describe(&state.cluster, &metadata, time_limits::DETAIL).await;
            let restored = RestoredTopic {
                topic: detail,
                warnings: verdict.warnings,
            };
            let location = [(header::LOCATION, format!("/api/topics/{name}"))];
            Ok((StatusCode::CREATED, location, Json(restored)).into_response())
        }
        Created::Pending { brokers } => {
            Ok(PendingWrite::new(PendingStatus::Creation, &name, brokers).into_response())
        }
    }
}
