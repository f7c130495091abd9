//! Around the calls that create something.

use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service_kit::{Caller, FieldError, Problem};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::{OpenApi, Type};

use super::{Refused, Replies, Reply, Turn};
use crate::call::Call;
use crate::fingerprint::Fingerprint;
use crate::openapi::{add_parameter, add_problem};
use crate::state::AppState;
use crate::topic::to_the_end;

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST_KEY: usize = 255;
/// The calls that create something; every other may be sent again as it is.
const CREATING: [&str; 4] = [
    "/api/topics",
    "/api/topics/{name}/records",
    "/api/topics/{name}/restore",
    "/api/topics/{name}/partitions",
];
/// Headers that belong to an answer.
const KEPT_HEADERS: [HeaderName; 2] = [header::CONTENT_TYPE, header::LOCATION];
const RETRY_AFTER_S: u64 = 1;
/// Answers are documents that were in memory already.
const ANSWER_BOUND: usize = 64 * 1024 * 1024;

/// The layer; calls without the header pass.
pub async fn layer(
    State(state): State<AppState>,
    Extension(call): Extension<Arc<Call>>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let creates = call.method == Method::POST && CREATING.contains(&path.as_str());
    if !creates || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match once(state.replies, &call, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

/// Adds the header, and what it may come to, to the OpenAPI document.
pub fn describe(document: &mut OpenApi) {
    for path in CREATING {
        let item = document.paths.paths.get_mut(path);
        if let Some(operation) = item.and_then(|item| item.post.as_mut()) {
            add_parameter(
                operation,
                "Idempotency-Key",
                ParameterIn::Header,
                Type::String,
                "sent again within a day with the same key, the call is answered as the first time",
            );
            let about = "idempotency_key_in_use: the first call is under way";
            add_problem(operation, "409", about);
            let about = "idempotency_key_reused: the first call was another";
            add_problem(operation, "422", about);
        }
    }
}

async fn once(
    replies: Replies,
    call: &Call,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = key(&request)?;
    if !call.is_write() {
        return Ok(next.run(request).await);
    }
    let fingerprint = fingerprint(call);
    let turn = replies.turn(&key, &fingerprint, service_kit::time::now());
    let under_way = match turn.map_err(|refused| problem(refused, &key))? {
        Turn::Again(reply) => return Ok(again(reply)),
        Turn::First(under_way) => under_way,
    };
    // Whoever goes away now is answered when the call is sent again.
    Ok(to_the_end(async move {
        let response = next.run(request).await;
        // What failed did nothing, or nobody knows: the same call may go better.
        if !response.status().is_success() {
            return response;
        }
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, ANSWER_BOUND).await.unwrap_or_default();
        let reply = Reply {
            key,
            call: fingerprint,
            at: service_kit::time::now(),
            status: parts.status.as_u16(),
            headers: kept_headers(&parts.headers),
            body: String::from_utf8_lossy(&bytes).into_owned(),
        };
        let kept = tokio::task::spawn_blocking(move || under_way.answered(reply));
        if let Err(error) = kept.await {
            tracing::error!(%error, "an answer was not kept");
        }
        Response::from_parts(parts, Body::from(bytes))
    })
    .await)
}

/// The caller's key, apart from those of others.
fn key(request: &Request) -> Result<String, Problem> {
    let value = request
        .headers()
        .get(KEY)
        .and_then(|value| value.to_str().ok());
    let value = value.map(str::trim).unwrap_or_default();
    if value.is_empty() || value.len() > LONGEST_KEY {
        return Err(Problem::invalid_input(vec![FieldError {
            field: "Idempotency-Key".to_owned(),
            code: "invalid".to_owned(),
            message: format!("must be 1 to {LONGEST_KEY} visible characters"),
        }]));
    }
    let caller = request.extensions().get::<Caller>();
    let caller = caller.map_or("", |caller| caller.name.as_str());
    Ok(format!("{caller}:{value}"))
}

fn fingerprint(call: &Call) -> String {
    let mut fingerprint = Fingerprint::default();
    fingerprint.add(&call.uri.to_string());
    fingerprint.add(&String::from_utf8_lossy(&call.bytes));
    fingerprint.to_text()
}

fn problem(refused: Refused, key: &str) -> Problem {
    match refused {
        Refused::Reused => {
            let detail = format!("the Idempotency-Key {key:?} was used for another call");
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Problem::new(status, "idempotency_key_reused", detail)
        }
        Refused::UnderWay => {
            let detail = format!("the first call with the Idempotency-Key {key:?} is under way");
            Problem::conflict("idempotency_key_in_use", detail).retry_after_s(RETRY_AFTER_S)
        }
    }
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = KEPT_HEADERS.iter().filter_map(|name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    kept.collect()
}

fn again(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    for (name, value) in reply.headers {
        let name = name.parse::<HeaderName>();
        if let (Ok(name), Ok(value)) = (name, value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    let yes = HeaderValue::from_static("true");
    response.headers_mut().insert(REPLAYED, yes);
    response
}
