//! A service with a few routes, and asking it without a socket.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use axum::{Json, Router};
use prometheus::Registry;
use serde_json::{Value, json};
use service_kit::problem::InputProblems;
use service_kit::settings::HttpSettings;
use service_kit::{Fields, FromFields, Input, NoInput, PathParam, Readiness, Service};
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// An answer, read to its end.
pub struct Asked {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Asked {
    /// A header's text, empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

pub fn request(method: &str, uri: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(uri)
        .body(Body::empty())
        .unwrap()
}

pub fn post_json(uri: &str, body: impl Into<Body>) -> Request<Body> {
    let mut request = request("POST", uri);
    request
        .headers_mut()
        .insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    *request.body_mut() = body.into();
    request
}

pub async fn ask(router: &Router, request: Request<Body>) -> Asked {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Asked {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

pub async fn get(router: &Router, uri: &str) -> Asked {
    ask(router, request("GET", uri)).await
}

/// Ready, with a generous time-out.
pub fn echo_service() -> Router {
    service_with(|service| service, || Ok(()))
}

pub fn service_with(
    change: impl FnOnce(Service) -> Service,
    readiness: impl Fn() -> Result<(), String> + Send + Sync + 'static,
) -> Router {
    assemble(
        &Registry::new(),
        Duration::from_secs(60),
        change,
        Arc::new(readiness),
    )
}

pub fn service_within(timeout: Duration, change: impl FnOnce(Service) -> Service) -> Router {
    assemble(&Registry::new(), timeout, change, Arc::new(|| Ok(())))
}

pub fn assemble(
    registry: &Registry,
    request_timeout: Duration,
    change: impl FnOnce(Service) -> Service,
    readiness: Arc<dyn Readiness>,
) -> Router {
    let http = HttpSettings {
        tokens_file: None,
        listen_without_tokens: false,
        request_timeout,
        drain_timeout: Duration::from_secs(1),
    };
    let service = Service::new("echo-service", "1.2.3", &http, registry.clone(), readiness);
    let api = OpenApiRouter::new()
        .routes(routes!(echo_query, echo_body))
        .routes(routes!(item))
        .routes(routes!(slow, slow_change))
        .routes(routes!(panics));
    change(service).assemble(api)
}

/// The routes of a router, sorted, without the two that axum makes of the fallback. axum shows them
/// only in its debug output.
pub fn routes(router: &Router) -> Vec<String> {
    let debug = format!("{router:?}");
    let quoted = debug.split('"').skip(1).step_by(2);
    let mut routes: Vec<_> = quoted
        .filter(|text| text.starts_with('/'))
        .map(str::to_owned)
        .collect();
    routes.retain(|route| route != "/" && !route.contains("__private"));
    routes.sort_unstable();
    routes.dedup();
    routes
}

pub struct Echo {
    pub text: String,
    pub times: i32,
}

impl FromFields for Echo {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let text = fields.required("text");
        let times = fields.with_default_in("times", 1..=10, 1);
        Some(Self {
            text: text?,
            times: times?,
        })
    }
}

/// Says it again.
#[utoipa::path(get, path = "/api/echo", responses((status = 200, description = "the text"), InputProblems))]
async fn echo_query(Input(echo): Input<Echo>) -> Json<Value> {
    Json(json!({"text": echo.text, "times": echo.times}))
}

/// Says it again.
#[utoipa::path(post, path = "/api/echo", responses((status = 200, description = "the text"), InputProblems))]
async fn echo_body(Input(echo): Input<Echo>) -> Json<Value> {
    Json(json!({"text": echo.text, "times": echo.times}))
}

/// A path parameter.
#[utoipa::path(
    get,
    path = "/api/items/{name}",
    params(("name" = String, Path)),
    responses((status = 200, description = "the name"))
)]
async fn item(PathParam(name): PathParam<String>, _: NoInput) -> String {
    name
}

/// Never answers.
#[utoipa::path(get, path = "/api/slow", responses((status = 200, description = "never")))]
async fn slow(_: NoInput) -> String {
    std::future::pending().await
}

/// Never answers.
#[utoipa::path(post, path = "/api/slow", responses((status = 200, description = "never")))]
async fn slow_change(_: NoInput) -> String {
    std::future::pending().await
}

/// Panics.
#[utoipa::path(get, path = "/api/panic", responses((status = 200, description = "never")))]
async fn panics(_: NoInput) -> String {
    panic!("the secret is 42");
}
