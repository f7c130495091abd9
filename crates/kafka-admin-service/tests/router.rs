//! The router without Kafka: what bad input gets, and what everything gets while no broker is there.

#![allow(
    clippy::unwrap_used,
    reason = "a test's helpers fail by panicking, as tests do"
)]

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use clap::Parser;
use http_body_util::BodyExt;
use kafka_admin_service::{App, Settings};
use serde_json::{Value, json};
use service_kit::Role;
use service_kit::access::NewToken;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Nothing listens on port 1.
const NO_BROKER: &str = "127.0.0.1:1";

fn app(arguments: &[&str]) -> App {
    let always = ["kafka-admin-service", "--bootstrap-servers", NO_BROKER];
    let settings = Settings::parse_from([&always, arguments].concat());
    App::new(&settings, CancellationToken::new()).unwrap()
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    json: Value,
}

async fn send(app: &App, request: Request<Body>) -> Answer {
    let response = app.router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    note_code(status, &json);
    Answer {
        status,
        headers,
        json,
    }
}

/// For `./test.sh`, which wants to see every documented code.
fn note_code(status: StatusCode, problem: &Value) {
    let folder = std::env::var_os("PROBLEM_CODES_SEEN");
    let code = problem["code"].as_str();
    if let (Some(folder), Some(code), true) = (folder, code, status.as_u16() >= 400) {
        std::fs::write(std::path::PathBuf::from(folder).join(code), "").unwrap();
    }
}

async fn call(app: &App, method: Method, uri: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .body(Body::empty())
        .unwrap();
    send(app, request).await
}

async fn post_json(app: &App, uri: &str, body: &str) -> Answer {
    let request = Request::post(uri)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    send(app, request).await
}

fn fields(answer: &Answer) -> Vec<&str> {
    let errors = answer.json["errors"].as_array();
    errors.map_or(Vec::new(), |errors| {
        errors
            .iter()
            .map(|error| error["field"].as_str().unwrap())
            .collect()
    })
}

fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.json);
    assert_eq!(answer.json["code"], code, "{}", answer.json);
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "application/problem+json"
    );
}

#[tokio::test]
async fn a_bad_query_is_a_400_that_names_the_field() {
    let app = app(&[]);
    let long = "n".repeat(250);
    let cases = [
        ("", "topicName", "missing"),
        ("topicName=", "topicName", "empty"),
        ("topicName=a%2Fb", "topicName", "invalid_character"),
        ("topicName=.", "topicName", "reserved"),
        ("topicName=..", "topicName", "reserved"),
        (
            "topicName=gr%C3%B6%C3%9Fe",
            "topicName",
            "invalid_character",
        ),
        (&format!("topicName={long}"), "topicName", "too_long"),
        ("topicName=a&topicName=b", "topicName", "duplicate"),
        ("topicName=a&partitions=0", "partitions", "out_of_range"),
        ("topicName=a&partitions=-1", "partitions", "out_of_range"),
        (
            "topicName=a&partitions=100001",
            "partitions",
            "out_of_range",
        ),
        (
            "topicName=a&partitions=99999999999",
            "partitions",
            "out_of_range",
        ),
        ("topicName=a&partitions=abc", "partitions", "wrong_type"),
        ("topicName=a&partitions=", "partitions", "wrong_type"),
        (
            "topicName=a&replicationFactor=0",
            "replicationFactor",
            "out_of_range",
        ),
        (
            "topicName=a&replicationFactor=32768",
            "replicationFactor",
            "out_of_range",
        ),
        ("topicName=a&replicas=3", "replicas", "unknown_field"),
        ("topicName=a&configs=x", "configs", "json_only"),
    ];
    for (query, field, code) in cases {
        let answer = call(&app, Method::POST, &format!("/api/topics?{query}")).await;
        assert_problem(&answer, 400, "invalid_input");
        assert_eq!(fields(&answer), [field], "{query}");
        assert_eq!(answer.json["errors"][0]["code"], code, "{query}");
    }
}

