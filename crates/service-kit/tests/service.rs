//! What every service answers, apart from its own routes: asked of the assembled router.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use support::{Asked, ask, echo_service, get, post_json, request};

const PROBLEM: &str = "application/problem+json";

/// Asserts a problem of this status and code, and gives it for more.
fn problem(asked: &Asked, status: u16, code: &str) {
    assert_eq!(asked.status, status, "{}", asked.text);
    assert_eq!(asked.header("content-type"), PROBLEM);
    let document = asked.json();
    assert_eq!(document["code"], code);
    assert_eq!(document["status"], status);
    assert_eq!(
        document["type"],
        format!("urn:kafka-log-streaming-cluster:problem:{code}")
    );
    assert_eq!(document["requestId"], asked.header("x-request-id"));
}

#[tokio::test]
async fn the_routes_of_every_service_answer() {
    let router = echo_service();
    for path in [
        "/livez",
        "/readyz",
        "/metrics",
        "/api-docs/openapi.json",
        "/swagger-ui/",
    ] {
        assert_eq!(get(&router, path).await.status, 200, "{path}");
    }
    assert_eq!(
        get(&router, "/livez").await.json(),
        json!({"status": "alive"})
    );
    assert_eq!(
        get(&router, "/readyz").await.json(),
        json!({"status": "ready"})
    );
    let redirect = get(&router, "/swagger-ui").await;
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (303, "/swagger-ui/")
    );
}

