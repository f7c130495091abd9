//! The HTTP interface, asked of the router, with no Kafka there.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use kafka_cluster::{Connection, KafkaCluster};
use load_test_service::kafka_watch::KafkaWatch;
use load_test_service::metrics::Metrics;
use load_test_service::runs::{Archive, Runner};
use load_test_service::settings::Settings;
use load_test_service::state::AppState;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A service whose Kafka is nowhere: port 1 refuses at once.
fn service() -> Router {
    let connection = Connection::new("127.0.0.1:1");
    let registry = prometheus::Registry::new();
    let metrics = Metrics::register(&registry, &[]).unwrap();
    let stop = CancellationToken::new();
    let state = AppState {
        cluster: KafkaCluster::connect(connection.clone()).unwrap(),
        runner: Runner::new(connection, metrics, Archive::in_memory(10), stop),
        protected_topics: Arc::new(["audit-logs".to_owned()]),
    };
    let settings = Settings::with_flags(&[]);
    load_test_service::router(state, KafkaWatch::default(), registry, &settings.http).unwrap()
}

async fn ask(method: &str, uri: &str, json: Option<&str>) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(uri);
    if json.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = json.map_or_else(Body::empty, |json| Body::from(json.to_owned()));
    let response = service()
        .oneshot(request.body(body).unwrap())
        .await
        .unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    )
}

async fn run(query: &str) -> (StatusCode, Value) {
    ask("POST", &format!("/api/loadtest/run?{query}"), None).await
}

fn field_errors(problem: &Value) -> Vec<(&str, &str)> {
    problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (
                error["field"].as_str().unwrap(),
                error["code"].as_str().unwrap(),
            )
        })
        .collect()
}

async fn refused(query: &str, field: &str, code: &str) {
    let (status, problem) = run(query).await;
    assert_eq!(status, 400, "{query}: {problem}");
    assert_eq!(field_errors(&problem), [(field, code)], "{query}");
}

#[tokio::test]
async fn an_event_count_outside_the_stated_limits_is_refused() {
    for count in ["0", "-1", "100000001", "99999999999999999999"] {
        let query = format!("eventCount={count}&topic=log-events");
        refused(&query, "eventCount", "out_of_range").await;
    }
    refused(
        "eventCount=abc&topic=log-events",
        "eventCount",
        "wrong_type",
    )
    .await;
    refused("topic=log-events", "eventCount", "missing").await;
}

#[tokio::test]
async fn every_other_field_is_bounded_too() {
    let with = |rest: &str| format!("eventCount=10&topic=log-events&{rest}");
    refused(&with("rate=0"), "rate", "out_of_range").await;
    refused(&with("rate=1000001"), "rate", "out_of_range").await;
    refused(
        &with("warmupEvents=1000001"),
        "warmupEvents",
        "out_of_range",
    )
    .await;
    refused(
        &with(&format!("label={}", "x".repeat(101))),
        "label",
        "too_long",
    )
    .await;
    refused(&with("label=a%0Ab"), "label", "invalid").await;
    for (field, value) in [
        ("producers", "17"),
        ("batchSizeBytes", "999"),
        ("batchSizeBytes", "2000001"),
        ("lingerMs", "10001"),
        ("eventSizeBytes", "349"),
        ("eventSizeBytes", "900001"),
        ("seed", "-1"),
    ] {
        refused(&with(&format!("{field}={value}")), field, "out_of_range").await;
    }
    refused("eventCount=10", "topic", "missing").await;
    refused("eventCount=10&topic=a%2Fb", "topic", "invalid").await;
    refused("eventCount=10&topic=..", "topic", "invalid").await;
}

#[tokio::test]
async fn a_schedule_longer_than_an_hour_is_refused() {
    refused(
        "eventCount=10000000&topic=log-events&rate=1",
        "rate",
        "too_low",
    )
    .await;
    refused(
        "durationSeconds=3600&topic=log-events&rate=1000000",
        "durationSeconds",
        "too_long",
    )
    .await;
    refused(
        "durationSeconds=3601&topic=log-events",
        "durationSeconds",
        "out_of_range",
    )
    .await;
}

