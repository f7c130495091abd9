//! `/api/groups/{groupId}/offsets`: moving and removing commits, and taking that back.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use service_kit::problem::{InputProblems, KafkaWriteProblems};
use service_kit::{Answer, Input, PathParam, Problem};

use super::input::{
    RemoveOffsets, RemoveOffsetsQuery, ResetOffsets, ResetOffsetsBody, Undo, UndoQuery,
};
use super::problems::GroupWriteProblems;
use crate::groups::view::OffsetChanges;
use crate::groups::{GroupError, Plan};
use crate::problems;
use crate::state::AppState;
use crate::topic::to_the_end;

/// Moves what a group committed. A dry run unless `execute=true`: it tells for each partition the old
/// offset, the new one, and how many records are skipped or read again. What was there is kept for
/// `undo`, and what was committed is read back.
#[utoipa::path(
    post,
    path = "/api/groups/{groupId}/offsets/reset",
    tag = "groups",
    params(
        ("groupId" = String, Path, description = "the group's id", example = "old-reader"),
        ResetOffsetsBody
    ),
    request_body(content = Option<ResetOffsetsBody>, description = "instead of the query"),
    responses(
        InputProblems,
        KafkaWriteProblems,
        GroupWriteProblems,
        (status = 200, description = "the dry run; or done, each partition read back", body = OffsetChanges),
        (status = 207, description = "done in part: each partition tells", body = OffsetChanges),
        (status = 422, description = "nothing_to_change: no partition is meant", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub async fn reset(
    State(state): State<AppState>,
    PathParam(id): PathParam<String>,
    Input(request): Input<ResetOffsets>,
) -> Answer<Response> {
    let (writer, group) = (state.groups.clone(), id.clone());
    let plan = to_the_end(async move {
        let ResetOffsets { to, scope, execute } = request;
        writer.reset(&group, to, &scope, execute).await
    });
    answer(&state, &id, plan.await)
}

/// Restores what was there before the newest change to the group's offsets that was not taken back. A
/// dry run unless `execute=true`.
#[utoipa::path(
    post,
    path = "/api/groups/{groupId}/offsets/undo",
    tag = "groups",
    params(
        ("groupId" = String, Path, description = "the group's id", example = "old-reader"),
        UndoQuery
    ),
    responses(
        InputProblems,
        KafkaWriteProblems,
        GroupWriteProblems,
        (status = 200, description = "the dry run; or done, each partition read back", body = OffsetChanges),
        (status = 207, description = "done in part: each partition tells", body = OffsetChanges),
        (status = 404, description = "group_not_found; nothing_to_undo: no change is kept", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub async fn undo(
    State(state): State<AppState>,
    PathParam(id): PathParam<String>,
    Input(request): Input<Undo>,
) -> Answer<Response> {
    let (writer, group) = (state.groups.clone(), id.clone());
    let plan = to_the_end(async move { writer.undo(&group, request.execute).await }).await;
    answer(&state, &id, plan)
}

/// Removes what a group committed on some topics or partitions. What was there is kept for `undo`.
#[utoipa::path(
    delete,
    path = "/api/groups/{groupId}/offsets",
    tag = "groups",
    params(
        ("groupId" = String, Path, description = "the group's id", example = "old-reader"),
        RemoveOffsetsQuery
    ),
    responses(
        KafkaWriteProblems,
        GroupWriteProblems,
        (status = 200, description = "removed, and read back; or what would be, with validateOnly=true",
            body = OffsetChanges),
        (status = 207, description = "done in part: each partition tells", body = OffsetChanges),
        (status = 422, description = "nothing_to_change: the group has no such commit", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub async fn remove(
    State(state): State<AppState>,
    PathParam(id): PathParam<String>,
    Input(request): Input<RemoveOffsets>,
) -> Answer<Response> {
    let (writer, group) = (state.groups.clone(), id.clone());
    let plan = to_the_end(async move {
        let execute = !request.validate_only;
        writer.delete_offsets(&group, &request.scope, execute).await
    });
    answer(&state, &id, plan.await)
}

fn answer(state: &AppState, id: &str, plan: Result<Plan, GroupError>) -> Answer<Response> {
    let plan = plan.map_err(|error| problems::of_group(error, id))?;
    if plan.steps.is_empty() {
        return Err(problems::nothing_to_change(id));
    }
    let status = if plan.is_complete() {
        StatusCode::OK
    } else {
        StatusCode::MULTI_STATUS
    };
    let view = OffsetChanges::new(&plan, state.groups.keeps_on_disk());
    Ok((status, Json(view)).into_response())
}
