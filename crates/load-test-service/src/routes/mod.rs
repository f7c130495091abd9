//! The service's own routes; service-kit adds probes, metrics and documents.

mod begin;
mod busy;
mod prefer;
mod progress;
mod reset;
mod run;
mod runs;
mod stats;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use begin::{Done, begin, location};
pub use prefer::Prefer;
pub use runs::{Found, Page, RunList, find};

use crate::state::AppState;

/// Path of the one route that bounds itself: a run takes as long as its plan.
pub const RUN_PATH: &str = "/api/loadtest/run";

/// All routes under `/api/loadtest`.
pub fn router(state: AppState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(run::run))
        .routes(routes!(runs::list))
        .routes(routes!(runs::get, runs::cancel))
        .routes(routes!(progress::progress))
        .routes(routes!(stats::stats))
        .routes(routes!(reset::reset))
        .with_state(state)
}
