//! `/livez`: the process answers. `/readyz`: the service can do its work, as far as it knows.
//! Neither asks Kafka.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Answer, NoInput, Problem};

/// Code of the problem that `/readyz` answers; the request log does not warn about it.
pub(crate) const NOT_READY: &str = "not_ready";

/// Whether a service can do its work, by what it knows already.
pub trait Readiness: Send + Sync {
    /// Answers at once, from what is known: it never asks Kafka itself.
    ///
    /// # Errors
    /// What the service is waiting for, in words for an operator.
    fn check(&self) -> Result<(), String>;
}

/// Any closure that answers so is a judgement of readiness.
impl<F> Readiness for F
where
    F: Fn() -> Result<(), String> + Send + Sync,
{
    fn check(&self) -> Result<(), String> {
        self()
    }
}

/// Answer of a probe.
#[derive(serde::Serialize, utoipa::ToSchema)]
struct ProbeAnswer {
    /// `alive` or `ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

pub(crate) fn router(readiness: Arc<dyn Readiness>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(livez))
        .routes(routes!(readyz))
        .with_state(readiness)
}

/// Whether the process answers; it never asks Kafka.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "operation",
    responses((status = 200, description = "the process answers", body = ProbeAnswer))
)]
async fn livez(_: NoInput) -> Json<ProbeAnswer> {
    Json(ProbeAnswer { status: "alive" })
}

/// Whether the service can do its work, as far as it knows; it never asks Kafka.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses(
        (status = 200, description = "ready", body = ProbeAnswer),
        (
            status = 503,
            description = "not_ready: what the service is waiting for",
            body = Problem,
            content_type = "application/problem+json"
        )
    )
)]
async fn readyz(
    State(readiness): State<Arc<dyn Readiness>>,
    _: NoInput,
) -> Answer<Json<ProbeAnswer>> {
    match readiness.check() {
        Ok(()) => Ok(Json(ProbeAnswer { status: "ready" })),
        Err(reason) => Err(Problem::unavailable(NOT_READY, reason)),
    }
}
