//! `GET` and `POST /api/topics/{name}/records`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use kafka_cluster::TopicMetadata;
use serde::Serialize;
use service_kit::problem::{InputProblems, KafkaReadProblems, KafkaWriteProblems};
use service_kit::{Answer, Fields, FromFields, Input, PathParam, Problem};
use utoipa::ToSchema;

use super::record_plan::RecordPlan;
use crate::any_broker;
use crate::problems;
use crate::records::{self, NewRecord, RecordView, Start, Wanted};
use crate::state::AppState;
use crate::topic::{TopicName, to_the_end};

pub(super) const NDJSON: &str = "application/x-ndjson";
const USUAL_LIMIT: usize = 100;
const LARGEST_LIMIT: usize = 1_000;
/// Records that are shown when nothing says where to start.
pub(super) const USUAL_LAST: usize = 10;

/// Which records are read.
#[derive(Debug, Clone)]
pub struct ReadRecords(Wanted);

/// Which records, as far as a bounded read and one that goes on ask alike.
pub(super) struct Which {
    pub(super) partition: Option<i32>,
    pub(super) start: Option<Start>,
    pub(super) contains: Option<String>,
}

impl Which {
    /// `least_last` is the least that `last` may be.
    pub(super) fn from_fields(fields: &mut Fields, least_last: usize) -> Option<Self> {
        let partition = fields.optional_in::<i32>("partition", 0..=i32::MAX);
        let offset = fields.optional_in::<i64>("offset", 0..=i64::MAX);
        let time = fields.optional::<Timestamp>("time");
        let last = fields.optional_in("last", least_last..=LARGEST_LIMIT);
        let contains = fields.optional::<String>("contains");
        let start = match (offset?, time?, last?) {
            (Some(offset), None, None) => Some(Start::Offset(offset)),
            (None, Some(time), None) => Some(Start::Time(time)),
            (None, None, last) => last.map(Start::Last),
            _ => {
                let message = "is one of three: offset, time and last exclude each other";
                fields.check("offset", false, "one_of", message);
                return None;
            }
        };
        Some(Self {
            partition: partition?,
            start,
            contains: contains?,
        })
    }
}

impl FromFields for ReadRecords {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let which = Which::from_fields(fields, 1);
        let limit = fields.optional_in("limit", 1..=LARGEST_LIMIT);
        let (which, limit) = (which?, limit?);
        let start = which.start.unwrap_or(Start::Last(USUAL_LAST));
        let limit = match start {
            Start::Last(last) => limit.unwrap_or(last).min(last),
            Start::Offset(_) | Start::Time(_) => limit.unwrap_or(USUAL_LIMIT),
        };
        Some(Self(Wanted {
            partition: which.partition,
            start,
            contains: which.contains,
            limit,
        }))
    }
}

/// How [`Which`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct WhichQuery {
    /// One partition; all when not given.
    #[param(example = 0, minimum = 0)]
    partition: Option<i32>,
    /// From this offset on.
    #[param(example = 0, minimum = 0)]
    offset: Option<i64>,
    /// From the first record at or after this time on, RFC 3339.
    #[param(example = "2026-01-31T12:00:00Z", format = DateTime)]
    time: Option<String>,
    /// Only records whose value contains this text.
    #[param(example = "ERROR")]
    contains: Option<String>,
}

/// What [`ReadRecords`] adds to it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct ReadRecordsQuery {
    /// The last so many; 10 when nothing says where to start.
    #[param(example = 10, minimum = 1, maximum = 1000)]
    last: Option<u32>,
    /// Most records; 100 when not given.
    #[param(example = 100, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Records of a topic, one JSON object a line, by time. Bounded: at most 1,000 records, 16 MiB looked at,
/// 10 s; the header `x-read-end` says whether there is more.
#[utoipa::path(
    get,
    path = "/api/topics/{name}/records",
    tag = "records",
    params(
        ("name" = String, Path, description = "the topic's name", example = "log-events"),
        WhichQuery,
        ReadRecordsQuery
    ),
    responses(
        (status = 200, description = "one record a line", body = RecordView,
            content_type = "application/x-ndjson",
            headers(("x-read-end" = String, description = "complete; limited: there is more; deadline: \
                there may be more; partial: some partitions could not be read"))),
        (status = 404, description = "topic_not_found; partition_not_found", body = Problem,
            content_type = "application/problem+json"),
        KafkaReadProblems
    )
)]
pub async fn read(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    Input(ReadRecords(wanted)): Input<ReadRecords>,
) -> Answer<Response> {
    let topic = topic(&state, &name, wanted.partition).await?;
    let page = records::read(&state.cluster, &topic, wanted).await?;
    let lines = page.records.iter().map(line);
    let lines: String = lines.collect::<Result<_, _>>().map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, NDJSON),
        (header::HeaderName::from_static("x-read-end"), page.end),
    ];
    Ok((headers, lines).into_response())
}

