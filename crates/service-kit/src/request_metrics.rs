//! Counts and times each request, by the route that it matched, and logs the ones that failed.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

use crate::probes;
use crate::problem::{self, Answered};

/// From what a snapshot answers at once to what a call that changes the cluster may take.
const BUCKETS_S: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// Path of a request that no route matched; a raw URL never becomes a label.
const UNMATCHED: &str = "unmatched";

/// Status of a request whose caller went away before the answer.
const CANCELLED: &str = "cancelled";

/// The metrics of requests.
pub(crate) struct RequestMetrics {
    total: IntCounterVec,
    duration_s: HistogramVec,
    in_flight: IntGauge,
}

impl RequestMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// The registry has metrics of these names.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let total = IntCounterVec::new(
            Opts::new(
                "http_requests_total",
                "Requests answered, by method, matched route and status.",
            ),
            &["method", "path", "status"],
        )?;
        let duration_s = HistogramVec::new(
            HistogramOpts::new(
                "http_request_duration_seconds",
                "Time from a request's head to its answer's head, by method and matched route.",
            )
            .buckets(BUCKETS_S.to_vec()),
            &["method", "path"],
        )?;
        let in_flight = IntGauge::new(
            "http_requests_in_flight",
            "Requests that are being answered.",
        )?;
        registry.register(Box::new(total.clone()))?;
        registry.register(Box::new(duration_s.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        Ok(Self {
            total,
            duration_s,
            in_flight,
        })
    }
}

/// The layer that measures; it sees the matched route, so it goes around the routes.
pub(crate) async fn layer(
    State(metrics): State<Arc<RequestMetrics>>,
    request: Request,
    next: Next,
) -> Response {
    let mut measured = Measured::begin(metrics, &request);
    let response = next.run(request).await;
    measured.status = response.status().as_str().to_owned();
    log_failure(&measured, &response);
    response
}

/// One request; counted when dropped, so also when its caller went away.
struct Measured {
    metrics: Arc<RequestMetrics>,
    method: &'static str,
    path: String,
    status: String,
    begun: Instant,
}

impl Measured {
    fn begin(metrics: Arc<RequestMetrics>, request: &Request) -> Self {
        metrics.in_flight.inc();
        let path = request
            .extensions()
            .get::<MatchedPath>()
            .map_or(UNMATCHED, MatchedPath::as_str);
        Self {
            metrics,
            method: method_label(request.method()),
            path: path.to_owned(),
            status: CANCELLED.to_owned(),
            begun: Instant::now(),
        }
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let Self {
            metrics,
            method,
            path,
            status,
            begun,
        } = self;
        metrics.in_flight.dec();
        metrics
            .total
            .with_label_values(&[method, path.as_str(), status.as_str()])
            .inc();
        let elapsed_s = begun.elapsed().as_secs_f64();
        metrics
            .duration_s
            .with_label_values(&[method, path.as_str()])
            .observe(elapsed_s);
    }
}

/// The one place where a request that ended in a problem is logged. An internal error was logged
/// where it happened; that a service is not ready yet is no news.
fn log_failure(measured: &Measured, response: &Response) {
    let (method, path, status) = (measured.method, &measured.path, response.status().as_u16());
    let duration_ms = measured.begun.elapsed().as_millis();
    let Some(Answered { code, detail }) = response.extensions().get::<Answered>() else {
        tracing::debug!(method, path, status, duration_ms, "answered");
        return;
    };
    let logged_elsewhere = [probes::NOT_READY, problem::INTERNAL].contains(code);
    // What the service itself may not do is whoever runs it to mend, not its caller.
    let lacks_right = *code == problem::KAFKA_DENIED;
    if lacks_right || response.status().is_server_error() && !logged_elsewhere {
        tracing::warn!(method, path, status, code, duration_ms, "{detail}");
    } else {
        tracing::debug!(method, path, status, code, duration_ms, "{detail}");
    }
}

/// A label from a known set, whatever the caller invents.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
