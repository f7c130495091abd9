//! `GET /api/topics/{name}`.

use axum::Json;
use axum::extract::State;
use service_kit::problem::KafkaReadProblems;
use service_kit::{Answer, NoInput, PathParam, Problem};

use crate::any_broker;
use crate::problems;
use crate::state::AppState;
use crate::time_limits;
use crate::topic::view::TopicDetail;
use crate::topic::{self, TopicName};

/// One topic with its partitions, their offsets, and its settings. What could not be learned in time
/// is null with its reason beside it.
#[utoipa::path(
    get,
    path = "/api/topics/{name}",
    tag = "topics",
    params(("name" = String, Path, description = "the topic's name", example = "log-events")),
    responses(
        (status = 200, description = "the topic", body = TopicDetail),
        (status = 400, description = "invalid_input: no topic can have this name; an unknown query \
            parameter", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "topic_not_found", body = Problem,
            content_type = "application/problem+json"),
        KafkaReadProblems
    )
)]
pub async fn describe(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    _: NoInput,
) -> Answer<Json<TopicDetail>> {
    let topic = any_broker::topic(&state.cluster, name.as_str())
        .await
        .map_err(|error| problems::of_read(error, &name))?;
    Ok(Json(
        topic::describe(&state.cluster, &topic, time_limits::DETAIL).await,
    ))
}
