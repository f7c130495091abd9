//! `DELETE /api/topics/{name}/records`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use service_kit::problem::KafkaWriteProblems;
use service_kit::{Answer, Fields, FromFields, Input, PathParam, Problem};
use utoipa::ToSchema;

use crate::any_broker;
use crate::problems;
use crate::state::AppState;
use crate::topic::{Before, TopicName, Truncated, Truncation, Truncations, to_the_end};

/// Which records are deleted.
#[derive(Debug, Clone, Copy)]
pub struct Truncate {
    before: Before,
    partition: Option<i32>,
    validate_only: bool,
}

impl FromFields for Truncate {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let offset = fields.optional_in::<i64>("beforeOffset", 0..=i64::MAX);
        let time = fields.optional::<Timestamp>("beforeTime");
        let partition = fields.optional_in::<i32>("partition", 0..=i32::MAX);
        let validate_only = fields.with_default("validateOnly", false);
        let (offset, time) = (offset?, time?);
        let before = match (offset, time) {
            (Some(offset), None) => Some(Before::Offset(offset)),
            (None, Some(time)) => Some(Before::Time(time)),
            _ => {
                let message = "or beforeTime is required, and not both";
                fields.check("beforeOffset", false, "one_of", message);
                None
            }
        };
        Some(Self {
            before: before?,
            partition: partition?,
            validate_only: validate_only?,
        })
    }
}

/// How [`Truncate`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct TruncateQuery {
    /// Records before this offset go, of each partition that is meant. This or `beforeTime`.
    #[param(example = 1000, minimum = 0)]
    before_offset: Option<i64>,
    /// Records before the first one at or after this time go, RFC 3339.
    #[param(example = "2026-01-31T12:00:00Z", format = DateTime)]
    before_time: Option<String>,
    /// One partition; all when not given.
    #[param(example = 0, minimum = 0)]
    partition: Option<i32>,
    /// Only answer with what would go.
    #[param(example = true)]
    validate_only: Option<bool>,
}

/// Records that were deleted, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordsDeleted {
    /// The topic's name.
    #[schema(example = "orders")]
    pub topic_name: String,
    /// True: nothing was deleted, this is what would be.
    #[schema(example = false)]
    pub validate_only: bool,
    /// By partition.
    pub partitions: Vec<PartitionRecordsDeleted>,
}

/// What happens, or happened, to the records of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionRecordsDeleted {
    /// Partition.
    #[schema(example = 0)]
    pub partition: i32,
    /// The first offset before; null when it is not known.
    #[schema(example = 0)]
    pub old_earliest_offset: Option<i64>,
    /// The first offset after; null when it is not known.
    #[schema(example = 1000)]
    pub new_earliest_offset: Option<i64>,
    /// Offsets between the two: as many records, or fewer where the topic is compacted.
    #[schema(example = 1000)]
    pub records_deleted: Option<i64>,
    /// `planned`, `unchanged`, `impossible`; `done`, as it was read back; `failed`; `unknown`: it was
    /// sent, and does not show.
    #[schema(value_type = String, example = "done")]
    pub outcome: &'static str,
    /// Why it is impossible, failed or unknown; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The call that tells what became of it, where that is unknown; absent otherwise.
    #[schema(example = "GET /api/topics/orders")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
}

