//! The routes of this service: one file per resource.

mod accept;
mod health;
#[cfg(test)]
mod tests;

use utoipa_axum::router::OpenApiRouter;

use crate::state::State;

/// All of them.
pub fn router(state: State) -> OpenApiRouter {
    health::router().with_state(state)
}
