//! `/api/topics`: listing, describing, creating and deleting topics.

mod create;
mod delete;
mod describe;
mod follow;
mod input;
mod list;
mod partitions;
mod pending;
mod plans;
mod record_plan;
mod records;
mod restore;
mod truncate;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(describe::describe, delete::delete))
        .routes(routes!(restore::restore))
        .routes(routes!(partitions::grow))
        .routes(routes!(records::read, records::produce, truncate::truncate))
        .routes(routes!(follow::follow))
}
