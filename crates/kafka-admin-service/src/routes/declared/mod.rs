//! Declared state: exporting it, comparing it, applying it.

mod apply;
mod body;
mod export;
mod plan;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(plan::plan))
        .routes(routes!(apply::apply))
        .routes(routes!(export::export))
}
