//! What holds for all three services alike.

use std::collections::BTreeSet;

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
    let in_document: BTreeSet<&str> = documented
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('`').next())
        .collect();
    // Some appear only once there is something to say; those are marked there.
    let always = in_document.iter().filter(|name| {
        let mut lines = documented.lines();
        !lines.any(|line| line.starts_with(&format!("| `{name}`")) && line.contains("(when "))
    });
    let always: Vec<_> = always.collect();
    // What is not known for a moment, such as what a topic needs that another test has just made, is left out.
    wait_for_condition("every documented metric", PATIENCE * 2, || async {
        let exported = exported(all().await).await;
        let documented = |name: &&String| in_document.contains(name.as_str());
        let undocumented: Vec<_> = exported.iter().filter(|name| !documented(name)).collect();
        assert!(
            undocumented.is_empty(),
            "not in docs/METRICS.md: {undocumented:?}"
        );
        let missing = always.iter().filter(|name| !exported.contains(***name));
        let missing: Vec<_> = missing.collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("exported by nobody: {missing:?}"))
        }
    })
    .await
    .unwrap();
}

/// The names of the metrics of all services.
async fn exported(services: [(&'static str, &'static Api); 3]) -> BTreeSet<String> {
    super::health::healthy().await;
    let mut names = BTreeSet::new();
    for (_, api) in services {
        api.get("/livez").await;
        let text = api.get("/metrics").await.text;
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        names.extend(types.filter_map(|line| Some(line.split(' ').next()?.to_owned())));
    }
    names
}
