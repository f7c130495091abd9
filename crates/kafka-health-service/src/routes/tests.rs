//! The routes as callers see them, through the whole router, over hand-made snapshots.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use kafka_cluster::{GroupState, Lag, TopicPartition};
use serde_json::Value;
use service_kit::settings::HttpSettings;
use tower::ServiceExt;

use crate::fixtures::{Cluster, Place, refused, topic};
use crate::rules::Limits;
use crate::snapshot::{Group, Groups, PartitionLag, Snapshot, Store};
use crate::state::State;

struct Answer {
    status: StatusCode,
    media_type: String,
    body: String,
}

fn router(snapshot: Snapshot) -> Router {
    let state = State::new(Arc::new(Store::new(snapshot)), Limits::default());
    let http = HttpSettings {
        tokens_file: None,
        listen_without_tokens: false,
        request_timeout: Duration::from_secs(5),
        drain_timeout: Duration::from_secs(1),
    };
    crate::router(state, &http, prometheus::Registry::new()).unwrap()
}

async fn get(snapshot: Snapshot, path: &str, accept: Option<&str>) -> Answer {
    let mut request = Request::get(path);
    if let Some(accept) = accept {
        request = request.header(header::ACCEPT, accept);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = router(snapshot).oneshot(request).await.unwrap();
    let media_type = response.headers()[header::CONTENT_TYPE]
        .to_str()
        .unwrap()
        .to_owned();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer {
        status,
        media_type,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

fn degraded() -> Snapshot {
    let mut cluster = Cluster::healthy();
    let now = cluster.now;
    cluster.broker(1).probes.record(refused(now));
    cluster.snapshot
}

fn critical() -> Snapshot {
    let mut cluster = Cluster::healthy();
    let now = cluster.now;
    for id in [1, 2, 3] {
        cluster.broker(id).probes.record(refused(now));
    }
    cluster.snapshot
}

#[tokio::test]
async fn healthy_and_degraded_answer_200_critical_and_unknown_503_with_the_same_document() {
    for (snapshot, code, word) in [
        (Cluster::healthy().snapshot, StatusCode::OK, "HEALTHY"),
        (degraded(), StatusCode::OK, "DEGRADED"),
        (critical(), StatusCode::SERVICE_UNAVAILABLE, "CRITICAL"),
        (
            Snapshot::default(),
            StatusCode::SERVICE_UNAVAILABLE,
            "UNKNOWN",
        ),
    ] {
        let health = get(snapshot.clone(), "/api/health", None).await;
        assert_eq!(
            (health.status, health.media_type.as_str()),
            (code, "application/json")
        );
        let document: Value = serde_json::from_str(&health.body).unwrap();
        assert_eq!(document["status"], word);
        assert!(document["reasons"].is_array() && document["brokerStatuses"].is_array());

        let status = get(snapshot, "/api/health/status", None).await;
        assert_eq!((status.status, status.body.as_str()), (code, word));
        assert!(
            status.media_type.starts_with("text/plain"),
            "{}",
            status.media_type
        );
    }
}

#[tokio::test]
async fn the_status_is_json_for_who_asks_for_json() {
    let answer = get(degraded(), "/api/health/status", Some("application/json")).await;
    assert_eq!(answer.media_type, "application/json");
    assert_eq!(answer.body, r#"{"status":"DEGRADED"}"#);
}

#[tokio::test]
async fn an_unknown_query_parameter_is_refused_by_name() {
    for path in ["/api/health?verbose=1", "/api/health/status?verbose=1"] {
        let answer = get(Snapshot::default(), path, None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.media_type, "application/problem+json");
        assert!(answer.body.contains("verbose"), "{}", answer.body);
    }
}

#[tokio::test]
async fn every_route_answers_while_nothing_is_known_and_only_readyz_says_so() {
    for (path, code) in [
        ("/livez", StatusCode::OK),
        ("/metrics", StatusCode::OK),
        ("/api-docs/openapi.json", StatusCode::OK),
        ("/readyz", StatusCode::SERVICE_UNAVAILABLE),
        ("/api/brokers", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(
            get(Snapshot::default(), path, None).await.status,
            code,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_broker_may_be_stopped_unless_partitions_need_it() {
    let snapshot = Cluster::healthy().snapshot;
    for (path, verdict, refuse_writes) in [
        ("/api/health/brokers/1/stop-impact", "SAFE", 0),
        ("/api/health/brokers/1/stop-impact?with=2", "UNSAFE", 1),
    ] {
        let answer = get(snapshot.clone(), path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let document: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(document["verdict"], verdict, "{document}");
        assert_eq!(document["wouldRefuseWrites"]["count"], refuse_writes);
    }
    for (path, code) in [
        ("/api/health/brokers/9/stop-impact", StatusCode::NOT_FOUND),
        (
            "/api/health/brokers/1/stop-impact?with=8",
            StatusCode::NOT_FOUND,
        ),
        (
            "/api/health/brokers/1/stop-impact?with=x",
            StatusCode::BAD_REQUEST,
        ),
        (
            "/api/health/brokers/one/stop-impact",
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let answer = get(snapshot.clone(), path, None).await;
        assert_eq!(answer.status, code, "{path}: {}", answer.body);
        assert_eq!(answer.media_type, "application/problem+json");
    }
}

#[tokio::test]
async fn what_is_blocked_and_at_risk_is_given_outright_and_null_when_not_known() {
    let mut cluster = Cluster::healthy();
    let short: Place<'_> = (Some(2), &[1, 2, 3], &[2, 3]);
    cluster.show(&[topic("orders", &[short])]);
    let answer = get(cluster.snapshot, "/api/health", None).await;
    let health: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(health["atRisk"]["topics"][0], "orders", "{health}");
    assert_eq!(health["writesBlocked"]["partitions"], 0);
    assert_eq!(health["readsBlocked"]["partitions"], 0);

    let answer = get(Snapshot::default(), "/api/health", None).await;
    let health: Value = serde_json::from_str(&answer.body).unwrap();
    for name in ["atRisk", "writesBlocked", "readsBlocked"] {
        assert!(health[name].is_null(), "{health}");
    }
}

#[tokio::test]
async fn what_happened_is_listed_page_by_page() {
    for (path, list) in [
        ("/api/health/history?limit=5", "changes"),
        ("/api/health/incidents?open=true", "incidents"),
    ] {
        let answer = get(degraded(), path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        let document: Value = serde_json::from_str(&answer.body).unwrap();
        assert!(document[list].is_array(), "{document}");
        assert!(document.get("next").is_none(), "{document}");
    }
    for path in [
        "/api/health/history?limit=0",
        "/api/health/incidents?limit=501",
        "/api/health/incidents?open=maybe",
    ] {
        let answer = get(degraded(), path, None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn metrics_are_those_of_the_same_snapshot() {
    let answer = get(degraded(), "/metrics", None).await;
    assert!(
        answer.body.contains("\nkafka_cluster_brokers_healthy 2\n"),
        "{}",
        answer.body
    );
    assert!(
        answer
            .body
            .contains("kafka_cluster_health_status{status=\"DEGRADED\"} 1")
    );
}

#[tokio::test]
async fn the_openapi_document_describes_both_calls_and_both_answers() {
    let answer = get(Snapshot::default(), "/api-docs/openapi.json", None).await;
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    for (path, status) in [
        ("/api/health", "200"),
        ("/api/health", "503"),
        ("/api/health/status", "200"),
        ("/api/health/status", "503"),
    ] {
        let response = &document["paths"][path]["get"]["responses"][status];
        assert!(
            response["content"].get("application/json").is_some(),
            "{path} {status}"
        );
    }
    let schema = &document["components"]["schemas"]["HealthReport"];
    let required: Vec<&str> = schema["required"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let health = get(Cluster::healthy().snapshot, "/api/health", None).await;
    let health: Value = serde_json::from_str(&health.body).unwrap();
    for (name, _) in health.as_object().unwrap() {
        assert!(
            schema["properties"].get(name).is_some(),
            "{name} is not described"
        );
        assert!(
            required.contains(&name.as_str()),
            "{name} is described as optional"
        );
    }
    for name in &required {
        assert!(
            health.get(*name).is_some(),
            "{name} is described as always there"
        );
    }
}

#[tokio::test]
async fn a_maintenance_window_silences_and_changes_no_status() {
    let router = router(degraded());
    let send = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    let path = "/api/health/maintenance";
    for wrong in [
        "",
        "?minutes=0&reason=a",
        "?minutes=10081&reason=a",
        "?minutes=5&reason=+",
    ] {
        let (status, body) = send("POST", &format!("{path}{wrong}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}: {body}");
    }
    let (_, metrics) = send("GET", "/metrics").await;
    assert!(
        metrics.contains("\nkafka_health_maintenance 0\n"),
        "{metrics}"
    );

    let (status, body) = send("POST", &format!("{path}?minutes=5&reason=new+disks")).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let window: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(window["reason"], "new disks");
    let (_, list) = send("GET", path).await;
    assert_eq!(
        serde_json::from_str::<Value>(&list).unwrap()["windows"][0],
        window
    );
    let (_, metrics) = send("GET", "/metrics").await;
    assert!(
        metrics.contains("\nkafka_health_maintenance 1\n"),
        "{metrics}"
    );
    let (_, health) = send("GET", "/api/health/status").await;
    assert!(health.contains("DEGRADED"), "{health}");
    let (_, page) = send("GET", "/").await;
    assert!(page.contains("new disks"), "{page}");

    let own = format!("{path}/{}", window["id"].as_str().unwrap());
    assert_eq!(send("DELETE", &own).await.0, StatusCode::OK);
    assert_eq!(send("DELETE", &own).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn partitions_are_listed_by_what_is_wrong_with_them_page_by_page() {
    let mut cluster = Cluster::healthy();
    let full: Place<'_> = (Some(1), &[1, 2, 3], &[1, 2, 3]);
    let short: Place<'_> = (Some(2), &[1, 2, 3], &[2, 3]);
    let gone: Place<'_> = (None, &[3], &[]);
    cluster.show(&[topic("a", &[full, short, gone]), topic("b", &[short])]);
    let list = async |query: &str| {
        let path = format!("/api/health/partitions{query}");
        let answer = get(cluster.snapshot.clone(), &path, None).await;
        (
            answer.status,
            serde_json::from_str::<Value>(&answer.body).unwrap(),
        )
    };
    let names = |page: &Value| {
        let partitions = page["partitions"].as_array().unwrap().iter();
        let names = partitions.map(|one| format!("{}{}", one["topic"], one["partition"]));
        names.collect::<String>().replace('"', "")
    };
    let (_, all) = list("").await;
    assert_eq!(
        (names(&all).as_str(), &all["total"]),
        ("a0a1a2b0", &4.into())
    );
    assert_eq!(all["partitions"][0]["problems"], serde_json::json!([]));
    let (_, short) = list("?problem=under_replicated").await;
    assert_eq!(names(&short), "a1a2b0");
    assert_eq!(
        short["partitions"][0]["problems"],
        serde_json::json!(["under_replicated", "at_min_isr", "not_preferred_leader"])
    );
    assert_eq!(names(&list("?problem=offline").await.1), "a2");
    assert_eq!(names(&list("?topic=b").await.1), "b0");
    let (_, first) = list("?limit=3").await;
    assert_eq!(
        (names(&first).as_str(), &first["next"]),
        ("a0a1a2", &"a-2".into())
    );
    let (_, second) = list("?limit=3&after=a-2").await;
    assert_eq!((names(&second).as_str(), second.get("next")), ("b0", None));
    for wrong in ["?problem=tired", "?limit=0", "?after=a"] {
        assert_eq!(list(wrong).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let nothing = get(Snapshot::default(), "/api/health/partitions", None).await;
    assert_eq!(nothing.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        nothing.body.contains("partitions_unknown"),
        "{}",
        nothing.body
    );
}

#[tokio::test]
async fn one_group_is_told_with_all_its_partitions_and_an_unknown_one_is_404() {
    let mut cluster = Cluster::healthy();
    let now = cluster.now;
    let lags = (0..2500).map(|id| {
        let lag = PartitionLag::Measured(Lag::Known(1));
        (TopicPartition::new("log-events", id), lag)
    });
    let group = Group {
        partitions: lags.collect(),
        measured_at: Some(now),
        ..Group::in_state(GroupState::Stable)
    };
    let by_id = [("team/log processor".to_owned(), group)].into();
    let groups = Groups {
        by_id,
        complete_at: Some(now),
    };
    cluster.snapshot.groups.publish(groups, now);
    let ask = async |path: &str| {
        let answer = get(cluster.snapshot.clone(), path, None).await;
        let document = serde_json::from_str::<Value>(&answer.body).unwrap();
        (answer.status, document)
    };
    let lags = |group: &Value| {
        let told = group["partitionLags"].as_object().unwrap().len();
        (told, group["partitionLagsLeftOut"].as_u64().unwrap())
    };
    let (_, all) = ask("/api/health").await;
    let group = &all["consumerGroupHealth"]["team/log processor"];
    assert_eq!(
        (lags(group), &group["totalLag"]),
        ((2000, 500), &2500.into())
    );
    let (status, whole) = ask("/api/health/groups/team%2Flog%20processor").await;
    assert_eq!((status, lags(&whole)), (StatusCode::OK, (2500, 0)));
    let (status, problem) = ask("/api/health/groups/other").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(problem["code"], "group_not_found");
    let nothing = get(Snapshot::default(), "/api/health/groups/other", None).await;
    assert_eq!(nothing.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(nothing.body.contains("groups_unknown"), "{}", nothing.body);
}
