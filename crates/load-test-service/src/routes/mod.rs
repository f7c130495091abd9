//! The service's own routes; service-kit adds probes, metrics and documents.

mod begin;
mod busy;
mod prefer;
mod progress;
mod reset;
mod run;
mod runs;
mod search;
mod stats;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use begin::{Done, begin, location};
pub use prefer::Prefer;
pub use runs::{Found, RunList, find};

use crate::state::AppState;

/// Routes that bound themselves: a run takes as long as its plan.
pub const RUN_PATHS: [&str; 3] = [
    "/api/loadtest/run",
    "/api/loadtest/sweep",
    "/api/loadtest/compare",
];

/// All routes under `/api/loadtest`.
pub fn router(state: AppState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(run::run))
        .routes(routes!(search::sweep))
        .routes(routes!(search::compare))
        .routes(routes!(runs::list))
        .routes(routes!(runs::get, runs::cancel))
        .routes(routes!(progress::progress))
        .routes(routes!(stats::stats))
        .routes(routes!(reset::reset))
        .with_state(state)
}
