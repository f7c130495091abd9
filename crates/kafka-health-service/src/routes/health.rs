//! `GET /api/health` and `GET /api/health/status`.

use axum::Json;
use axum::extract;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use service_kit::NoInput;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accept::prefers_json;
use crate::report::HealthReport;
use crate::rules::Status;
use crate::state::State;

/// The status alone.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct StatusReport {
    /// The worst of all checks.
    status: Status,
}

pub(super) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(status))
}

/// The health of the cluster: its status, the reasons, and everything that is known.
///
/// Answered at once from what the service saw in the background; Kafka is not asked.
#[utoipa::path(
    get,
    path = "/api/health",
    tag = "health",
    responses(
        (status = 200, description = "HEALTHY or DEGRADED", body = HealthReport),
        (status = 503, description = "CRITICAL or UNKNOWN; the same document", body = HealthReport),
    )
)]
async fn health(extract::State(state): extract::State<State>, _: NoInput) -> Response {
    let view = state.view();
    let report = HealthReport::new(&view.snapshot, &view.judgement);
    answer(report.status, Json(report))
}

/// The status of the cluster alone: plain text, or JSON when `Accept` prefers it.
#[utoipa::path(
    get,
    path = "/api/health/status",
    tag = "health",
    responses(
        (
            status = 200,
            description = "HEALTHY or DEGRADED",
            content((String = "text/plain", example = "HEALTHY"), (StatusReport = "application/json"))
        ),
        (
            status = 503,
            description = "CRITICAL or UNKNOWN",
            content((String = "text/plain", example = "UNKNOWN"), (StatusReport = "application/json"))
        ),
    )
)]
async fn status(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
    _: NoInput,
) -> Response {
    let status = state.view().judgement.status;
    let vary = [(header::VARY, "accept")];
    if prefers_json(&headers) {
        answer(status, (vary, Json(StatusReport { status })))
    } else {
        answer(status, (vary, status.name()))
    }
}

/// 200 when the cluster is known to be of use, 503 otherwise; never to be cached.
fn answer(status: Status, body: impl IntoResponse) -> Response {
    let code = if status.is_usable() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}
