//! What every service has around its own routes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use prometheus::Registry;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::input::BodyLimit;
use crate::openapi::About;
use crate::request_metrics::RequestMetrics;
use crate::request_timeout::Timeouts;
use crate::settings::HttpSettings;
use crate::{
    Access, Problem, Readiness, access, openapi, origin, panics, probes, request_id,
    request_metrics, request_timeout, service_metrics,
};

/// The bodies that services take are a topic with its settings at most.
const DEFAULT_MAX_BODY_BYTES: usize = 64 * 1024;

/// A service before its routes are known; [`Service::assemble`] puts both together.
pub struct Service {
    about: About,
    registry: Registry,
    readiness: Arc<dyn Readiness>,
    max_body_bytes: usize,
    timeouts: Timeouts,
    access: Option<Access>,
}

impl Service {
    /// `name` and `version` go into the OpenAPI document and `build_info`; `registry` is what
    /// `/metrics` shows, and is given the metrics that every service has.
    #[must_use]
    pub fn new(
        name: &'static str,
        version: &'static str,
        http: &HttpSettings,
        registry: Registry,
        readiness: Arc<dyn Readiness>,
    ) -> Self {
        Self {
            about: About {
                name,
                version,
                description: None,
            },
            registry,
            readiness,
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            timeouts: Timeouts {
                usual: http.request_timeout,
                own: BTreeMap::new(),
            },
            access: None,
        }
    }

    /// What the OpenAPI document says of the service in a sentence or two.
    #[must_use]
    pub fn description(mut self, text: &'static str) -> Self {
        self.about.description = Some(text);
        self
    }

    /// Gives one route, written as it is registered, its own time-out; None where it bounds itself.
    #[must_use]
    pub fn timeout_for(mut self, path: &'static str, timeout: Option<Duration>) -> Self {
        self.timeouts.own.insert(path, timeout);
        self
    }

    /// Who may call; everybody unless told.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = Some(access);
        self
    }

    /// Bounds the body of a request (64 KiB unless told); a larger one is answered 413.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Adds `/livez`, `/readyz`, `/metrics`, `/api-docs/openapi.json`, `/swagger-ui`, the request's
    /// id, metrics, time-out, and a problem for whatever goes wrong.
    ///
    /// # Panics
    /// The registry has metrics of the kit's own names: it was given to another service before.
    pub fn assemble(self, api: OpenApiRouter) -> Router {
        let metrics = RequestMetrics::register(&self.registry)
            .and_then(|metrics| {
                service_metrics::register(&self.registry, self.about.name, self.about.version)?;
                Ok(Arc::new(metrics))
            })
            .expect("the kit's metrics are registered once");
        let api = api
            .merge(probes::router(self.readiness))
            .merge(service_metrics::router(self.registry));
        let (router, document) = openapi::split(api, &self.about);
        let openapi = openapi::router(&document).expect("an OpenAPI document is plain JSON");
        let mut router = router
            .merge(openapi)
            .fallback(route_not_found)
            .method_not_allowed_fallback(method_not_allowed);
        if let Some(access) = self.access {
            router = router.layer(from_fn_with_state(access, access::layer));
        }
        router
            .layer(from_fn(origin::layer))
            .layer(Extension(BodyLimit(self.max_body_bytes)))
            .layer(from_fn_with_state(
                Arc::new(self.timeouts),
                request_timeout::layer,
            ))
            .layer(CatchPanicLayer::custom(panics::answer))
            .layer(from_fn_with_state(metrics, request_metrics::layer))
            .layer(from_fn(request_id::layer))
    }
}

async fn route_not_found(uri: Uri) -> Problem {
    let detail = format!(
        "there is no {}; /swagger-ui shows what there is",
        uri.path()
    );
    Problem::not_found("route_not_found", detail)
}

/// axum adds the header `Allow`.
async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