#[tokio::test]
async fn every_wrong_field_of_a_body_is_told_at_once() {
    let app = app(&[]);
    let body = json!({
        "topicName": 7, "partitions": "12", "replicationFactor": 1.5,
        "configs": {"retention.ms": [1]}, "colour": "red",
    });
    let answer = post_json(&app, "/api/topics", &body.to_string()).await;
    assert_problem(&answer, 400, "invalid_input");
    assert_eq!(
        fields(&answer),
        [
            "topicName",
            "partitions",
            "replicationFactor",
            "configs",
            "colour"
        ]
    );
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    let app = app(&[]);
    let answer = post_json(&app, "/api/topics", "{\"topicName\": ").await;
    assert_problem(&answer, 400, "malformed_json");
    let answer = post_json(&app, "/api/topics", "[]").await;
    assert_problem(&answer, 400, "malformed_json");
    let answer = post_json(&app, "/api/topics?topicName=a", "{\"topicName\": \"a\"}").await;
    assert_problem(&answer, 400, "query_and_body");
    let request = Request::post("/api/topics")
        .body(Body::from("topicName=a"))
        .unwrap();
    assert_problem(&send(&app, request).await, 415, "unsupported_media_type");
    let large = format!("{{\"topicName\": \"{}\"}}", "n".repeat(1_100_000));
    assert_problem(
        &post_json(&app, "/api/topics", &large).await,
        413,
        "payload_too_large",
    );
}

#[tokio::test]
async fn a_name_in_the_path_is_validated_like_one_in_the_query() {
    let app = app(&[]);
    let long = format!("/api/topics/{}", "n".repeat(250));
    for uri in [
        "/api/topics/a%2Fb",
        "/api/topics/%2E%2E",
        "/api/topics/a%20b",
        long.as_str(),
    ] {
        for method in [Method::GET, Method::DELETE] {
            let answer = call(&app, method, uri).await;
            assert_problem(&answer, 400, "invalid_input");
            assert_eq!(fields(&answer), ["name"], "{uri}");
        }
    }
    let answer = call(&app, Method::DELETE, "/api/topics/a%FFb").await;
    assert_problem(&answer, 400, "invalid_input");
}

#[tokio::test]
async fn internal_topics_are_neither_created_nor_deleted() {
    let app = app(&[]);
    for name in [
        "__consumer_offsets",
        "__transaction_state",
        "__not_there_yet",
    ] {
        let answer = call(&app, Method::DELETE, &format!("/api/topics/{name}")).await;
        assert_problem(&answer, 403, "forbidden");
        let answer = call(&app, Method::POST, &format!("/api/topics?topicName={name}")).await;
        assert_problem(&answer, 403, "forbidden");
    }
}

