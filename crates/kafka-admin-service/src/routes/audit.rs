//! `GET /api/audit`.

use axum::Json;
use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use service_kit::problem::{InputProblems, KafkaReadProblems};
use service_kit::{Answer, FieldProblem, FieldValue, Fields, FromFields, Input, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audit::{AuditPage, Cursor, Filter, read};
use crate::problems;
use crate::state::AppState;

/// Writes of one answer, unless told otherwise, and at most.
const PAGE: (usize, usize) = (100, 1_000);
/// How far back it looks, unless told.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(audit))
}

/// Which writes.
struct AuditInput(Filter);

impl FromFields for AuditInput {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let topic = fields.optional("topic");
        let actor = fields.optional("actor");
        let since = fields.optional::<Timestamp>("since");
        let before = fields.optional::<Cursor>("cursor");
        let limit = fields.with_default_in("limit", 1..=PAGE.1, PAGE.0);
        let a_day_ago = || service_kit::time::now() - LOOK_BACK;
        Some(Self(Filter {
            topic: topic?,
            actor: actor?,
            since: since?.unwrap_or_else(a_day_ago),
            before: before?,
            limit: limit?,
        }))
    }
}

impl FieldValue for Cursor {
    fn from_text(text: &str) -> Result<Self, FieldProblem> {
        text.parse()
            .map_err(|error: String| FieldProblem::new("invalid_cursor", error))
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        Self::from_text(value.as_str().unwrap_or_default())
    }
}

/// How [`AuditInput`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents; nothing is built from it")]
struct AuditQuery {
    /// Only writes about this topic, or about it among others.
    #[param(example = "orders")]
    topic: Option<String>,
    /// Only writes of this actor.
    #[param(example = "anonymous")]
    actor: Option<String>,
    /// Only writes since this time; the last 24 hours unless given.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00Z")]
    since: Option<String>,
    /// `nextCursor` of the page before.
    #[param(example = "1764062400123-5f2c9a10-000003")]
    cursor: Option<String>,
    /// Writes at most, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Who did what, from where, why, and what became of it, newest first. A write without an outcome may have
/// been done or not.
#[utoipa::path(
    get,
    path = "/api/audit",
    tag = "audit",
    params(AuditQuery),
    responses(
        (status = 200, description = "the writes that match", body = AuditPage),
        InputProblems,
        KafkaReadProblems,
        (status = 404, description = "no_audit: this service keeps none; topic_not_found", body = Problem,
            content_type = "application/problem+json"),
    )
)]
async fn audit(
    State(state): State<AppState>,
    Input(AuditInput(filter)): Input<AuditInput>,
) -> Answer<Json<AuditPage>> {
    let trail = state.trail()?;
    let topic = trail.topic();
    let page = read(&state.cluster, topic, &filter).await;
    Ok(Json(
        page.map_err(|error| problems::of_audit_read(error, topic))?,
    ))
}
