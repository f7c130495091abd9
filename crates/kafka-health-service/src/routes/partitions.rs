//! `GET /api/health/partitions`: partitions one by one, with what is wrong with each.

use axum::Json;
use axum::extract;
use serde::Serialize;
use service_kit::problem::InputProblems;
use service_kit::{Answer, Fields, FromFields, Input, Problem};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::rules::{PartitionProblem, PartitionVerdict, partitions};
use crate::state::State;

const PARTITIONS: (usize, usize) = (100, 1000);

pub(super) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which partitions.
struct Which {
    problem: Option<PartitionProblem>,
    topic: Option<String>,
    limit: usize,
    after: Option<(String, i32)>,
}

impl FromFields for Which {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let problem: Option<String> = fields.optional("problem")?;
        let known = problem.as_deref().map(PartitionProblem::of_name);
        let names = PartitionProblem::ALL.map(PartitionProblem::name).join(", ");
        let message = format!("must be one of {names}");
        fields.check("problem", known != Some(None), "invalid", message);
        let topic = fields.optional("topic");
        let limit = fields.with_default_in("limit", 1..=PARTITIONS.1, PARTITIONS.0);
        let after: Option<String> = fields.optional("after")?;
        let place = after.as_deref().map(|text| {
            let (topic, partition) = text.rsplit_once('-')?;
            Some((topic.to_owned(), partition.parse().ok()?))
        });
        let message = "must be `next` of the page before";
        fields.check("after", place != Some(None), "invalid", message);
        Some(Self {
            problem: known.flatten(),
            topic: topic?,
            limit: limit?,
            after: place.flatten(),
        })
    }
}

/// How [`Which`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents; nothing is built from it")]
struct PartitionsQuery {
    /// Only those that have it.
    #[param(example = "under_replicated")]
    problem: Option<PartitionProblem>,
    /// Only those of this topic.
    topic: Option<String>,
    /// Partitions at most, 100 unless given.
    #[param(minimum = 1, maximum = 1000, required = false)]
    limit: usize,
    /// Only those after this one: `next` of the page before.
    #[param(example = "log-events-11")]
    after: Option<String>,
}

/// One page of partitions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Partitions {
    /// Partitions in the order of topic and id.
    partitions: Vec<PartitionReport>,
    /// How many there are that match, on all pages.
    total: usize,
    /// `after` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "log-events-11")]
    next: Option<String>,
}

/// One partition.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PartitionReport {
    /// Topic name.
    topic: String,
    /// Its id.
    partition: i32,
    /// The leading broker; null while there is none.
    #[schema(required = true)]
    leader: Option<i32>,
    /// Assigned brokers, the preferred leader first.
    replicas: Vec<i32>,
    /// Brokers in sync.
    in_sync_replicas: Vec<i32>,
    /// `min.insync.replicas`; null where that is not known.
    #[schema(required = true)]
    min_in_sync_replicas: Option<usize>,
    /// What is wrong with it.
    problems: Vec<PartitionProblem>,
}

/// Partitions as last seen, one by one: all, or those with one problem, or of one topic.
#[utoipa::path(
    get,
    path = "/api/health/partitions",
    tag = "health",
    params(PartitionsQuery),
    responses(
        (status = 200, description = "one page of partitions", body = Partitions),
        (status = 503, description = "partitions_unknown: they were not read yet, or too long ago, or this service \
            may not see all of them",
            body = Problem, content_type = "application/problem+json"),
        InputProblems
    )
)]
async fn list(
    extract::State(state): extract::State<State>,
    Input(which): Input<Which>,
) -> Answer<Json<Partitions>> {
    let view = state.view();
    if !view.judgement.knows_partitions() {
        let detail = "partitions were not read yet, or too long ago, or some may be hidden; see GET /api/health";
        return Err(Problem::unavailable("partitions_unknown", detail));
    }
    let all = partitions(&view.snapshot, &view.judgement);
    let wanted = all.filter(|one| {
        which
            .topic
            .as_deref()
            .is_none_or(|topic| topic == one.topic)
            && which
                .problem
                .is_none_or(|problem| one.problems.contains(&problem))
    });
    let wanted: Vec<_> = wanted.collect();
    let total = wanted.len();
    let after = which.after.as_ref();
    let later = wanted.iter().filter(|one| {
        after.is_none_or(|(topic, id)| (one.topic, one.partition.id) > (topic.as_str(), *id))
    });
    let mut page: Vec<_> = later.take(which.limit + 1).map(report).collect();
    let more = page.len() > which.limit;
    page.truncate(which.limit);
    let last = page.last().filter(|_| more);
    Ok(Json(Partitions {
        total,
        next: last.map(|last| format!("{}-{}", last.topic, last.partition)),
        partitions: page,
    }))
}

fn report(one: &PartitionVerdict<'_>) -> PartitionReport {
    PartitionReport {
        topic: one.topic.to_owned(),
        partition: one.partition.id,
        leader: one.partition.leader,
        replicas: one.partition.replicas.clone(),
        in_sync_replicas: one.partition.in_sync_replicas.clone(),
        min_in_sync_replicas: one.demand,
        problems: one.problems.clone(),
    }
}