#[tokio::test]
async fn unknown_parameters_are_refused_where_none_are_taken() {
    let app = app(&[]);
    for (method, uri) in [
        (Method::GET, "/api/topics?verbose=1"),
        (Method::GET, "/api/topics/a?verbose=1"),
        (Method::DELETE, "/api/topics/a?verbose=1"),
        (Method::GET, "/api/declared-topics?verbose=1"),
    ] {
        let answer = call(&app, method, uri).await;
        assert_problem(&answer, 400, "invalid_input");
        assert_eq!(fields(&answer), ["verbose"], "{uri}");
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_problems_too() {
    let app = app(&[]);
    assert_problem(
        &call(&app, Method::GET, "/api/topic").await,
        404,
        "route_not_found",
    );
    assert_problem(
        &call(&app, Method::GET, "/api/topics/a/b").await,
        404,
        "route_not_found",
    );
    assert_problem(
        &call(&app, Method::PUT, "/api/topics").await,
        405,
        "method_not_allowed",
    );
    assert_problem(
        &call(&app, Method::PATCH, "/api/topics/a").await,
        405,
        "method_not_allowed",
    );
}

#[tokio::test]
async fn without_a_broker_every_call_is_answered_within_five_seconds() {
    let app = app(&[]);
    let begun = Instant::now();
    let answers = tokio::join!(
        call(&app, Method::GET, "/api/topics"),
        call(&app, Method::GET, "/api/topics/a"),
        call(&app, Method::POST, "/api/topics?topicName=a"),
        call(&app, Method::DELETE, "/api/topics/a"),
    );
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        assert_problem(&answer, 503, "kafka_unreachable");
        assert!(answer.headers.contains_key(header::RETRY_AFTER));
        assert_eq!(answer.json["retriable"], true);
    }
}

#[tokio::test]
async fn requests_beyond_the_bound_are_told_to_come_back() {
    let app = app(&["--max-concurrent-requests", "1"]);
    let (first, second) = tokio::join!(
        call(&app, Method::GET, "/api/topics"),
        call(&app, Method::GET, "/api/topics"),
    );
    assert_problem(&first, 503, "kafka_unreachable");
    assert_problem(&second, 503, "too_busy");
    assert_eq!(second.headers[header::RETRY_AFTER], "1");
    // Bad input costs Kafka nothing, and reports and probes are not bounded at all.
    assert_eq!(
        call(&app, Method::GET, "/api/declared-topics").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_service_without_audit_says_so() {
    let answer = call(&app(&[]), Method::GET, "/api/audit").await;
    assert_problem(&answer, 404, "no_audit");
}

#[tokio::test]
async fn a_document_that_is_no_text_is_unreadable() {
    let request = Request::post("/api/plan")
        .header(header::CONTENT_TYPE, "application/yaml")
        .body(Body::from(vec![0xff, 0xfe]))
        .unwrap();
    let answer = send(&app(&[]), request).await;
    assert_problem(&answer, 400, "unreadable_body");
}

#[tokio::test]
async fn a_key_whose_first_call_is_under_way_is_in_use() {
    let app = app(&[]);
    let create = || {
        let request = Request::post("/api/topics?topicName=a")
            .header("idempotency-key", "k")
            .body(Body::empty());
        send(&app, request.unwrap())
    };
    let (first, second) = tokio::join!(create(), create());
    assert_problem(&first, 503, "kafka_unreachable");
    assert_problem(&second, 409, "idempotency_key_in_use");
    assert_eq!(second.headers[header::RETRY_AFTER], "1");
}

#[tokio::test]
async fn declared_topics_are_unknown_and_the_service_not_ready_before_they_were_looked_for() {
    let file = declared("topics:\n  - {name: a, partitions: 1, replicationFactor: 1}\n");
    let path = file.path().to_str().unwrap();
    let app = app(&["--topics-file", path]);
    let report = call(&app, Method::GET, "/api/declared-topics").await;
    assert_eq!(report.status, StatusCode::OK);
    assert_eq!(
        report.json,
        json!({
            "document": path, "applied": false, "checkTime": null,
            "topics": [{
                "topicName": "a", "state": "unknown", "createdTime": null,
                "reason": "not compared yet", "differences": [],
            }],
        })
    );
    let ready = call(&app, Method::GET, "/readyz").await;
    assert_problem(&ready, 503, "not_ready");
    assert!(
        ready.json["detail"]
            .as_str()
            .unwrap()
            .contains("a: not compared yet")
    );
    assert_eq!(
        call(&app, Method::GET, "/livez").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn without_declared_topics_the_service_is_ready_at_once() {
    let app = app(&[]);
    assert_eq!(
        call(&app, Method::GET, "/readyz").await.status,
        StatusCode::OK
    );
    let report = call(&app, Method::GET, "/api/declared-topics").await;
    assert_eq!(
        report.json,
        json!({"document": null, "applied": true, "checkTime": null, "topics": []})
    );
}

#[test]
fn a_wrong_document_stops_the_start_with_its_line() {
    let file = declared("topics:\n  - name: a\n    partitions: 1\n    replicas: 1\n");
    let path = file.path().to_str().unwrap();
    let settings = Settings::parse_from(["kafka-admin-service", "--topics-file", path]);
    let told = format!(
        "{:#}",
        App::new(&settings, CancellationToken::new()).err().unwrap()
    );
    assert!(
        told.starts_with(&format!("declared topics in {path}: line 4: unknown field")),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1);

    let settings = Settings::parse_from(["kafka-admin-service", "--topics-file", "no/such.yml"]);
    let told = format!(
        "{:#}",
        App::new(&settings, CancellationToken::new()).err().unwrap()
    );
    assert!(told.contains("no/such.yml"), "{told}");
}

#[tokio::test]
async fn every_route_is_in_the_openapi_document_with_its_error_answers() {
    let document = call(&app(&[]), Method::GET, "/api-docs/openapi.json")
        .await
        .json;
    let expected = [
        (
            "/api/topics",
            "get",
            &["200", "400", "502", "503", "504"][..],
        ),
        (
            "/api/topics",
            "post",
            &[
                "201", "202", "400", "403", "409", "413", "415", "422", "502", "503", "504",
            ],
        ),
        (
            "/api/topics/{name}",
            "get",
            &["200", "400", "404", "503", "504"],
        ),
        (
            "/api/topics/{name}",
            "delete",
            &["202", "204", "400", "403", "404", "422", "503", "504"],
        ),
        ("/api/declared-topics", "get", &["200", "400"]),
    ];
    for (path, method, statuses) in expected {
        let operation = &document["paths"][path][method];
        assert!(operation["summary"].is_string(), "{method} {path}");
        for status in statuses {
            let response = &operation["responses"][status];
            assert!(
                response["description"].is_string(),
                "{method} {path} {status}"
            );
        }
    }
    let create = &document["paths"]["/api/topics"]["post"];
    let conflict = create["responses"]["409"]["description"].as_str().unwrap();
    assert!(conflict.contains("topic_deletion_pending"), "{conflict}");
    let refused = create["responses"]["422"]["description"].as_str().unwrap();
    assert!(refused.contains("brokersMissing"), "{refused}");
    let unavailable = create["responses"]["503"]["description"].as_str().unwrap();
    assert!(unavailable.contains("topic_busy"), "{unavailable}");
}

/// `docs/API.md` and the OpenAPI document name the same calls.
#[tokio::test]
async fn every_call_is_in_the_api_s_page_and_every_call_of_the_page_is_there() {
    let page = include_str!("../../../docs/API.md");
    let document = call(&app(&[]), Method::GET, "/api-docs/openapi.json")
        .await
        .json;
    let mut served = std::collections::BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            if path.starts_with("/api/") {
                served.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    // Code spans such as `GET /api/topics`.
    let spans = page.split('`').filter(|span| !span.contains('\n'));
    let named: std::collections::BTreeSet<String> = spans
        .filter(|span| span.split_once(" /api/").is_some())
        .map(|span| span.split('?').next().unwrap().to_owned())
        .collect();
    assert_eq!(named, served);
}

/// What no call of the document answers.
const OF_NO_CALL: [&str; 2] = ["route_not_found", "method_not_allowed"];

/// Each code that the OpenAPI document tells is in the table of `docs/API.md`, and the other way round.
#[tokio::test]
async fn the_problem_codes_of_the_api_s_page_and_of_the_openapi_document_are_the_same() {
    let page = include_str!("../../../docs/API.md");
    let table = page.split("## Problem codes").nth(1).unwrap();
    let document = call(&app(&[]), Method::GET, "/api-docs/openapi.json")
        .await
        .json;
    let operations = document["paths"].as_object().unwrap().values();
    let operations = operations.flat_map(|path| path.as_object().unwrap().values());
    let mut told = std::collections::BTreeSet::new();
    for operation in operations {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let is_problem = response["content"]["application/problem+json"].is_object();
            let description = response["description"].as_str().unwrap();
            let words = description.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
            let words = words.filter(|word| is_problem && !word.is_empty());
            told.extend(words.clone());
            for code in words.filter(|word| word.contains('_')) {
                let cell = format!("`{code}`");
                let row = table.lines().find(|line| line.contains(&cell));
                let row = row.unwrap_or_else(|| panic!("{code} is not in docs/API.md"));
                assert!(row.contains(status), "{code} is {status}: {row}");
            }
        }
    }
    let cells = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let codes = cells.flat_map(|line| line.split(" |").next().unwrap().split('`'));
    let codes: Vec<_> = codes.filter(|code| !code.contains([',', ' '])).collect();
    assert!(codes.len() > 50, "the table was not read: {codes:?}");
    let untold = codes
        .iter()
        .filter(|code| !code.is_empty() && !told.contains(*code));
    assert_eq!(
        untold.collect::<Vec<_>>(),
        OF_NO_CALL.iter().collect::<Vec<_>>()
    );
}

/// What layers take and answer is told of every write.
#[tokio::test]
async fn every_write_tells_its_remarks_and_what_keeps_it_from_being_done() {
    let document = call(&app(&[]), Method::GET, "/api-docs/openapi.json")
        .await
        .json;
    let mut writes = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if method == "get" || path == "/api/plan" {
                continue;
            }
            writes += 1;
            let parameters = operation["parameters"].as_array().unwrap().iter();
            let names: Vec<_> = parameters
                .map(|one| one["name"].as_str().unwrap())
                .collect();
            for name in ["reason", "breakGlass"] {
                let count = names.iter().filter(|given| **given == name).count();
                assert_eq!(count, 1, "{method} {path} {name}");
            }
            for (status, code) in [
                ("403", "read_only"),
                ("403", "foreign_origin"),
                ("503", "audit_unavailable"),
            ] {
                let response = &operation["responses"][status];
                let description = response["description"].as_str().unwrap();
                assert!(description.contains(code), "{method} {path} {code}");
            }
        }
    }
    assert!(writes > 15, "{writes}");
}

#[tokio::test]
async fn a_topic_that_breaks_guard_rails_is_refused_before_kafka_is_asked() {
    let app = app(&[
        "--guard-topic-name=team-.*",
        "--guard-min-replication-factor=3",
        "--guard-protected-topics=team-audit*",
    ]);
    let call_text = "/api/topics?topicName=orders&replicationFactor=2";
    let answer = call(&app, Method::POST, call_text).await;
    assert_problem(&answer, 422, "guard_violation");
    assert_eq!(fields(&answer), ["topicName", "replicationFactor"]);
    let answer = call(&app, Method::DELETE, "/api/topics/team-audit-1").await;
    assert_problem(&answer, 403, "protected_topic");
    let answer = call(
        &app,
        Method::DELETE,
        "/api/topics/team-audit-1/records?beforeOffset=1",
    )
    .await;
    assert_problem(&answer, 403, "protected_topic");
}

#[tokio::test]
async fn nothing_is_produced_to_or_deleted_from_an_audit_log_whatever_its_name() {
    let app = app(&["--audit-topic=who-did-what"]);
    for topic in ["audit-logs", "who-did-what"] {
        let path = format!("/api/topics/{topic}");
        for (method, uri) in [
            (Method::DELETE, path.clone()),
            (Method::DELETE, format!("{path}/records?beforeOffset=1")),
        ] {
            let look = format!(
                "{uri}{}validateOnly=true",
                if uri.contains('?') { '&' } else { '?' }
            );
            let answer = call(&app, method, &look).await;
            assert_problem(&answer, 403, "protected_topic");
        }
    }
    // Without an audit there is no intent to wait for.
    let app = self::app(&[]);
    let answer = call(&app, Method::POST, "/api/topics/audit-logs/records?value=x").await;
    assert_problem(&answer, 403, "protected_topic");
}

#[tokio::test]
async fn a_read_only_service_changes_nothing_and_no_foreign_page_writes() {
    let read_only = app(&["--read-only=true"]);
    for (method, uri) in [
        (Method::POST, "/api/topics?topicName=a"),
        (Method::DELETE, "/api/topics/a"),
        (Method::PATCH, "/api/topics/a/configs"),
        (Method::POST, "/api/groups/g/offsets/undo"),
        (Method::POST, "/api/apply?hash=0"),
    ] {
        assert_problem(&call(&read_only, method, uri).await, 403, "read_only");
    }
    // Asking is not writing: these get as far as Kafka, or to the body that is missing.
    for (method, uri) in [
        (Method::GET, "/api/topics/a"),
        (Method::POST, "/api/topics?topicName=a&validateOnly=true"),
        (Method::DELETE, "/api/topics/a?validateOnly=true"),
        (Method::POST, "/api/groups/g/offsets/reset?to=latest"),
    ] {
        let answer = call(&read_only, method, uri).await;
        assert_problem(&answer, 503, "kafka_unreachable");
    }
    for contradicted in [
        "/api/topics?topicName=a&validateOnly=false",
        "/api/topics?topicName=a&validateOnly=true&validateOnly=false",
    ] {
        let answer = call(&read_only, Method::POST, contradicted).await;
        assert_problem(&answer, 403, "read_only");
    }
    // What is in the query decides alone: a body beside it is refused.
    let only = "/api/topics?validateOnly=true";
    let body = json!({"topicName": "a", "validateOnly": false}).to_string();
    let answer = post_json(&read_only, only, &body).await;
    assert_problem(&answer, 400, "query_and_body");
    let reset = "/api/groups/g/offsets/reset?to=latest";
    let answer = post_json(&read_only, reset, r#"{"execute": true}"#).await;
    assert_problem(&answer, 400, "query_and_body");
    let answer = call(&read_only, Method::POST, "/api/plan").await;
    assert_problem(&answer, 415, "unsupported_media_type");

    let page = Request::post("/api/topics?topicName=a")
        .header(header::HOST, "localhost:8081")
        .header(header::ORIGIN, "https://example.org")
        .body(Body::empty())
        .unwrap();
    assert_problem(&send(&app(&[]), page).await, 403, "foreign_origin");
}

#[tokio::test]
async fn wrong_fields_of_the_other_calls_are_named_too() {
    let app = app(&[]);
    let cases = [
        (Method::GET, "/api/topics?limit=0", "limit"),
        (Method::DELETE, "/api/topics/a?force=true", "reason"),
        (Method::DELETE, "/api/topics/a?force=yes", "force"),
        (Method::POST, "/api/topics/a/partitions", "partitions"),
        (
            Method::POST,
            "/api/topics/a/partitions?partitions=0",
            "partitions",
        ),
        (Method::POST, "/api/elections?unclean=true", "unclean"),
        (Method::DELETE, "/api/topics/a/records", "beforeOffset"),
        (
            Method::DELETE,
            "/api/topics/a/records?beforeTime=noon",
            "beforeTime",
        ),
        (Method::GET, "/api/topics/a/records?limit=1001", "limit"),
        (
            Method::GET,
            "/api/topics/a/records?time=2020-01-01T00:00:00Z&last=1",
            "offset",
        ),
        (Method::POST, "/api/topics/a/records", "value"),
        (Method::GET, "/api/groups?limit=501", "limit"),
        (Method::GET, "/api/groups?state=Idle", "state"),
        (Method::POST, "/api/groups/g/offsets/reset?to=ago", "agoMs"),
        (Method::POST, "/api/groups/g/offsets/undo?to=latest", "to"),
        (
            Method::POST,
            "/api/groups/g/offsets/reset?to=latest&execute=true&validateOnly=true",
            "validateOnly",
        ),
        (
            Method::POST,
            "/api/groups/g/offsets/undo?execute=true&validateOnly=true",
            "validateOnly",
        ),
        (Method::POST, "/api/apply?validateOnly=false", "hash"),
        (
            Method::PATCH,
            "/api/topics/a/configs?validateOnly=true",
            "configs",
        ),
        (Method::PUT, "/api/brokers/1/configs?replace=1", "replace"),
        (Method::DELETE, "/api/groups/g/offsets", "topics"),
        (Method::GET, "/api/brokers/one/configs", "id"),
        (Method::PATCH, "/api/topics/a/configs", "configs"),
    ];
    for (method, uri, field) in cases {
        let answer = call(&app, method, uri).await;
        assert_problem(&answer, 400, "invalid_input");
        assert_eq!(fields(&answer), [field], "{uri}");
    }
}

#[tokio::test]
async fn the_metrics_start_with_every_outcome_and_state() {
    let response = app(&[])
        .router
        .oneshot(Request::get("/metrics").body(Body::empty()).unwrap())
        .await
        .unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    for line in [
        "kafka_admin_topic_creations_total{outcome=\"done\"} 0",
        "kafka_admin_topic_deletions_total{outcome=\"outcome_unknown\"} 0",
        "kafka_admin_declared_topics{state=\"in_sync\"} 0",
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\n{text}");
    }
}

fn declared(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// With tokens a call needs one, of a role and for topics that allow it; probes need none.
#[tokio::test]
async fn a_token_is_asked_for_and_allows_what_its_role_and_its_topics_allow() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    let make = |name, role, topics| NewToken::make(name, role, topics).unwrap();
    let viewer = make("dashboard", Role::Viewer, "*");
    let operator = make("ci", Role::Operator, "app-*");
    std::fs::write(&file, format!("{}\n{}\n", viewer.line, operator.line)).unwrap();
    let app = app(&[&format!("--tokens-file={}", file.display())]);
    let with = async |token: &str, method: &str, uri: &str| {
        let request = Request::builder().method(method).uri(uri);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        send(&app, request.body(Body::empty()).unwrap()).await
    };
    let nobody = call(&app, Method::GET, "/api/topics").await;
    assert_problem(&nobody, 401, "unauthenticated");
    let challenge = nobody.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.starts_with("Bearer"), "{challenge}");
    let wrong = with("guess", "GET", "/api/topics").await;
    assert_problem(&wrong, 401, "unauthenticated");
    for open in ["/livez", "/metrics", "/api-docs/openapi.json"] {
        let answer = call(&app, Method::GET, open).await;
        assert_eq!(answer.status.as_u16(), 200, "{open}");
    }

    // Allowed calls come as far as Kafka, of which there is none.
    let make_topic = "/api/topics?topicName=app-1";
    let plan_topic = "/api/topics?topicName=app-1&validateOnly=true";
    for (method, look) in [
        ("GET", "/api/topics"),
        ("POST", plan_topic),
        ("DELETE", "/api/topics/app-1?validateOnly=true"),
        ("POST", "/api/groups/g/offsets/reset?to=latest"),
    ] {
        let looked = with(&viewer.secret, method, look).await;
        assert_problem(&looked, 503, "kafka_unreachable");
    }
    for write in [
        make_topic,
        "/api/topics?topicName=app-1&validateOnly=false",
        "/api/topics?topicName=app-1&validateOnly=true&validateOnly=false",
        "/api/groups/g/offsets/reset?to=latest&execute=true",
    ] {
        let refused = with(&viewer.secret, "POST", write).await;
        assert_problem(&refused, 403, "role_forbidden");
    }
    let allowed = with(&operator.secret, "POST", make_topic).await;
    assert_problem(&allowed, 503, "kafka_unreachable");
    let deleted = with(&operator.secret, "DELETE", "/api/topics/app-1").await;
    assert_problem(&deleted, 403, "role_forbidden");
    for (method, uri) in [
        ("POST", "/api/topics?topicName=orders&validateOnly=true"),
        ("DELETE", "/api/topics/orders?validateOnly=true"),
        ("GET", "/api/topics/orders"),
        ("POST", "/api/groups/g/offsets/reset?to=latest"),
    ] {
        let refused = with(&operator.secret, method, uri).await;
        assert_problem(&refused, 403, "topic_forbidden");
    }
}
