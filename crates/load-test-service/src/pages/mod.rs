//! The page at `/`: start a run, watch it, find it again, and read its report with its plots.
//!
//! Everything on it comes from what the API answers; nothing needs JavaScript.

mod form;
mod home;
mod plots;
mod report;

use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use service_kit::{Answer, Problem};
use service_pages::{Link, Shell, assets};
use utoipa_axum::router::OpenApiRouter;

use crate::runs::RunState;
use crate::state::AppState;

const SHELL: Shell = Shell {
    service: "load-test-service",
    links: &[
        Link {
            href: "/api/loadtest/runs",
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
    footer: "Latency counts from the time an event should have been sent to its acknowledgement.",
};

/// The pages; they are not part of the API's document.
pub fn router(state: AppState) -> OpenApiRouter {
    OpenApiRouter::new()
        .route("/", get(home::home).post(home::start))
        .route("/runs/{id}", get(report::run))
        .route("/runs/{id}/cancel", post(report::cancel))
        .with_state(state)
        .merge(OpenApiRouter::from(assets()))
}

fn page(
    status: StatusCode,
    title: &str,
    refresh_s: Option<u32>,
    body: askama::Result<String>,
) -> Answer<Response> {
    body.and_then(|body| SHELL.page(status, title, refresh_s, &body))
        .map_err(Problem::internal)
}

/// The class of the style that belongs to a state.
fn tone(state: RunState) -> &'static str {
    match state {
        RunState::Running | RunState::Ended => "",
        RunState::Cancelled | RunState::Interrupted => "warn",
        RunState::Failed => "bad",
    }
}
