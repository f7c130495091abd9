//! `POST /api/plan`.

use axum::Json;
use axum::extract::State;
use service_kit::problem::{InputProblems, KafkaReadProblems};
use service_kit::{Answer, Fields, FromFields, Problem, QueryInput};

use super::body::DocumentBody;
use crate::declared::{ApplyPlan, Document, RawDocument, look, plan_document};
use crate::state::AppState;
use crate::surroundings;

/// No fields beside the document.
pub struct Nothing;

impl FromFields for Nothing {
    fn from_fields(_: &mut Fields) -> Option<Self> {
        Some(Self)
    }
}

/// Compares a document with the cluster, field by field; changes nothing. `hash` names this comparison
/// for `POST /api/apply`.
#[utoipa::path(
    post,
    path = "/api/plan",
    tag = "declared state",
    request_body(content = RawDocument, content_type = "application/yaml",
        description = "topics in the form of kafka/topics.yml"),
    responses(
        InputProblems,
        KafkaReadProblems,
        (status = 200, description = "what applying it would do", body = ApplyPlan),
        (status = 400, description = "invalid_document: `line` says where; invalid_input", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub async fn plan(
    State(state): State<AppState>,
    QueryInput(Nothing): QueryInput<Nothing>,
    DocumentBody(document): DocumentBody,
) -> Answer<Json<ApplyPlan>> {
    planned(&state, &document).await.map(Json)
}

/// The comparison of a document with the cluster as it is.
pub(super) async fn planned(state: &AppState, document: &Document) -> Answer<ApplyPlan> {
    let named = document.names();
    let look = look(&state.cluster, |name| named.contains(name)).await?;
    state.roster.observe(&look.metadata);
    let around = surroundings::of(&state.cluster, &look.metadata, "").await;
    let present = look.present();
    Ok(plan_document(document, &present, &state.guard, around))
}
