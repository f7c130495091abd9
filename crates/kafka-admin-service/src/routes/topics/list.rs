//! `GET /api/topics`.

use axum::Json;
use axum::extract::State;
use service_kit::problem::KafkaReadProblems;
use service_kit::{Answer, NoInput};

use crate::any_broker;
use crate::state::AppState;
use crate::topic::view::TopicList;

/// Every topic of the cluster, Kafka's own included.
#[utoipa::path(
    get,
    path = "/api/topics",
    tag = "topics",
    responses((status = 200, description = "every topic, by name", body = TopicList), KafkaReadProblems)
)]
pub async fn list(State(state): State<AppState>, _: NoInput) -> Answer<Json<TopicList>> {
    let metadata = any_broker::metadata(&state.cluster).await?;
    state.roster.observe(&metadata);
    Ok(Json(TopicList::from(&metadata)))
}
