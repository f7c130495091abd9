//! Around every call: nothing is changed before the intent is acknowledged.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kafka_cluster::{KafkaCluster, KafkaError};
use serde_json::Value;
use service_kit::{Caller, Problem, request_id};
use utoipa::openapi::OpenApi;

use super::kept::{LONGEST, body_of, query_of};
use super::refusals::Audited;
use super::{Evidence, Intent, Outcome, Trail, WriteResult};
use crate::any_broker;
use crate::call::Call;
use crate::openapi::{add_problem, writes_of};
use crate::state::AppState;
use crate::time_limits;
use crate::topic::to_the_end;

/// The code of a write that was not carried out for want of an intent.
const UNAVAILABLE: &str = "audit_unavailable";
/// Who calls where there are no tokens.
const ANONYMOUS: &str = "anonymous";
/// Answers of writes are documents that were in memory already.
const ANSWER_BOUND: usize = 64 * 1024 * 1024;

/// The layer; without a [`Trail`] there is no audit.
pub async fn layer(
    State(state): State<AppState>,
    Extension(call): Extension<Arc<Call>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(trail) = state.audit.filter(|_| call.is_write()) else {
        return next.run(request).await;
    };
    let cluster = state.cluster;
    // Whoever goes away now, even before the intent is acknowledged, still leaves an outcome.
    to_the_end(async move {
        match audited(trail, &cluster, &call, request, next).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        }
    })
    .await
}

/// Adds what a write may come to for want of an intent to the OpenAPI document.
pub fn describe(document: &mut OpenApi) {
    for operation in writes_of(document) {
        let about = "audit_unavailable: nothing was changed, since it could not be recorded";
        add_problem(operation, "503", about);
    }
}

async fn audited(
    trail: Trail,
    cluster: &KafkaCluster,
    call: &Call,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let peer = peer_of(&request);
    let caller = request.extensions().get::<Caller>();
    let intent = intent_of(&trail, call, caller, peer);
    if let Some(audited) = request.extensions().get::<Audited>() {
        audited.set();
    }
    if let Err(unrecorded) = recorded(&trail, cluster, &intent).await {
        if !call.remarks.breaks_glass {
            // It may have got there all the same; then it is told what became of it.
            let refused = Outcome {
                audit_id: intent.audit_id,
                at: service_kit::time::now(),
                result: WriteResult::Refused,
                status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
                code: Some(UNAVAILABLE.to_owned()),
                answer: None,
            };
            let told = trail.clone();
            tokio::spawn(async move { told.conclude(refused).await });
            return Err(match unrecorded {
                NotRecorded::NoBroker(error) => error.into(),
                NotRecorded::NoAudit(why) => {
                    let detail = format!(
                        "nothing was changed, since it could not be recorded in {}: {why}; in an \
                         emergency add breakGlass=true with a reason",
                        trail.topic()
                    );
                    Problem::unavailable(UNAVAILABLE, detail)
                }
            });
        }
        tracing::warn!(
            ?intent,
            ?unrecorded,
            "a write without audit: the glass was broken"
        );
    }
    let response = next.run(request).await;
    let (response, outcome) = outcome_of(&intent.audit_id, response).await;
    let concluding = tokio::spawn(async move { trail.conclude(outcome).await });
    // The usual case: an answer after the outcome is there to be read.
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), concluding).await;
    Ok(response)
}

/// Why an intent is not known to be in the audit.
#[derive(Debug)]
enum NotRecorded {
    /// No broker answers at all: that is the cause to tell, and it is known sooner.
    NoBroker(KafkaError),
    NoAudit(String),
}

async fn recorded(
    trail: &Trail,
    cluster: &KafkaCluster,
    intent: &Intent,
) -> Result<(), NotRecorded> {
    let mut intended = pin!(trail.intend(intent));
    // The usual case takes some milliseconds and needs no other question.
    let any_broker = async {
        tokio::time::sleep(time_limits::INTENT_ALONE).await;
        any_broker::metadata(cluster).await
    };
    tokio::select! {
        intended = &mut intended => return intended.map_err(NotRecorded::NoAudit),
        answered = any_broker => answered.map_err(NotRecorded::NoBroker)?,
    };
    intended.await.map_err(NotRecorded::NoAudit)
}

/// The address that a request came from, where it is known.
pub(super) fn peer_of(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map(|peer| peer.0.ip())
}

pub(super) fn intent_of(
    trail: &Trail,
    call: &Call,
    caller: Option<&Caller>,
    peer: Option<IpAddr>,
) -> Intent {
    let at = service_kit::time::now();
    Intent {
        audit_id: trail.next_id(at),
        at,
        actor: caller.map_or_else(|| ANONYMOUS.to_owned(), |caller| caller.name.clone()),
        from: peer.map(|peer| peer.to_string()),
        request_id: request_id::current(),
        call: call.name(),
        query: query_of(call),
        topic: call.topic(),
        reason: call.remarks.reason.clone(),
        request: body_of(call),
    }
}

pub(super) async fn outcome_of(audit_id: &str, response: Response) -> (Response, Outcome) {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, ANSWER_BOUND).await.unwrap_or_default();
    let answer = match parts.extensions.remove::<Evidence>() {
        Some(evidence) => evidence.into_answer(),
        None => (is_json(&parts.headers) && bytes.len() <= LONGEST)
            .then(|| serde_json::from_slice::<Value>(&bytes).ok())
            .flatten(),
    };
    let status = parts.status.as_u16();
    let code = answer.as_ref().and_then(|answer| answer["code"].as_str());
    let code = code.filter(|_| status >= 400).map(str::to_owned);
    let outcome = Outcome {
        audit_id: audit_id.to_owned(),
        at: service_kit::time::now(),
        result: WriteResult::of(status, code.as_deref()),
        status,
        code,
        answer,
    };
    (Response::from_parts(parts, Body::from(bytes)), outcome)
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    media_type.is_some_and(|media_type| media_type.contains("json"))
}
