//! `/metrics`: what the service registered, and what every process has to say about itself.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus::process_collector::ProcessCollector;
use prometheus::{Gauge, Opts, Registry, TextEncoder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Answer, NoInput, Problem};

/// Adds the process's memory, CPU time, threads and files, and `build_info`.
///
/// # Errors
/// The registry has metrics of these names.
pub(crate) fn register(
    registry: &Registry,
    service: &str,
    version: &str,
) -> prometheus::Result<()> {
    registry.register(Box::new(ProcessCollector::for_self()))?;
    let options = Opts::new("build_info", "Always 1; the labels say what is running.")
        .const_label("service", service)
        .const_label("version", version);
    let build_info = Gauge::with_opts(options)?;
    build_info.set(1.0);
    registry.register(Box::new(build_info))
}

pub(crate) fn router(registry: Registry) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(metrics))
        .with_state(registry)
}

/// Metrics in Prometheus's text format; it never asks Kafka.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    responses((
        status = 200,
        description = "Prometheus text format 0.0.4",
        body = String,
        content_type = "text/plain; version=0.0.4"
    ))
)]
async fn metrics(State(registry): State<Registry>, _: NoInput) -> Answer<Response> {
    let text = TextEncoder::new()
        .encode_to_string(&registry.gather())
        .map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}
