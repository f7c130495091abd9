//! Preferred leader election, of one topic or the whole cluster.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use service_kit::problem::{InputProblems, KafkaWriteProblems};
use service_kit::{Answer, Fields, FromFields, Input, PathParam, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::any_broker;
use crate::elections::{self, Elections};
use crate::problems;
use crate::state::AppState;
use crate::time_limits::{self, Deadline};
use crate::topic::{TopicName, to_the_end};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(of_topic))
        .routes(routes!(of_cluster))
}

/// Whether an election is only looked at.
#[derive(Debug, Clone, Copy)]
struct Elect {
    validate_only: bool,
}

impl FromFields for Elect {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let validate_only = fields.with_default("validateOnly", false);
        Some(Self {
            validate_only: validate_only?,
        })
    }
}

/// How [`Elect`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
struct ElectQuery {
    /// Only answer with who would lead.
    #[param(example = true)]
    validate_only: Option<bool>,
}

/// Gives the partitions of a topic back to their preferred leaders (the first replica of each), where
/// those are in sync. An unclean election is never made.
#[utoipa::path(
    post,
    path = "/api/topics/{name}/elections",
    tag = "partitions",
    params(
        ("name" = String, Path, description = "the topic's name", example = "log-events"),
        ElectQuery
    ),
    responses(
        InputProblems,
        KafkaWriteProblems,
        (status = 200, description = "elected, as metadata shows; or who would be, with validateOnly=true",
            body = Elections),
        (status = 207, description = "some failed or are unknown: each partition tells", body = Elections),
        (status = 404, description = "topic_not_found", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; topic_busy, too_busy; `Retry-After` says when \
            to try again", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn of_topic(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    Input(request): Input<Elect>,
) -> Answer<Response> {
    let topic = any_broker::topic(&state.cluster, name.as_str()).await;
    topic.map_err(|error| problems::of_read(error, &name))?;
    elect(state, Some(name.to_string()), request).await
}

/// The same for every topic of the cluster.
#[utoipa::path(
    post,
    path = "/api/elections",
    tag = "partitions",
    params(ElectQuery),
    responses(
        InputProblems,
        KafkaWriteProblems,
        (status = 200, description = "elected, as metadata shows; or who would be, with validateOnly=true",
            body = Elections),
        (status = 207, description = "some failed or are unknown: each partition tells", body = Elections),
        (status = 503, description = "kafka_unreachable; topic_busy, too_busy; `Retry-After` says when \
            to try again", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn of_cluster(
    State(state): State<AppState>,
    Input(request): Input<Elect>,
) -> Answer<Response> {
    elect(state, None, request).await
}

async fn elect(state: AppState, topic: Option<String>, request: Elect) -> Answer<Response> {
    let metadata = any_broker::metadata(&state.cluster).await?;
    state.roster.observe(&metadata);
    let mut elections = elections::plan(&metadata, topic.as_deref());
    if !request.validate_only {
        let names = elections.topics();
        elections =
            to_the_end(async move { elect_in_turn(&state, topic.as_deref(), names).await }).await?;
    }
    let status = if elections.is_complete() {
        StatusCode::OK
    } else {
        StatusCode::MULTI_STATUS
    };
    Ok((status, Json(elections)).into_response())
}

/// Elects once it is the turn of all `names`: by then others may have changed who leads.
async fn elect_in_turn(
    state: &AppState,
    topic: Option<&str>,
    names: BTreeSet<TopicName>,
) -> Answer<Elections> {
    let deadline = Deadline::within(time_limits::WHOLE_WRITE);
    let turns = state.writer.turns(names.clone()).await;
    let _turns = turns.map_err(|name| problems::busy(&name))?;
    let metadata = any_broker::metadata(&state.cluster).await?;
    let mut elections = elections::plan(&metadata, topic);
    elections.keep_to(&names);
    elections::carry_out(&state.cluster, elections, deadline)
        .await
        .map_err(Problem::from)
}
