//! `GET /api/groups`.

use axum::Json;
use axum::extract::State;
use service_kit::problem::KafkaReadProblems;
use service_kit::{Answer, Input};

use super::input::{ListGroups, ListGroupsQuery};
use crate::groups::read_groups;
use crate::groups::view::{GroupList, GroupSummary};
use crate::state::AppState;
use crate::time_limits;

/// Consumer groups with their state, members and lag, by id.
#[utoipa::path(
    get,
    path = "/api/groups",
    tag = "groups",
    params(ListGroupsQuery),
    responses((status = 200, description = "one page of groups", body = GroupList), KafkaReadProblems)
)]
pub async fn list(
    State(state): State<AppState>,
    Input(request): Input<ListGroups>,
) -> Answer<Json<GroupList>> {
    let listings = state.cluster.groups(time_limits::METADATA).await?;
    let brokers_silent = listings.errors.keys().copied().collect();
    let mut wanted: Vec<_> = listings
        .groups
        .into_iter()
        .filter(|group| {
            let states = request.states.as_ref();
            states.is_none_or(|states| states.iter().any(|state| state == group.state.name()))
        })
        .filter(|group| {
            let search = request.search.as_ref();
            search.is_none_or(|search| group.id.contains(search))
        })
        .filter(|group| {
            let after = request.after.as_ref();
            after.is_none_or(|after| group.id > *after)
        })
        .collect();
    let more = wanted.len() > request.limit;
    wanted.truncate(request.limit);
    let reading = read_groups(&state.cluster, &wanted, time_limits::DETAIL).await?;
    let next_cursor = wanted.last().filter(|_| more).map(|group| group.id.clone());
    let groups = wanted.iter();
    Ok(Json(GroupList {
        groups: groups
            .map(|group| GroupSummary::new(group, &reading))
            .collect(),
        next_cursor,
        brokers_silent,
    }))
}
