//! Around everything else: a write that was refused before it came to the audit leaves its two records too.
//!
//! Nothing was changed, so that nobody waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use service_kit::{Caller, request_id};
use tokio::sync::Semaphore;

use super::layer::{intent_of, outcome_of, peer_of};
use super::{Trail, WriteResult};
use crate::call::Call;

/// Refusals that are being written at once. Whoever is refused faster than Kafka takes it cannot make the
/// service grow; what is left out is in the log.
const AT_ONCE: usize = 64;

/// Whether a request has come to the audit; an extension of each.
#[derive(Debug, Clone, Default)]
pub(super) struct Audited(Arc<AtomicBool>);

impl Audited {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Writes refusals. Cheap to clone.
#[derive(Clone)]
pub struct Refusals {
    trail: Trail,
    places: Arc<Semaphore>,
}

impl Refusals {
    /// Writes to `trail`.
    #[must_use]
    pub fn new(trail: Trail) -> Self {
        Self {
            trail,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// The layer.
pub async fn layer(State(refusals): State<Refusals>, mut request: Request, next: Next) -> Response {
    // The body was not read: that of somebody who may not write is not asked for.
    let call = Call::of(request.method(), request.uri(), Bytes::new());
    if !call.is_write() {
        return next.run(request).await;
    }
    let audited = Audited::default();
    request.extensions_mut().insert(audited.clone());
    let peer = peer_of(&request);
    let response = next.run(request).await;
    let no_such_call = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    if audited.0.load(Ordering::Relaxed) || !refused || no_such_call.contains(&status) {
        return response;
    }
    let caller = response.extensions().get::<Caller>();
    let mut intent = intent_of(&refusals.trail, &call, caller, peer);
    intent.request_id = request_id::of(&response);
    let (response, mut outcome) = outcome_of(&intent.audit_id, response).await;
    outcome.result = WriteResult::Refused;
    let Ok(place) = refusals.places.try_acquire_owned() else {
        tracing::warn!(
            ?intent,
            ?outcome,
            "a refused write is not in the audit: too many at once"
        );
        return response;
    };
    let trail = refusals.trail;
    tokio::spawn(async move {
        if let Err(why) = trail.intend(&intent).await {
            tracing::warn!(
                ?intent,
                why,
                "a refused write is not known to be in the audit"
            );
        }
        trail.conclude(outcome).await;
        drop(place);
    });
    response
}
