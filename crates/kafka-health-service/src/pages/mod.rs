//! The page at `/`: the status and why, then brokers, partitions, groups, ZooKeeper, and what happened.
//!
//! Everything on it comes from what the API answers; nothing needs JavaScript.

mod grid;
mod home;
mod plots;

use axum::routing::get;
use service_pages::{Link, Shell, assets};
use utoipa_axum::router::OpenApiRouter;

use crate::state::State;

const SHELL: Shell = Shell {
    service: "kafka-health-service",
    links: &[
        Link {
            href: "/api/health",
            text: "JSON",
        },
        Link {
            href: "/swagger-ui/",
            text: "API",
        },
        Link {
            href: "/metrics",
            text: "Metrics",
        },
    ],
    footer: "Times are UTC. What was not observed, or not lately, is UNKNOWN and never healthy.",
};

/// The page; it is not part of the API's document.
pub fn router(state: State) -> OpenApiRouter {
    OpenApiRouter::new()
        .route("/", get(home::home))
        .with_state(state)
        .merge(OpenApiRouter::from(assets()))
}
