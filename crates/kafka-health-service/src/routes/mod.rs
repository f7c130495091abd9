//! The routes of this service: one file per resource.

mod accept;
mod groups;
mod health;
mod history;
mod maintenance;
mod partitions;
mod stop_impact;
#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;

use crate::state::State;

/// All of them.
pub fn router(state: State) -> OpenApiRouter {
    health::router()
        .merge(stop_impact::router())
        .merge(history::router())
        .merge(maintenance::router())
        .merge(partitions::router())
        .merge(groups::router())
        .with_state(state)
}
