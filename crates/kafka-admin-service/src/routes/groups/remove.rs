//! `DELETE /api/groups/{groupId}`.

use axum::Json;
use axum::extract::State;
use service_kit::problem::KafkaWriteProblems;
use service_kit::{Answer, Input, PathParam};

use super::input::{RemoveGroup, RemoveGroupQuery};
use super::problems::GroupWriteProblems;
use crate::groups::view::OffsetChanges;
use crate::problems;
use crate::state::AppState;
use crate::topic::to_the_end;

/// Deletes a group without members, and all that it committed; the answer names what that was.
#[utoipa::path(
    delete,
    path = "/api/groups/{groupId}",
    tag = "groups",
    params(
        ("groupId" = String, Path, description = "the group's id", example = "old-reader"),
        RemoveGroupQuery
    ),
    responses(
        KafkaWriteProblems,
        GroupWriteProblems,
        (status = 200, description = "deleted; or what would be, with validateOnly=true",
            body = OffsetChanges),
    )
)]
pub async fn remove(
    State(state): State<AppState>,
    PathParam(id): PathParam<String>,
    Input(request): Input<RemoveGroup>,
) -> Answer<Json<OffsetChanges>> {
    let (writer, group) = (state.groups.clone(), id.clone());
    let plan = to_the_end(async move { writer.delete(&group, !request.validate_only).await }).await;
    let plan = plan.map_err(|error| problems::of_group(error, &id))?;
    Ok(Json(OffsetChanges::new(
        &plan,
        state.groups.keeps_on_disk(),
    )))
}
