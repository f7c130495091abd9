//! `POST .../configs/revert`: what one audited write changed is taken back.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use service_kit::problem::{InputProblems, KafkaWriteProblems};
use service_kit::{Answer, Fields, FromFields, Input, PathParam, Problem};

use super::{Wish, write_broker, write_topic};
use crate::audit;
use crate::call::Call;
use crate::configs::view::ConfigsWritten;
use crate::configs::{ConfigTarget, ConfigWrite, Extent, IfMatch, Reversal};
use crate::problems;
use crate::state::AppState;
use crate::topic::TopicName;

/// Which write, and how.
pub(super) struct Revert {
    audit_id: String,
    force: bool,
    validate_only: bool,
}

impl FromFields for Revert {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let audit_id = fields.required("auditId");
        let force = fields.with_default("force", false);
        let validate_only = fields.with_default("validateOnly", false);
        Some(Self {
            audit_id: audit_id?,
            force: force?,
            validate_only: validate_only?,
        })
    }
}

/// How [`Revert`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub(super) struct RevertQuery {
    /// The write, from `GET /api/audit`.
    #[param(example = "1764062400123-5f2c9a10-000003")]
    audit_id: String,
    /// Also where the settings have changed again since.
    force: Option<bool>,
    /// Only answer with what would change.
    validate_only: Option<bool>,
}

/// Takes back what one write changed: what was there before is there again, and what was a default is one
/// again. Other settings are not touched. Refused where the settings of that write have changed since.
#[utoipa::path(
    post,
    path = "/api/topics/{name}/configs/revert",
    tag = "configs",
    params(("name" = String, Path, description = "the topic's name", example = "log-events"), RevertQuery),
    responses(
        InputProblems,
        KafkaWriteProblems,
        (status = 200, description = "written and read back; or the plan, with validateOnly",
            body = ConfigsWritten, headers(("ETag" = String, description = "of what is overridden now"))),
        (status = 403, description = "forbidden: an internal topic; protected_topic: what the audit log \
            keeps; kafka_denied", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "topic_not_found; audit_entry_not_found; no_audit", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "changed_since: `errors` names each setting", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "not_revertible; guard_violation, kafka_refused: `errors` names each \
            setting", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; resource_busy, too_busy; `Retry-After` says when to \
            try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn of_topic(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    Extension(call): Extension<Arc<Call>>,
    Input(request): Input<Revert>,
) -> Answer<Response> {
    let wish = wish(&state, &ConfigTarget::Topic(name.clone()), &request).await?;
    write_topic(state, name, wish, &call.remarks).await
}

/// The same for the dynamic settings of one broker. What is sensitive is not in the audit and cannot come
/// back.
#[utoipa::path(
    post,
    path = "/api/brokers/{id}/configs/revert",
    tag = "configs",
    params(("id" = i32, Path, description = "the broker's id", example = 1), RevertQuery),
    responses(
        InputProblems,
        KafkaWriteProblems,
        (status = 200, description = "written and read back; or the plan, with validateOnly",
            body = ConfigsWritten, headers(("ETag" = String, description = "of what is overridden now"))),
        (status = 404, description = "broker_not_found; audit_entry_not_found; no_audit", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "changed_since: `errors` names each setting", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "not_revertible; kafka_refused", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; broker_down, resource_busy, too_busy", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn of_broker(
    State(state): State<AppState>,
    PathParam(id): PathParam<i32>,
    Input(request): Input<Revert>,
) -> Answer<Response> {
    let wish = wish(&state, &ConfigTarget::Broker(id), &request).await?;
    write_broker(state, id, wish).await
}

async fn wish(state: &AppState, target: &ConfigTarget, request: &Revert) -> Answer<Wish> {
    let trail = state.trail()?;
    let id = &request.audit_id;
    let topic = trail.topic();
    let entry = audit::read_one(&state.cluster, topic, id).await;
    let entry = entry.map_err(|error| problems::of_audit_read(error, topic))?;
    let Some(entry) = entry else {
        let detail = format!("the audit has no write {id:?}; GET /api/audit lists them");
        return Err(Problem::not_found("audit_entry_not_found", detail));
    };
    let reversal = Reversal::of(&entry, target).map_err(|why| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Problem::new(status, "not_revertible", why.to_string())
    })?;
    Ok(Wish {
        write: ConfigWrite {
            configs: reversal.wanted.clone(),
            validate_only: request.validate_only,
        },
        extent: Extent::Merge,
        if_match: IfMatch::Any,
        reverses: (!request.force).then_some(reversal),
    })
}
