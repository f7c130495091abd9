//! `POST /api/apply`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use service_kit::problem::{InputProblems, KafkaWriteProblems};
use service_kit::{Answer, Fields, FromFields, Problem, QueryInput};

use super::body::DocumentBody;
use super::plan::planned;
use crate::call::Call;
use crate::declared::{Applied, Document, RawDocument, carry_out};
use crate::problems;
use crate::remarks::Remarks;
use crate::state::AppState;
use crate::topic::to_the_end;

/// Which plan is applied.
#[derive(Debug, Clone)]
pub struct Apply {
    hash: String,
}

impl FromFields for Apply {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let hash = fields.required("hash");
        Some(Self { hash: hash? })
    }
}

/// How [`Apply`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct ApplyQuery {
    /// `hash` of the plan for this document: refused with 412 when the plan is another by now.
    #[param(example = "6c62272e07bb014262b821756295c58d")]
    hash: String,
}

/// Does what the plan of this document says: makes topics, adds partitions, changes settings. Deletes
/// only what the document names under `deletes`; settings and topics that it does not name are left
/// alone. Each topic tells what became of it.
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
        (status = 200, description = "applied, or nothing to do", body = Applied),
        (status = 207, description = "some topics failed, in part or whole, or are unknown: each tells",
            body = Applied),
        (status = 400, description = "invalid_document: `line` says where; invalid_input", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "plan_outdated: the document is another, or the cluster moved; `hash` \
            is the present one", body = Problem, content_type = "application/problem+json"),
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
    let applied = to_the_end(async move {
        let remarks = &call.remarks;
        apply_planned(&state, &request.hash, &document, remarks).await
    });
    let applied: Applied = applied.await?;
    let status = if applied.is_complete() {
        StatusCode::OK
    } else {
        StatusCode::MULTI_STATUS
    };
    let evidence = Extension(applied.evidence());
    Ok((status, evidence, Json(applied)).into_response())
}

async fn apply_planned(
    state: &AppState,
    hash: &str,
    document: &Document,
    remarks: &Remarks,
) -> Answer<Applied> {
    let _turn = state.applying.lock().await;
    let plan = planned(state, document).await?;
    if plan.hash != hash {
        return Err(problems::plan_outdated(&plan.hash));
    }
    let problems = plan.problems(remarks.breaks_glass);
    if !problems.is_empty() {
        return Err(problems::guard_violation(problems).with_code("cannot_apply"));
    }
    let applied = carry_out(state, document, plan).await;
    state.declared.look_again();
    Ok(applied)
}