/// A record as a line of JSON.
pub(super) fn line(record: &RecordView) -> serde_json::Result<String> {
    serde_json::to_string(record).map(|line| line + "\n")
}

/// A record to be produced.
#[derive(Debug, Clone)]
pub struct ProduceRecord {
    partition: Option<i32>,
    key: Option<String>,
    value: String,
    validate_only: bool,
}

impl FromFields for ProduceRecord {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let partition = fields.optional_in::<i32>("partition", 0..=i32::MAX);
        let key = fields.optional::<String>("key");
        let value = fields.required::<String>("value");
        let validate_only = fields.with_default("validateOnly", false);
        Some(Self {
            partition: partition?,
            key: key?,
            value: value?,
            validate_only: validate_only?,
        })
    }
}

/// How [`ProduceRecord`] shows in the OpenAPI document.
#[derive(ToSchema)]
#[schema(as = ProduceRecord, rename_all = "camelCase", example = json!({
    "key": "user-7", "value": "{\"message\": \"hello\"}"
}))]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct ProduceRecordBody {
    /// Partition; by key, or any, when not given.
    #[schema(minimum = 0)]
    partition: Option<i32>,
    /// Key; none when not given.
    key: Option<String>,
    /// Value, a text.
    #[schema(min_length = 1)]
    value: String,
    /// Only answer with where it would go.
    validate_only: Option<bool>,
}

/// Where a produced record is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordWritten {
    /// The topic's name.
    #[schema(example = "orders")]
    pub topic_name: String,
    /// Partition.
    #[schema(example = 0)]
    pub partition: i32,
    /// Offset; null where the broker had it already.
    #[schema(example = 41)]
    pub offset: Option<i64>,
}

/// Produces one record, and answers once all replicas in sync have it.
#[utoipa::path(
    post,
    path = "/api/topics/{name}/records",
    tag = "records",
    params(("name" = String, Path, description = "the topic's name", example = "orders")),
    request_body = ProduceRecordBody,
    responses(
        InputProblems,
        KafkaWriteProblems,
        (status = 200, description = "where it would go, with validateOnly=true", body = RecordPlan),
        (status = 201, description = "acknowledged by all replicas in sync", body = RecordWritten),
        (status = 403, description = "forbidden: an internal topic, or the audit log; kafka_denied",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "topic_not_found; partition_not_found", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; too_busy; `Retry-After` says when to try again",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn produce(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    Input(request): Input<ProduceRecord>,
) -> Answer<Response> {
    if name.is_reserved() {
        return Err(problems::internal_topic(&name));
    }
    if state.guard.is_audit_log(name.as_str()) {
        return Err(problems::audit_log(&name));
    }
    let topic = topic(&state, &name, request.partition).await?;
    if request.validate_only {
        return Ok(Json(RecordPlan::new(&topic, request.partition)).into_response());
    }
    let record = NewRecord {
        topic: name.to_string(),
        partition: request.partition,
        key: request.key,
        value: request.value,
    };
    let writer = state.records.clone();
    let written = to_the_end(async move { writer.produce(record).await }).await;
    let written = written.map_err(|error| problems::of_produce(error, &name))?;
    let view = RecordWritten {
        topic_name: name.to_string(),
        partition: written.partition,
        offset: written.offset,
    };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// The topic, which has the partition that is asked for.
pub(super) async fn topic(
    state: &AppState,
    name: &TopicName,
    partition: Option<i32>,
) -> Answer<TopicMetadata> {
    let topic = any_broker::topic(&state.cluster, name.as_str())
        .await
        .map_err(|error| problems::of_read(error, name))?;
    let there = |id| topic.partitions.iter().any(|partition| partition.id == id);
    match partition.filter(|id| !there(*id)) {
        Some(id) => Err(problems::partition_not_found(name, id)),
        None => Ok(topic),
    }
}
