//! `GET /api/topics/{name}/records/follow`.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use kafka_cluster::KafkaError;
use service_kit::problem::KafkaReadProblems;
use service_kit::{Answer, Fields, FromFields, Input, PathParam, Problem, sse};
use tokio_util::sync::CancellationToken;

use super::records::{NDJSON, USUAL_LAST, Which, WhichQuery, line, topic};
use crate::records::{self, RecordView, Start, Wanted};
use crate::state::AppState;
use crate::topic::TopicName;

const EVENT_STREAM: &str = "text/event-stream";
/// Who wants more wants them without a limit.
const LARGEST_LIMIT: usize = 1_000_000_000;
/// What `Retry-After` says while too many follow.
const RETRY_AFTER_S: u64 = 10;

/// Which records are followed.
#[derive(Debug, Clone)]
pub struct FollowRecords(Wanted);

impl FromFields for FollowRecords {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let which = Which::from_fields(fields, 0);
        let limit = fields.optional_in("limit", 1..=LARGEST_LIMIT);
        let (which, limit) = (which?, limit?);
        Some(Self(Wanted {
            partition: which.partition,
            start: which.start.unwrap_or(Start::Last(USUAL_LAST)),
            contains: which.contains,
            limit: limit.unwrap_or(usize::MAX),
        }))
    }
}

/// What [`FollowRecords`] adds to what it has in common with a bounded read.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct FollowRecordsQuery {
    /// The last so many first; 10 when nothing says where to start, 0 for only what comes.
    #[param(example = 10, minimum = 0, maximum = 1000)]
    last: Option<u32>,
    /// Ends after so many records; not at all when not given.
    #[param(example = 100, minimum = 1, maximum = 1_000_000_000)]
    limit: Option<u64>,
}

/// Records of a topic as they come, after the last that are there: one JSON object a line, or server-sent
/// events `record` where `Accept` has `text/event-stream`. Goes on until the caller leaves, the service
/// stops, the topic is gone, or `limit` is reached; partitions that are added are followed too. At most 16
/// callers at once.
#[utoipa::path(
    get,
    path = "/api/topics/{name}/records/follow",
    tag = "records",
    params(
        ("name" = String, Path, description = "the topic's name", example = "log-events"),
        WhichQuery,
        FollowRecordsQuery
    ),
    responses(
        KafkaReadProblems,
        (status = 200, description = "one record a line or event; a last event `problem` tells why it \
            ended, a stream of lines is cut off then",
            content((RecordView = "application/x-ndjson"), (String = "text/event-stream"))),
        (status = 404, description = "topic_not_found; partition_not_found", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "kafka_unreachable; too_busy: too many follow already",
            body = Problem, content_type = "application/problem+json"),
        KafkaReadProblems
    )
)]
pub async fn follow(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    headers: HeaderMap,
    Input(FollowRecords(wanted)): Input<FollowRecords>,
) -> Answer<Response> {
    let topic = topic(&state, &name, wanted.partition).await?;
    let place = state.followers.place().ok_or_else(|| {
        Problem::unavailable("too_busy", "too many callers follow topics already")
            .retry_after_s(RETRY_AFTER_S)
    })?;
    let records = records::follow(&state.cluster, &topic, wanted, place).await?;
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    Ok(if accepted.any(|types| types.contains(EVENT_STREAM)) {
        sse::answer(records.map(event), state.stop)
    } else {
        lines(records, state.stop)
    })
}

fn event(record: Result<RecordView, KafkaError>) -> Event {
    let event = match record {
        Ok(record) => sse::json_event("record", &record),
        Err(error) => sse::json_event("problem", &Problem::from(error).to_json()),
    };
    event.expect("records and problems are plain JSON")
}

fn lines(
    records: impl Stream<Item = Result<RecordView, KafkaError>> + Send + 'static,
    stop: CancellationToken,
) -> Response {
    let lines = records.map(|record| -> anyhow::Result<String> { Ok(line(&record?)?) });
    let body = Body::from_stream(lines.take_until(stop.cancelled_owned()));
    let headers = [
        (header::CONTENT_TYPE, NDJSON),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}
