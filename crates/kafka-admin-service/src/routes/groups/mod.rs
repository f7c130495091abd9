//! `/api/groups`: consumer groups, their members and offsets.

mod describe;
mod input;
mod list;
mod offsets;
mod problems;
mod remove;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(describe::describe, remove::remove))
        .routes(routes!(offsets::remove))
        .routes(routes!(offsets::reset))
        .routes(routes!(offsets::undo))
}
