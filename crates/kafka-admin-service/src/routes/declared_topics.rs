//! `GET /api/declared-topics`: how the declared topics are, as last compared.

use axum::Json;
use axum::extract::State;
use service_kit::NoInput;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::declared::DeclaredReport;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(report))
}

/// The declared topics and what differs from them, as last compared (`checkTime`). It does not ask
/// Kafka, so it answers while Kafka is down too.
#[utoipa::path(
    get,
    path = "/api/declared-topics",
    tag = "topics",
    responses((status = 200, description = "the latest comparison", body = DeclaredReport))
)]
async fn report(State(state): State<AppState>, _: NoInput) -> Json<DeclaredReport> {
    Json((*state.declared.report()).clone())
}
