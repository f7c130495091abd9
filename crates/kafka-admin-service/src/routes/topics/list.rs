//! `GET /api/topics`.

use axum::Json;
use axum::extract::State;
use service_kit::problem::KafkaReadProblems;
use service_kit::{Answer, Input};

use super::input::{ListTopics, ListTopicsQuery};
use crate::any_broker;
use crate::state::AppState;
use crate::topic::view::TopicList;

/// Every topic of the cluster by name, Kafka's own included; or those whose name contains `search`, and
/// with a `limit` a page of them.
#[utoipa::path(
    get,
    path = "/api/topics",
    tag = "topics",
    params(ListTopicsQuery),
    responses((status = 200, description = "every topic, by name", body = TopicList), KafkaReadProblems)
)]
pub async fn list(
    State(state): State<AppState>,
    Input(request): Input<ListTopics>,
) -> Answer<Json<TopicList>> {
    let metadata = any_broker::metadata(&state.cluster).await?;
    state.roster.observe(&metadata);
    let mut list = TopicList::from(&metadata);
    let ListTopics {
        search,
        after,
        limit,
    } = request;
    list.keep(search.as_deref(), after.as_deref(), limit);
    Ok(Json(list))
}