#[tokio::test]
async fn swagger_ui_reads_the_document_and_needs_no_other_host() {
    let router = echo_service();
    let page = get(&router, "/swagger-ui/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(!page.text.contains("https://"), "{}", page.text);
    let script = get(&router, "/swagger-ui/swagger-initializer.js").await;
    assert!(
        script.text.contains("/api-docs/openapi.json"),
        "{}",
        script.text
    );
    problem(
        &get(&router, "/swagger-ui/nothing.js").await,
        404,
        "route_not_found",
    );
}

#[tokio::test]
async fn a_service_that_is_not_ready_says_what_it_waits_for() {
    let router = support::service_with(|service| service, || Err("no metadata yet".to_owned()));
    let asked = get(&router, "/readyz").await;
    problem(&asked, 503, "not_ready");
    assert_eq!(asked.json()["detail"], "no metadata yet");
    assert_eq!(asked.json()["retriable"], true);
    assert_eq!(asked.header("retry-after"), "5");
    assert_eq!(get(&router, "/livez").await.status, 200);
}

#[tokio::test]
async fn an_unknown_route_is_a_404_problem() {
    let asked = get(&echo_service(), "/api/nothing").await;
    problem(&asked, 404, "route_not_found");
    assert_eq!(
        asked.json()["detail"],
        "there is no /api/nothing; /swagger-ui shows what there is"
    );
}

#[tokio::test]
async fn a_method_that_a_route_does_not_take_is_405_with_allow() {
    let router = echo_service();
    let asked = ask(&router, request("DELETE", "/api/echo")).await;
    problem(&asked, 405, "method_not_allowed");
    let mut allowed: Vec<_> = asked.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    problem(
        &ask(&router, request("POST", "/livez")).await,
        405,
        "method_not_allowed",
    );
    problem(
        &ask(&router, request("POST", "/swagger-ui/")).await,
        405,
        "method_not_allowed",
    );
}

#[tokio::test]
async fn head_works_where_get_does() {
    let router = echo_service();
    for path in [
        "/livez",
        "/metrics",
        "/api/echo?text=a",
        "/api-docs/openapi.json",
    ] {
        let asked = ask(&router, request("HEAD", path)).await;
        assert_eq!((asked.status, asked.text.as_str()), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn a_panic_is_a_500_problem_that_tells_nothing_of_it() {
    let asked = get(&echo_service(), "/api/panic").await;
    problem(&asked, 500, "internal");
    assert!(!asked.text.contains("secret"), "{}", asked.text);
}

#[tokio::test]
async fn a_request_id_is_echoed_or_made_and_is_in_the_problem() {
    let router = echo_service();
    let with_id = |id: &str| {
        let mut request = request("GET", "/api/nothing");
        request
            .headers_mut()
            .insert("x-request-id", id.parse().unwrap());
        request
    };
    let given = ask(&router, with_id("abc-123")).await;
    assert_eq!(given.header("x-request-id"), "abc-123");
    assert_eq!(given.json()["requestId"], "abc-123");
    let forged = ask(&router, with_id("a\tlevel=ERROR")).await;
    assert!(!forged.header("x-request-id").contains("ERROR"));
    let made = get(&router, "/livez").await;
    let next = get(&router, "/livez").await;
    assert_ne!(made.header("x-request-id"), next.header("x-request-id"));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_504_and_a_change_is_outcome_unknown() {
    let router = support::service_with(
        |service| service.timeout_for("/api/slow", Some(Duration::from_millis(20))),
        || Ok(()),
    );
    let read = get(&router, "/api/slow").await;
    problem(&read, 504, "request_timeout");
    assert_eq!(read.json()["retriable"], true);
    let change = ask(&router, request("POST", "/api/slow")).await;
    problem(&change, 504, "outcome_unknown");
    assert_eq!(change.json()["retriable"], false);
}

#[tokio::test]
async fn a_route_that_bounds_itself_is_not_cut_off() {
    let router = support::service_within(Duration::from_millis(10), |service| {
        service.timeout_for("/api/slow", None)
    });
    let asked = tokio::time::timeout(Duration::from_millis(100), get(&router, "/api/slow")).await;
    assert!(
        asked.is_err(),
        "it answered: {:?}",
        asked.map(|asked| asked.text)
    );
}

#[tokio::test]
async fn metrics_are_text_0_0_4_and_count_requests_by_matched_route() {
    let router = echo_service();
    get(&router, "/api/items/a").await;
    get(&router, "/api/items/b").await;
    get(&router, "/wp-login.php").await;
    ask(&router, request("BREW", "/livez")).await;
    let asked = get(&router, "/metrics").await;
    assert_eq!(asked.header("content-type"), "text/plain; version=0.0.4");
    for line in [
        r#"http_requests_total{method="GET",path="/api/items/{name}",status="200"} 2"#,
        r#"http_requests_total{method="GET",path="unmatched",status="404"} 1"#,
        r#"http_requests_total{method="other",path="/livez",status="405"} 1"#,
        r#"http_request_duration_seconds_count{method="GET",path="/api/items/{name}"} 2"#,
        "http_requests_in_flight 1",
        r#"build_info{service="echo-service",version="1.2.3"} 1"#,
    ] {
        assert!(
            asked.text.lines().any(|l| l == line),
            "{line} is not in\n{}",
            asked.text
        );
    }
    assert!(!asked.text.contains("wp-login"));
    let resident = asked
        .text
        .lines()
        .find(|l| l.starts_with("process_resident_memory_bytes "));
    let bytes: f64 = resident
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert!(bytes > 1e6, "{bytes}");
}

#[tokio::test]
async fn a_request_whose_caller_went_away_is_counted_as_cancelled() {
    let router = echo_service();
    let asked = tokio::time::timeout(Duration::from_millis(20), get(&router, "/api/slow")).await;
    assert!(asked.is_err());
    let metrics = get(&router, "/metrics").await.text;
    let line = r#"http_requests_total{method="GET",path="/api/slow",status="cancelled"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
    assert!(
        metrics.contains("\nhttp_requests_in_flight 1\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_call_without_fields_refuses_parameters_by_name() {
    let router = echo_service();
    for path in [
        "/livez",
        "/readyz",
        "/metrics",
        "/api-docs/openapi.json",
        "/api/items/a",
    ] {
        let asked = get(&router, &format!("{path}?verbose=1")).await;
        problem(&asked, 400, "invalid_input");
        assert_eq!(asked.json()["errors"][0]["field"], "verbose");
        assert_eq!(asked.json()["errors"][0]["code"], "unknown_field");
    }
    let asked = ask(&router, post_json("/api/slow", r#"{"force":true}"#)).await;
    problem(&asked, 400, "invalid_input");
    assert_eq!(asked.json()["errors"][0]["field"], "force");
}

#[tokio::test]
async fn the_document_lists_every_route_and_every_listed_route_is_there() {
    let router = echo_service();
    let document = get(&router, "/api-docs/openapi.json").await.json();
    let listed: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let mut routes = support::routes(&router);
    routes.retain(|route| !route.starts_with("/swagger-ui"));
    assert!(routes.len() >= 8, "{routes:?}");
    assert_eq!(listed, routes);
}

#[tokio::test]
async fn every_operation_of_the_document_has_its_errors() {
    let document = get(&echo_service(), "/api-docs/openapi.json").await.json();
    let license = json!({"name": "MIT"});
    let info = json!({"title": "echo-service", "version": "1.2.3", "license": license});
    assert_eq!(document["info"], info);
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for status in ["400", "500", "504"] {
                let schema = &operation["responses"][status]["content"][PROBLEM]["schema"];
                assert_eq!(
                    schema["$ref"], "#/components/schemas/Problem",
                    "{method} {path}"
                );
            }
        }
    }
    let own = &document["paths"]["/api/echo"]["post"]["responses"];
    assert!(own["413"].is_object() && own["415"].is_object());
    for schema in ["Problem", "FieldError"] {
        assert!(
            document["components"]["schemas"][schema]["properties"].is_object(),
            "{schema}"
        );
    }
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    let asked = get(&echo_service(), "/api-docs/openapi.json").await;
    let document = asked.json();
    let references: Vec<_> = asked.text.split("\"$ref\":\"#").skip(1).collect();
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
#[should_panic(expected = "registered once")]
async fn a_registry_serves_one_service() {
    let registry = prometheus::Registry::new();
    for _ in 0..2 {
        let _ = support::assemble(
            &registry,
            Duration::from_secs(1),
            |service| service,
            Arc::new(|| Ok(())),
        );
    }
}
