//! `DELETE /api/topics/{name}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::Value;
use service_kit::problem::KafkaWriteProblems;
use service_kit::{Answer, FieldError, Input, PathParam, Problem};

use super::input::{DeleteTopic, DeleteTopicQuery};
use super::pending::{PendingStatus, PendingWrite};
use super::plans::{self, DeletionPlan};
use crate::audit::Evidence;
use crate::call::Call;
use crate::deletion::{self, Consent, Deletion};
use crate::remarks::{REASON, Remarks};
use crate::state::AppState;
use crate::topic::{Deleted, TopicName, to_the_end};

/// Deletes a topic and its records. Answers once it is gone from every broker, or with 202 when a
/// broker that holds replicas is down; asked again, the same call says whether it still is. With
/// `validateOnly=true` nothing is deleted: the answer is what would be, and who uses it. Refused while
/// groups with live members read it, unless `force=true` with a `reason`.
#[utoipa::path(
    delete,
    path = "/api/topics/{name}",
    tag = "topics",
    params(
        ("name" = String, Path, description = "the topic's name", example = "orders"),
        DeleteTopicQuery
    ),
    responses(
        KafkaWriteProblems,
        (status = 200, description = "the plan, with validateOnly=true", body = DeletionPlan),
        (status = 204, description = "gone everywhere; the name is free"),
        (status = 202, description = "marked for deletion; its name is free once the brokers awaited \
            are back", body = PendingWrite),
        (status = 403, description = "forbidden: an internal topic; protected_topic; kafka_denied",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "topic_in_use: groups with live members read it; `topicUse` has \
            the groups, their lag, the record count and the last write", body = Problem,
            content_type = "application/problem+json"),
        (status = 400, description = "invalid_input: no topic can have this name; an unknown query \
            parameter", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "topic_not_found", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; topic_busy, too_busy; topic_use_unknown: a \
            broker does not say who reads it; `Retry-After` says when \
            to try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    Extension(call): Extension<Arc<Call>>,
    Input(request): Input<DeleteTopic>,
) -> Answer<Response> {
    let consent = consent(&call.remarks, request.force)?;
    deletion::check_name(&state, &name)?;
    if request.validate_only {
        return Ok(Json(plans::of_deletion(&state, &name).await?).into_response());
    }
    let unwanted = name.clone();
    let deleted = to_the_end(async move { deletion::delete(&state, &unwanted, &consent).await });
    let deletion = deleted.await?;
    let evidence = Extension(evidence(&name, &deletion)?);
    Ok(match deletion.deleted {
        Deleted::Everywhere => (evidence, StatusCode::NO_CONTENT).into_response(),
        Deleted::Pending { brokers } => {
            let pending = PendingWrite::new(PendingStatus::Deletion, &name, brokers);
            (evidence, pending).into_response()
        }
    })
}

/// What the audit keeps: the answer to a deletion tells nothing of what was there.
fn evidence(name: &TopicName, deletion: &Deletion) -> Answer<Evidence> {
    let status = match deletion.deleted {
        Deleted::Everywhere => "deleted",
        Deleted::Pending { .. } => "deletion_pending",
    };
    let document = [
        ("topicName", Ok(Value::from(name.as_str()))),
        ("status", Ok(Value::from(status))),
        ("before", serde_json::to_value(&deletion.shape)),
        ("topicUse", serde_json::to_value(&deletion.topic_use)),
    ];
    let document = document.map(|(name, value)| Ok((name.to_owned(), value?)));
    let document: Result<_, serde_json::Error> = document.into_iter().collect();
    document.map(Evidence::of).map_err(Problem::internal)
}

/// What the caller agrees to: `force` takes a reason.
fn consent(remarks: &Remarks, force: bool) -> Answer<Consent> {
    if force && remarks.reason.is_none() {
        return Err(Problem::invalid_input(vec![FieldError {
            field: REASON.to_owned(),
            code: "missing".to_owned(),
            message: "is required with force=true".to_owned(),
        }]));
    }
    Ok(Consent {
        force,
        reason: remarks.reason.clone(),
    })
}
