//! `GET /api/groups/{groupId}`.

use axum::Json;
use axum::extract::State;
use service_kit::problem::KafkaReadProblems;
use service_kit::{Answer, NoInput, PathParam, Problem};

use crate::groups::view::GroupDetail;
use crate::groups::{locate, read_groups};
use crate::problems;
use crate::state::AppState;
use crate::time_limits;

/// One group: who reads, what was committed, and how far it is behind.
#[utoipa::path(
    get,
    path = "/api/groups/{groupId}",
    tag = "groups",
    params(("groupId" = String, Path, description = "the group's id", example = "log-processor")),
    responses(
        (status = 200, description = "the group", body = GroupDetail),
        (status = 404, description = "group_not_found", body = Problem,
            content_type = "application/problem+json"),
        KafkaReadProblems
    )
)]
pub async fn describe(
    State(state): State<AppState>,
    PathParam(id): PathParam<String>,
    _: NoInput,
) -> Answer<Json<GroupDetail>> {
    let group = locate(&state.cluster, &id, time_limits::METADATA).await;
    let group = group.map_err(|error| problems::of_group(error, &id))?;
    let listed = std::slice::from_ref(&group);
    let reading = read_groups(&state.cluster, listed, time_limits::DETAIL).await?;
    Ok(Json(GroupDetail::new(&group, &reading)))
}
