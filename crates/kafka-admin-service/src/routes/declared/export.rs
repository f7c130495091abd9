//! `GET /api/topics/export`.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use service_kit::problem::KafkaReadProblems;
use service_kit::{Answer, Fields, FromFields, Input};

use crate::declared::{RawDocument, look, to_yaml};
use crate::state::AppState;

/// Which topics are exported.
#[derive(Debug, Clone)]
pub struct Export {
    prefix: Option<String>,
}

impl FromFields for Export {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let prefix = fields.optional("prefix");
        Some(Self { prefix: prefix? })
    }
}

/// How [`Export`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct ExportQuery {
    /// Only topics whose names begin with this.
    #[param(example = "team-a.")]
    prefix: Option<String>,
}

/// The topics of the cluster as a document in the form of `kafka/topics.yml`: applying it changes
/// nothing. Internal topics are not in it, nor settings that a topic does not override.
#[utoipa::path(
    get,
    path = "/api/topics/export",
    tag = "declared state",
    params(ExportQuery),
    responses(
        (status = 200, description = "the document", body = RawDocument, content_type = "application/yaml"),
        KafkaReadProblems
    )
)]
pub async fn export(
    State(state): State<AppState>,
    Input(request): Input<Export>,
) -> Answer<Response> {
    let prefix = request.prefix.unwrap_or_default();
    let wanted = |name: &str| !name.starts_with("__") && name.starts_with(&prefix);
    let look = look(&state.cluster, wanted).await?;
    let text = to_yaml(&look.specs());
    Ok(([(header::CONTENT_TYPE, "application/yaml")], text).into_response())
}
