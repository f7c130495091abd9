//! `/api/topics`: listing, describing, creating and deleting topics.

mod create;
mod delete;
mod describe;
mod input;
mod list;
mod pending;
mod plans;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(describe::describe, delete::delete))
}
