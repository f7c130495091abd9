//! `GET /api/health/groups/{id}`.

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, HeaderValue, header};
use service_kit::problem::InputProblems;
use service_kit::{Answer, NoInput, PathParam, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::report::ConsumerGroupHealth;
use crate::state::State;

pub(super) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(group))
}

/// One consumer group with the lag of every partition, as last measured.
///
/// Answered at once from what was seen last; Kafka is not asked.
#[utoipa::path(
    get,
    path = "/api/health/groups/{id}",
    tag = "health",
    params(("id" = String, Path, description = "`group.id`", example = "log-processor")),
    responses(
        InputProblems,
        (status = 200, description = "the group", body = ConsumerGroupHealth),
        (status = 404, description = "group_not_found: no such group was seen", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "groups_unknown: they were not read yet", body = Problem,
            content_type = "application/problem+json"),
    )
)]
async fn group(
    extract::State(state): extract::State<State>,
    PathParam(id): PathParam<String>,
    _: NoInput,
) -> Answer<([(HeaderName, HeaderValue); 1], Json<ConsumerGroupHealth>)> {
    let view = state.view();
    if view.snapshot.groups.seen.is_none() {
        let detail = "consumer groups were not read yet; see GET /api/health";
        return Err(Problem::unavailable("groups_unknown", detail));
    }
    let group = ConsumerGroupHealth::whole(&id, &view.snapshot, &view.judgement);
    let detail = || format!("no consumer group {id:?} was seen; GET /api/health names all");
    let group = group.ok_or_else(|| Problem::not_found("group_not_found", detail()))?;
    let fresh = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((fresh, Json(group)))
}
