//! A bound on how many requests are worked on at once: beyond it they queue for a moment, and are
//! then told to come back. A cluster that answers slowly must not make this service grow.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service_kit::Problem;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use crate::time_limits;

/// What `Retry-After` says: the queue moves within a second or so.
const RETRY_AFTER_S: u64 = 1;

/// The places for requests that are worked on.
#[derive(Debug, Clone)]
pub struct Admission {
    all: Arc<Semaphore>,
    /// A part of them: writes wait for each other, and must not keep those who look out meanwhile.
    writes: Arc<Semaphore>,
}

impl Admission {
    /// `places` requests at once, three quarters of them writes at most.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let writes = (places - places / 4).max(1);
        Self {
            all: Arc::new(Semaphore::new(places)),
            writes: Arc::new(Semaphore::new(writes)),
        }
    }

    /// A place, once one is free.
    async fn place(&self, writes: bool) -> Result<Place<'_>, AcquireError> {
        let write = match writes {
            true => Some(self.writes.acquire().await?),
            false => None,
        };
        Ok(Place {
            _any: self.all.acquire().await?,
            _write: write,
        })
    }
}

/// Free again once it is dropped.
struct Place<'a> {
    _any: SemaphorePermit<'a>,
    _write: Option<SemaphorePermit<'a>>,
}

/// The layer: waits up to [`time_limits::ADMISSION`] for a place.
pub async fn layer(State(admission): State<Admission>, request: Request, next: Next) -> Response {
    let place = admission.place(!request.method().is_safe());
    match tokio::time::timeout(time_limits::ADMISSION, place).await {
        Ok(Ok(_place)) => next.run(request).await,
        Ok(Err(_)) | Err(_) => {
            Problem::unavailable("too_busy", "too many requests are being worked on")
                .retry_after_s(RETRY_AFTER_S)
                .into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writes_leave_places_to_those_who_look() {
        let admission = Admission::new(4);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(admission.place(true).await.unwrap());
        }
        let no_time = std::time::Duration::from_millis(1);
        let another = tokio::time::timeout(no_time, admission.place(true)).await;
        assert!(another.is_err(), "a fourth write");
        held.push(admission.place(false).await.unwrap());
        let another = tokio::time::timeout(no_time, admission.place(false)).await;
        assert!(another.is_err(), "a fifth place");
        drop(held);
        assert!(Admission::new(1).place(true).await.is_ok());
    }
}
