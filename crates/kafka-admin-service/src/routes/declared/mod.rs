//! Declared state: exporting it, comparing it, applying it.

mod apply;
mod body;
mod export;
mod plan;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// A thousand topics with ten settings each are some 600 kB.
const MAX_DOCUMENT_BYTES: usize = 4 * 1024 * 1024;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(plan::plan))
        .routes(routes!(apply::apply))
        .layer(DefaultBodyLimit::max(MAX_DOCUMENT_BYTES))
        .routes(routes!(export::export))
}
