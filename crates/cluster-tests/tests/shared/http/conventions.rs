//! What holds for all three services alike.

use cluster_tests::PATIENCE;
use cluster_tests::api::Api;
use cluster_tests::services::shared_services;
use local_cluster::wait_for_condition;
use reqwest::Method;

async fn all() -> [(&'static str, &'static Api); 3] {
    let services = shared_services().await;
    [
        ("kafka-admin-service", &services.admin),
        ("kafka-health-service", &services.health),
        ("load-test-service", &services.load_test),
    ]
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() {
    for (_, api) in all().await {
        api.get("/no/such/route")
            .await
            .problem(404, "route_not_found");
        let answer = api.send(Method::DELETE, "/livez", None).await;
        answer.problem(405, "method_not_allowed");
        assert!(
            answer.header("allow").contains("GET"),
            "{:?}",
            answer.headers
        );
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_problems() {
    let services = shared_services().await;
    let calls = [
        (&services.admin, "/api/topics"),
        (&services.load_test, "/api/loadtest/run"),
    ];
    for (api, path) in calls {
        api.post_json(path, "{\"topicName\": ")
            .await
            .problem(400, "malformed_json");
        let query_too = format!("{path}?topic=a");
        api.post_json(&query_too, "{\"topic\": \"a\"}")
            .await
            .problem(400, "query_and_body");
        let form = ("application/x-www-form-urlencoded", "a=b".to_owned());
        api.send(Method::POST, path, Some(form))
            .await
            .problem(415, "unsupported_media_type");
        let large = format!("{{\"label\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
        api.post_json(path, &large)
            .await
            .problem(413, "payload_too_large");
    }
}

#[tokio::test]
async fn liveness_readiness_and_metrics_answer() {
    for (name, api) in all().await {
        assert_eq!(api.get("/livez").await.status.as_u16(), 200);
        let ready = api.get("/readyz").await;
        assert!(
            [200, 503].contains(&ready.status.as_u16()),
            "{}",
            ready.text
        );
        let metrics = api.get("/metrics").await;
        assert_eq!(metrics.status.as_u16(), 200);
        assert!(
            metrics.header("content-type").starts_with("text/plain"),
            "{:?}",
            metrics.headers
        );
        for metric in [
            "http_requests_total",
            "process_resident_memory_bytes",
            "build_info",
        ] {
            assert!(metrics.text.contains(metric), "{name}: {metric}");
        }
        assert!(
            !metrics.text.contains("no/such/route"),
            "a raw path became a label"
        );
    }
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_one_exists() {
    let documented = include_str!("../../../../../docs/METRICS.md");
    let in_document: std::collections::BTreeSet<&str> = documented
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('`').next())
        .collect();
    let mut exported = std::collections::BTreeSet::new();
    let texts = metrics_of(all().await).await;
    for text in &texts {
        exported.extend(
            text.lines()
                .filter_map(|line| line.strip_prefix("# TYPE "))
                .filter_map(|line| line.split(' ').next()),
        );
    }
    let undocumented: Vec<_> = exported.difference(&in_document).collect();
    assert!(
        undocumented.is_empty(),
        "not in docs/METRICS.md: {undocumented:?}"
    );
    // Some appear only once there is something to say; those are marked there.
    let missing: Vec<_> = in_document
        .difference(&exported)
        .filter(|name| {
            !documented
                .lines()
                .any(|line| line.starts_with(&format!("| `{name}`")) && line.contains("(when)"))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "in docs/METRICS.md and exported by nobody: {missing:?}"
    );
}

/// The metrics of all services, once the health service has measured the lag of a group.
async fn metrics_of(services: [(&'static str, &'static Api); 3]) -> Vec<String> {
    let healthy = super::health::healthy().await;
    wait_for_condition("the lag of a group", PATIENCE * 2, || async {
        let text = healthy.health.get("/metrics").await.text;
        if text.contains("kafka_consumer_lag{") {
            Ok(())
        } else {
            Err("kafka_consumer_lag is not exported yet")
        }
    })
    .await
    .unwrap();
    let mut texts = Vec::new();
    for (_, api) in services {
        api.get("/livez").await;
        texts.push(api.get("/metrics").await.text);
    }
    texts
}
