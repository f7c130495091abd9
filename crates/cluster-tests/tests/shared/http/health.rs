//! Every row of the health service on a healthy cluster.

use cluster_tests::PATIENCE;
use cluster_tests::services::{Services, shared_services};
use local_cluster::wait_for_condition;
use reqwest::Method;
use serde_json::Value;

/// The services, once health says HEALTHY.
pub async fn healthy() -> &'static Services {
    let services = shared_services().await;
    wait_for_condition("health to be HEALTHY", PATIENCE * 2, || async {
        let answer = services.health.get("/api/health").await;
        // The declared topics are made at the start, and may not be seen yet.
        let topics = &answer.json()["topicHealth"];
        let seen = ["log-events", "critical-logs", "audit-logs"]
            .iter()
            .all(|declared| topics[declared].is_object());
        if answer.json()["status"] == "HEALTHY" && seen {
            Ok(())
        } else {
            Err(answer.text)
        }
    })
    .await
    .unwrap();
    services
}

#[tokio::test]
async fn health_counts_brokers_topics_and_groups() {
    let health = healthy().await.health.get("/api/health").await.ok_json(200);
    assert_eq!(health["totalBrokers"], 3, "{health}");
    assert_eq!(health["healthyBrokers"], 3, "{health}");
    assert!(
        health["checkTime"].as_str().unwrap().ends_with('Z'),
        "{health}"
    );
    let brokers = health["brokerStatuses"].as_array().unwrap();
    assert_eq!(brokers.len(), 3, "{health}");
    for broker in brokers {
        assert_eq!(broker["healthy"], true, "{broker}");
        assert!(
            broker["brokerId"].is_number() && broker["port"].is_number(),
            "{broker}"
        );
        assert!(
            broker["host"].is_string() && broker["errorMessage"].is_null(),
            "{broker}"
        );
    }
    let topic = &health["topicHealth"]["log-events"];
    assert_eq!(topic["topicName"], "log-events", "{topic}");
    assert_eq!(topic["partitionCount"], 12, "{topic}");
    assert_eq!(topic["replicationFactor"], 3, "{topic}");
    assert_eq!(topic["underReplicatedPartitions"], 0, "{topic}");
    assert_eq!(topic["healthy"], true, "{topic}");
    assert_eq!(health["reasons"].as_array().unwrap().len(), 0, "{health}");
}

#[tokio::test]
async fn the_log_processor_group_is_watched() {
    let services = healthy().await;
    let group = wait_for_condition("the group log-processor", PATIENCE * 2, || async {
        let health = services.health.get("/api/health").await.json();
        let group = health["consumerGroupHealth"]["log-processor"].clone();
        if group["state"] == "Stable" {
            Ok(group)
        } else {
            Err(health["consumerGroupHealth"].to_string())
        }
    })
    .await
    .unwrap();
    assert_eq!(group["groupId"], "log-processor", "{group}");
    assert!(
        group["totalLag"].is_number() || group["totalLag"].is_null(),
        "{group}"
    );
    assert!(group["partitionLags"].is_object(), "{group}");
}

#[tokio::test]
async fn the_status_alone_is_plain_text_or_json_as_asked() {
    let services = healthy().await;
    let plain = services.health.get("/api/health/status").await;
    assert_eq!(plain.status.as_u16(), 200);
    assert!(
        plain.header("content-type").starts_with("text/plain"),
        "{:?}",
        plain.headers
    );
    assert_eq!(plain.text.trim(), "HEALTHY");
    let accept = vec![("accept", "application/json".to_owned())];
    let path = "/api/health/status";
    let asked = services.health.send_with(Method::GET, path, accept, "");
    let json = asked.await.ok_json(200);
    assert_eq!(json["status"], "HEALTHY");
}

#[tokio::test]
async fn the_contracts_metrics_are_exported() {
    let services = healthy().await;
    let metrics = services.health.get("/metrics").await.text;
    assert!(
        metrics.contains("\nkafka_cluster_brokers_healthy 3\n"),
        "{metrics}"
    );
    let topics = metrics
        .lines()
        .find_map(|line| line.strip_prefix("kafka_cluster_topics_healthy "));
    assert!(
        topics.is_some_and(|number| number.parse::<f64>().unwrap() >= 3.0),
        "{metrics}"
    );
}

#[tokio::test]
async fn two_brokers_at_once_are_too_many_and_a_stranger_is_not_found() {
    let services = healthy().await;
    let path = "/api/health/brokers/1/stop-impact";
    // What other tests make of their topics decides whether one alone is safe.
    let one = services.health.get(path).await.ok_json(200);
    assert!(one["verdict"].is_string(), "{one}");
    let two = services.known_stop_impact(&format!("{path}?with=2")).await;
    assert_eq!(two["verdict"], "UNSAFE", "{two}");
    assert!(two["wouldRefuseWrites"]["count"].as_u64().unwrap() >= 12);
    assert_eq!(two["brokers"], serde_json::json!([1, 2]));
    let stranger = services.health.get(&format!("{path}?with=99")).await;
    stranger.problem(404, "broker_not_found");
    let wrong = services.health.get(&format!("{path}?with=x")).await;
    wrong.problem(400, "invalid_input");
}

#[tokio::test]
async fn the_history_begins_with_the_present_status() {
    let services = healthy().await;
    let history = services.health.get("/api/health/history").await;
    let history = history.ok_json(200);
    let changes = history["changes"].as_array().unwrap();
    assert!(
        changes.iter().any(|change| change["status"] == "HEALTHY"),
        "{history}"
    );
    let incidents = services.health.get("/api/health/incidents").await;
    assert!(incidents.ok_json(200)["incidents"].is_array());
    let events = services.health.get_beginning("/api/health/events").await;
    assert!(
        events.text.starts_with("event: status\ndata: {"),
        "{}",
        events.text
    );
}

#[tokio::test]
async fn the_page_shows_the_status_and_every_broker() {
    let services = healthy().await;
    let page = services.health.get("/").await;
    assert_eq!(page.status.as_u16(), 200);
    assert!(page.header("content-type").starts_with("text/html"));
    // Of topics and groups the page draws some; which ones depends on the other tests.
    let impact = |id: u8| format!("/api/health/brokers/{id}/stop-impact");
    for shown in ["HEALTHY", "-0: leader ", &impact(1), &impact(2), &impact(3)] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
}

#[tokio::test]
async fn the_jmx_agents_agree_with_what_the_brokers_tell() {
    let services = healthy().await;
    wait_for_condition("every agent to agree", PATIENCE * 2, || async {
        let health = services.health.get("/api/health").await.json();
        let controller = &health["controllerId"];
        let brokers = health["brokerStatuses"].as_array().unwrap();
        let agrees = |broker: &Value| {
            let jmx = &broker["jmx"];
            let is_controller = broker["brokerId"] == *controller;
            jmx["errorMessage"].is_null()
                && jmx["activeController"] == is_controller
                && jmx["leaders"].as_u64() > Some(0)
        };
        if controller.is_i64() && brokers.iter().all(agrees) {
            Ok(())
        } else {
            Err(health.to_string())
        }
    })
    .await
    .unwrap();
}