#[tokio::test]
async fn what_contradicts_itself_is_refused() {
    let with = |rest: &str| format!("eventCount=10&topic=log-events&{rest}");
    for (rest, field) in [
        ("durationSeconds=5", "durationSeconds"),
        ("idempotence=true&acks=1", "idempotence"),
        ("profile=durable&acks=1", "acks"),
        ("profile=durable&idempotence=false", "idempotence"),
        ("verify=true&acks=0", "verify"),
        ("batchSizeBytes=1000001&compression=none", "batchSizeBytes"),
    ] {
        refused(&with(rest), field, "contradiction").await;
    }
    for (rest, field) in [
        ("compression=brotli", "compression"),
        ("acks=2", "acks"),
        ("profile=fast", "profile"),
        ("keys=random", "keys"),
    ] {
        refused(&with(rest), field, "unknown_value").await;
    }
    refused(
        &with("transactionalId=t"),
        "transactionalId",
        "unknown_field",
    )
    .await;
}

#[tokio::test]
async fn all_errors_are_named_at_once_and_unknown_fields_too() {
    let query = "eventCount=0&rate=0&acks=1&idempotence=true&compression=brotli&colour=red";
    let (status, problem) = run(query).await;
    assert_eq!(status, 400);
    assert_eq!(
        field_errors(&problem),
        [
            ("eventCount", "out_of_range"),
            ("topic", "missing"),
            ("rate", "out_of_range"),
            ("compression", "unknown_value"),
            ("idempotence", "contradiction"),
            ("colour", "unknown_field"),
        ]
    );
}

#[tokio::test]
async fn a_json_body_is_read_as_the_query_is() {
    let uri = "/api/loadtest/run";
    let body = r#"{"eventCount":0,"topic":"log-events"}"#;
    let (status, problem) = ask("POST", uri, Some(body)).await;
    assert_eq!(status, 400);
    assert_eq!(field_errors(&problem), [("eventCount", "out_of_range")]);
    let (status, problem) = ask("POST", uri, Some("{\"eventCount\":")).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &json!("malformed_json"))
    );
}

#[tokio::test]
async fn audit_logs_and_kafkas_own_topics_are_forbidden_without_asking_kafka() {
    for topic in ["audit-logs", "__consumer_offsets", "__transaction_state"] {
        // There is no Kafka: whoever asked it first would be told 503.
        let (status, problem) = run(&format!("eventCount=10&topic={topic}")).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::FORBIDDEN, &json!("forbidden"))
        );
    }
}

#[tokio::test]
async fn without_kafka_a_run_is_refused_within_five_seconds() {
    let begun = Instant::now();
    let (status, problem) = run("eventCount=10&topic=log-events").await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert_eq!(problem["retriable"], true);
}

#[tokio::test]
async fn stats_begin_at_zero_and_a_reset_answers_with_them() {
    let (status, stats) = ask("GET", "/api/loadtest/stats", None).await;
    assert_eq!(status, 200);
    assert_eq!(stats["totalSent"], 0);
    assert_eq!(stats["running"], Value::Null);
    assert_eq!(stats["recentRuns"], json!([]));
    let (status, reset) = ask("POST", "/api/loadtest/reset", None).await;
    assert_eq!(
        (status, &reset["totalAcknowledged"]),
        (StatusCode::OK, &json!(0))
    );
}

#[tokio::test]
async fn a_run_that_is_not_known_is_not_found_by_any_call() {
    for (method, uri) in [
        ("GET", "/api/loadtest/runs/0123456789abcdef"),
        ("GET", "/api/loadtest/runs/0123456789abcdef/progress"),
        ("DELETE", "/api/loadtest/runs/..%2F.."),
    ] {
        let (status, problem) = ask(method, uri, None).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::NOT_FOUND, &json!("run_not_found")),
            "{uri}"
        );
    }
}

