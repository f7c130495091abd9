//! The service's own routes; service-kit adds probes, metrics and documents.

mod busy;
mod reset;
mod run;
mod stats;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// Path of the one route that bounds itself: a run takes as long as its plan.
pub const RUN_PATH: &str = "/api/loadtest/run";

/// All routes under `/api/loadtest`.
pub fn router(state: AppState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(run::run))
        .routes(routes!(stats::stats))
        .routes(routes!(reset::reset))
        .with_state(state)
}
