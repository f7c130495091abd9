//! The body of a request, within a bound.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::Problem;

/// Bytes that a body may have; an extension of each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// The bound where nobody set one.
const DEFAULT_LIMIT: usize = 2 * 1024 * 1024;
/// What is still taken of a body that is too large. A connection that is closed under a caller who is
/// still sending breaks, and the answer is lost with it.
const DISCARDED: usize = 64 * 1024 * 1024;
const DISCARDING: Duration = Duration::from_secs(5);

/// Reads the whole body.
///
/// # Errors
/// 400 when it breaks off, 413 when it is too large.
pub(super) async fn read(request: Request) -> Result<Bytes, Problem> {
    let limit = request.extensions().get::<BodyLimit>();
    let limit = limit.map_or(DEFAULT_LIMIT, |limit| limit.0);
    let mut chunks = request.into_body().into_data_stream();
    if let Some(bytes) = collect(&mut chunks, limit).await? {
        return Ok(bytes);
    }
    // Who sends without an end, or slowly, is not waited for.
    let _ = timeout(DISCARDING, discard(chunks)).await;
    Err(Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload_too_large",
        format!("the body is larger than {limit} bytes"),
    ))
}

/// The body, or `None` if it has more than `limit` bytes.
async fn collect(chunks: &mut BodyDataStream, limit: usize) -> Result<Option<Bytes>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            let detail = format!("the body could not be read: {error}");
            Problem::new(StatusCode::BAD_REQUEST, "unreadable_body", detail)
        })?;
        if bytes.len() + chunk.len() > limit {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes.into()))
}

async fn discard(mut chunks: BodyDataStream) {
    let mut discarded = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        discarded += chunk.len();
        if discarded > DISCARDED {
            break;
        }
    }
}

/// The request as it came, and its body, for a layer that has to see it.
///
/// # Errors
/// 400 when it breaks off, 413 when it is too large.
pub async fn buffered(request: Request) -> Result<(Request, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read(Request::from_parts(parts.clone(), body)).await?;
    let request = Request::from_parts(parts, Body::from(bytes.clone()));
    Ok((request, bytes))
}