#[tokio::test]
async fn a_sweep_and_a_comparison_are_checked_before_anything_is_sent() {
    let (status, problem) = ask(
        "POST",
        "/api/loadtest/sweep?objectiveP99Ms=0&minRate=5&maxRate=4&rate=1&x=1",
        None,
    )
    .await;
    assert_eq!(status, 400);
    let fields: Vec<_> = field_errors(&problem)
        .iter()
        .map(|(field, _)| *field)
        .collect();
    assert_eq!(fields, ["rate", "objectiveP99Ms", "maxRate", "topic", "x"]);
    let (status, problem) = ask("POST", "/api/loadtest/sweep?topic=audit-logs", None).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::FORBIDDEN, &json!("forbidden"))
    );

    let compare = "/api/loadtest/compare";
    let body = r#"{"a":{"topic":"t"},"b":{"topic":"t","eventCount":1,"y":1},"pairs":1}"#;
    let (status, problem) = ask("POST", compare, Some(body)).await;
    assert_eq!(status, 400);
    let fields: Vec<_> = field_errors(&problem)
        .iter()
        .map(|(field, _)| *field)
        .collect();
    assert_eq!(fields, ["a.eventCount", "b.y", "pairs"]);
    let body = r#"{"a":{"topic":"t","eventCount":1},"b":{"topic":"audit-logs","eventCount":1}}"#;
    let (status, _) = ask("POST", compare, Some(body)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, problem) = ask("POST", "/api/loadtest/sweep?topic=t", None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
}

#[tokio::test]
async fn the_list_begins_empty_and_its_pages_are_bounded() {
    let (status, list) = ask("GET", "/api/loadtest/runs", None).await;
    assert_eq!((status, list), (StatusCode::OK, json!({"runs": []})));
    for limit in ["0", "501", "-1", "many"] {
        let uri = format!("/api/loadtest/runs?limit={limit}");
        let (status, problem) = ask("GET", &uri, None).await;
        assert_eq!(status, 400, "{limit}");
        assert_eq!(field_errors(&problem)[0].0, "limit");
    }
}

#[tokio::test]
async fn calls_without_fields_refuse_unknown_ones_by_name() {
    for (method, uri) in [
        ("GET", "/api/loadtest/stats?x=1"),
        ("POST", "/api/loadtest/reset?x=1"),
        ("GET", "/api/loadtest/runs?x=1"),
        ("GET", "/api/loadtest/runs/a?x=1"),
        ("GET", "/api/loadtest/runs/a/progress?x=1"),
        ("DELETE", "/api/loadtest/runs/a?x=1"),
    ] {
        let (status, problem) = ask(method, uri, None).await;
        assert_eq!(status, 400, "{uri}");
        assert_eq!(field_errors(&problem), [("x", "unknown_field")]);
    }
}

#[tokio::test]
async fn a_service_that_has_not_seen_kafka_is_alive_and_not_ready() {
    assert_eq!(ask("GET", "/livez", None).await.0, 200);
    let (status, problem) = ask("GET", "/readyz", None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("no broker has answered")
    );
}

#[tokio::test]
async fn every_route_stands_in_the_openapi_document_with_its_fields() {
    let (_, document) = ask("GET", "/api-docs/openapi.json", None).await;
    let run = &document["paths"]["/api/loadtest/run"]["post"];
    let parameters: Vec<_> = run["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| {
            (
                parameter["name"].as_str().unwrap(),
                parameter["required"] == true,
            )
        })
        .collect();
    assert_eq!(
        parameters,
        [
            ("eventCount", false),
            ("durationSeconds", false),
            ("topic", true),
            ("rate", false),
            ("profile", false),
            ("producers", false),
            ("acks", false),
            ("idempotence", false),
            ("compression", false),
            ("batchSizeBytes", false),
            ("lingerMs", false),
            ("keys", false),
            ("eventSizeBytes", false),
            ("warmupEvents", false),
            ("verify", false),
            ("seed", false),
            ("cleanup", false),
            ("force", false),
            ("label", false),
            ("Prefer", false),
        ]
    );
    for status in ["200", "202", "400", "403", "404", "409", "422", "503"] {
        assert!(run["responses"][status].is_object(), "{status}");
    }
    assert!(document["paths"]["/api/loadtest/stats"]["get"].is_object());
    let runs = &document["paths"]["/api/loadtest/runs/{id}"];
    assert!(runs["get"]["responses"]["404"].is_object());
    assert!(runs["delete"]["responses"]["409"].is_object());
    assert!(document["paths"]["/api/loadtest/reset"]["post"]["responses"]["409"].is_object());
}