/// Deletes all records before an offset or a time, whoever wrote them; they cannot be brought back. With
/// `validateOnly=true` the answer is what would go. Not of internal or protected topics, nor of the audit
/// log.
#[utoipa::path(
    delete,
    path = "/api/topics/{name}/records",
    tag = "records",
    params(
        ("name" = String, Path, description = "the topic's name", example = "orders"),
        TruncateQuery
    ),
    responses(
        KafkaWriteProblems,
        (status = 200, description = "deleted, and read back; or the plan, with validateOnly=true",
            body = RecordsDeleted),
        (status = 207, description = "some were impossible, failed or are unknown: each partition tells",
            body = RecordsDeleted),
        (status = 403, description = "forbidden: an internal topic; protected_topic; kafka_denied",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "topic_not_found; partition_not_found", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; topic_busy, too_busy; `Retry-After` says when \
            to try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn truncate(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    Input(request): Input<Truncate>,
) -> Answer<Response> {
    if name.is_reserved() {
        return Err(problems::internal_topic(&name));
    }
    if let Some(pattern) = state.guard.protection(name.as_str()) {
        return Err(problems::protected_topic(&name, pattern));
    }
    let topic = any_broker::topic(&state.cluster, name.as_str())
        .await
        .map_err(|error| problems::of_read(error, &name))?;
    let there = |id| topic.partitions.iter().any(|partition| partition.id == id);
    if let Some(id) = request.partition.filter(|id| !there(*id)) {
        return Err(problems::partition_not_found(&name, id));
    }
    let (writer, wanted) = (state.writer.clone(), name.clone());
    let done = to_the_end(async move {
        let Truncate {
            before,
            partition,
            validate_only,
        } = request;
        writer
            .truncate(&wanted, &topic, partition, before, !validate_only)
            .await
    });
    let done = done
        .await
        .map_err(|error| problems::of_delete(error, &name))?;
    Ok(answer(&name, request.validate_only, &done))
}

fn answer(name: &TopicName, validate_only: bool, truncations: &Truncations) -> Response {
    let partitions: Vec<_> = truncations
        .iter()
        .map(|(id, truncation)| PartitionRecordsDeleted::new(name, *id, truncation))
        .collect();
    let mut outcomes = partitions.iter().map(|partition| partition.outcome);
    let whole = outcomes.all(|outcome| matches!(outcome, "done" | "unchanged"));
    let status = if validate_only || whole {
        StatusCode::OK
    } else {
        StatusCode::MULTI_STATUS
    };
    let view = RecordsDeleted {
        topic_name: name.to_string(),
        validate_only,
        partitions,
    };
    (status, Json(view)).into_response()
}

impl PartitionRecordsDeleted {
    fn new(topic: &TopicName, partition: i32, truncation: &Truncation) -> Self {
        let first = truncation.first;
        let (after, outcome, reason) = match (&truncation.wanted, &truncation.became) {
            (Err(reason), _) => (None, "impossible", Some(reason.clone())),
            (Ok(_), Some(Truncated::Failed(reason))) => (None, "failed", Some(reason.clone())),
            (Ok(_), Some(Truncated::Unknown(reason))) => (None, "unknown", Some(reason.clone())),
            (Ok(wanted), _) if *wanted == first => (Some(first), "unchanged", None),
            (Ok(wanted), None) => (Some(*wanted), "planned", None),
            (Ok(_), Some(Truncated::Left(left))) => (Some(*left), "done", None),
        };
        let check = (outcome == "unknown").then(|| format!("GET /api/topics/{topic}"));
        Self {
            partition,
            old_earliest_offset: (outcome != "impossible").then_some(first),
            new_earliest_offset: after,
            records_deleted: after.map(|after| after - first),
            outcome,
            reason,
            check,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truncation(became: Option<Truncated>) -> Truncation {
        Truncation {
            first: 10,
            wanted: Ok(50),
            became,
        }
    }

    fn told(truncation: &Truncation) -> PartitionRecordsDeleted {
        PartitionRecordsDeleted::new(&TopicName::parse("a").unwrap(), 0, truncation)
    }

    #[test]
    fn what_a_partition_lost_is_told_by_what_was_read_back() {
        let planned = told(&truncation(None));
        assert_eq!(
            (planned.outcome, planned.records_deleted),
            ("planned", Some(40))
        );
        let done = told(&truncation(Some(Truncated::Left(50))));
        assert_eq!((done.outcome, done.new_earliest_offset), ("done", Some(50)));
        let failed = told(&truncation(Some(Truncated::Failed("no".to_owned()))));
        assert_eq!((failed.outcome, failed.check), ("failed", None));
        let unknown = told(&truncation(Some(Truncated::Unknown("silent".to_owned()))));
        assert_eq!(
            (unknown.outcome, unknown.check.as_deref()),
            ("unknown", Some("GET /api/topics/a"))
        );
        let impossible = told(&Truncation {
            wanted: Err("no leader".to_owned()),
            ..truncation(None)
        });
        assert_eq!(
            (impossible.outcome, impossible.old_earliest_offset),
            ("impossible", None)
        );
    }

    #[test]
    fn an_executed_truncation_with_an_impossible_part_is_not_whole() {
        let name = TopicName::parse("a").unwrap();
        let impossible = Truncation {
            wanted: Err("no leader".to_owned()),
            ..truncation(None)
        };
        let both = Truncations::from([(0, truncation(Some(Truncated::Left(50)))), (1, impossible)]);
        assert_eq!(answer(&name, false, &both).status(), 207);
        assert_eq!(answer(&name, true, &both).status(), 200);
        let one = Truncations::from([(0, truncation(Some(Truncated::Left(50))))]);
        assert_eq!(answer(&name, false, &one).status(), 200);
    }
}
