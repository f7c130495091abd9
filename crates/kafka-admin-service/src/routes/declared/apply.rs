//! `POST /api/apply`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use service_kit::problem::{InputProblems, KafkaWriteProblems};
use service_kit::{Answer, Fields, FromFields, Problem, QueryInput};
use tokio::sync::{Mutex, MutexGuard};
use utoipa::ToSchema;

use super::body::DocumentBody;
use super::plan::planned;
use crate::call::Call;
use crate::declared::{Applied, ApplyPlan, Document, RawDocument, carry_out};
use crate::problems;
use crate::remarks::Remarks;
use crate::state::AppState;
use crate::time_limits;
use crate::topic::to_the_end;

/// Which plan is applied; a dry run needs to name none.
#[derive(Debug, Clone)]
pub struct Apply {
    hash: Option<String>,
    validate_only: bool,
}

impl FromFields for Apply {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let hash = fields.optional::<String>("hash");
        let validate_only = fields.with_default("validateOnly", false);
        if let (Some(None), Some(false)) = (&hash, validate_only) {
            fields.check("hash", false, "missing", "is required");
        }
        Some(Self {
            hash: hash?,
            validate_only: validate_only?,
        })
    }
}

/// How [`Apply`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct ApplyQuery {
    /// `hash` of the plan for this document: refused with 412 when the plan is another by now. Required
    /// unless `validateOnly=true`.
    #[param(example = "6c62272e07bb014262b821756295c58d")]
    hash: Option<String>,
    /// Only answer with the plan, refused where applying it would be.
    #[param(example = false)]
    validate_only: Option<bool>,
}

/// What was done, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum AppliedOrPlanned {
    /// With `validateOnly=true`.
    Planned(ApplyPlan),
    /// Without.
    Applied(Applied),
}

/// Does what the plan of this document says: makes topics, adds partitions, changes settings. Deletes
/// only what the document names under `deletes`; settings and topics that it does not name are left
/// alone. Each topic tells what became of it. With `validateOnly=true` nothing is done: the answer is the
/// plan.
#[utoipa::path(
    post,
    path = "/api/apply",
    tag = "declared state",
    params(ApplyQuery),
    request_body(content = RawDocument, content_type = "application/yaml",
        description = "the document that was planned"),
    responses(
        InputProblems,
        KafkaWriteProblems,
        (status = 200, description = "applied, or nothing to do; or the plan, with validateOnly=true",
            body = AppliedOrPlanned),
        (status = 207, description = "some topics failed, in part or whole, or are unknown: each tells",
            body = Applied),
        (status = 400, description = "invalid_document: `line` says where; invalid_input", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "plan_outdated: the document is another, or the cluster moved; `hash` \
            is the present one", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; resource_busy: another document is being applied; \
            too_busy; `Retry-After` says when to try again", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "cannot_apply: `errors` names what cannot be done or breaks guard \
            rails; nothing was changed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn apply(
    State(state): State<AppState>,
    QueryInput(request): QueryInput<Apply>,
    Extension(call): Extension<Arc<Call>>,
    DocumentBody(document): DocumentBody,
) -> Answer<Response> {
    if request.validate_only {
        let hash = request.hash.as_deref();
        let plan = checked_plan(&state, hash, &document, &call.remarks).await?;
        return Ok(Json(AppliedOrPlanned::Planned(plan)).into_response());
    }
    // It is there: only a dry run does without.
    let hash = request.hash.unwrap_or_default();
    let applied = to_the_end(async move {
        let remarks = &call.remarks;
        apply_planned(&state, &hash, &document, remarks).await
    });
    let applied: Applied = applied.await?;
    let status = if applied.is_complete() {
        StatusCode::OK
    } else {
        StatusCode::MULTI_STATUS
    };
    let evidence = Extension(applied.evidence());
    let answer = AppliedOrPlanned::Applied(applied);
    Ok((status, evidence, Json(answer)).into_response())
}

/// The right to apply a document; another one may take minutes, so that it is not waited for to its end.
async fn turn(applying: &Mutex<()>, patience: Duration) -> Answer<MutexGuard<'_, ()>> {
    let turn = tokio::time::timeout(patience, applying.lock()).await;
    turn.map_err(|_| problems::another_is_applied())
}

/// The plan as it is now, if that is the one that `hash` names and it can be done.
async fn checked_plan(
    state: &AppState,
    hash: Option<&str>,
    document: &Document,
    remarks: &Remarks,
) -> Answer<ApplyPlan> {
    let plan = planned(state, document).await?;
    if hash.is_some_and(|hash| plan.hash != hash) {
        return Err(problems::plan_outdated(&plan.hash));
    }
    let problems = plan.problems(remarks.breaks_glass);
    if !problems.is_empty() {
        return Err(problems::guard_violation(problems).with_code("cannot_apply"));
    }
    Ok(plan)
}

async fn apply_planned(
    state: &AppState,
    hash: &str,
    document: &Document,
    remarks: &Remarks,
) -> Answer<Applied> {
    let _turn = turn(&state.applying, time_limits::TOPIC_LOCK).await?;
    let plan = checked_plan(state, Some(hash), document, remarks).await?;
    let applied = carry_out(state, document, plan).await;
    state.declared.look_again();
    Ok(applied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_document_whose_turn_does_not_come_is_told_when_to_come_back() {
        let applying = Mutex::new(());
        let first = turn(&applying, Duration::ZERO).await.unwrap();
        let problem = turn(&applying, Duration::ZERO).await.unwrap_err();
        assert_eq!(
            (problem.code, problem.status.as_u16(), problem.retry_after_s),
            ("resource_busy", 503, Some(5))
        );
        drop(first);
        assert!(turn(&applying, Duration::ZERO).await.is_ok());
    }
}
