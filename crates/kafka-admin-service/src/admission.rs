//! A bound on how many requests are worked on at once: beyond it they queue for a moment, and are
//! then told to come back. A cluster that answers slowly must not make this service grow.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service_kit::Problem;
use tokio::sync::Semaphore;

use crate::time_limits;

/// What `Retry-After` says: the queue moves within a second or so.
const RETRY_AFTER_S: u64 = 1;

/// The places for requests that are worked on.
#[derive(Debug, Clone)]
pub struct Admission {
    places: Arc<Semaphore>,
}

impl Admission {
    /// `places` requests at once.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
        }
    }
}

/// The layer: waits up to [`time_limits::ADMISSION`] for a place.
pub async fn layer(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(time_limits::ADMISSION, admission.places.acquire()).await {
        Ok(Ok(_place)) => next.run(request).await,
        Ok(Err(_)) | Err(_) => {
            Problem::unavailable("too_busy", "too many requests are being worked on")
                .retry_after_s(RETRY_AFTER_S)
                .into_response()
        }
    }
}
