//! From a killed broker to the body that a web address receives, and silence in a maintenance window.

use cluster_tests::PATIENCE;
use cluster_tests::alertmanager::Alertmanager;
use cluster_tests::prometheus::Prometheus;
use cluster_tests::services::{Target, host};
use local_cluster::{NodeId, lease_for_faults, wait_for_condition};
use serde_json::Value;

/// Waits for a message about an alert in this state.
async fn until(alertmanager: &Alertmanager, alert: &str, state: &str) -> Value {
    let what = format!("{alert} to be delivered as {state}");
    wait_for_condition(&what, PATIENCE * 2, || async {
        let messages = alertmanager.messages();
        let mut alerts = messages
            .iter()
            .flat_map(|message| message["alerts"].as_array().into_iter().flatten());
        let wanted = |one: &&Value| one["labels"]["alertname"] == alert && one["status"] == state;
        match alerts.find(wanted) {
            Some(found) => Ok(found.clone()),
            None => Err(format!("{} messages: {messages:?}", messages.len())),
        }
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_reaches_the_webhook_and_maintenance_silences_it() {
    let local = lease_for_faults().await.unwrap();
    let services = host(&Target::of(&local));
    let alertmanager = Alertmanager::start(&local).await;
    let _prometheus = Prometheus::alerting(&local, &services, Some(alertmanager.address));
    until(&alertmanager, "Watchdog", "firing").await;

    let node = NodeId::broker(3);
    local.kill(node).await.unwrap();
    let told = until(&alertmanager, "KafkaBrokersUnhealthy", "firing").await;
    assert_eq!(told["labels"]["severity"], "critical", "{told}");
    assert_eq!(
        told["annotations"]["summary"], "only 2 brokers are healthy",
        "{told}"
    );
    assert!(told["annotations"]["runbook"].is_string(), "{told}");

    // It still fires, and nobody is told.
    let window = "/api/health/maintenance?minutes=5&reason=a+test";
    let window = services.health.post(window).await.ok_json(201);
    let url = format!("http://{}/api/v2/alerts", alertmanager.address);
    wait_for_condition("the alert to be silent", PATIENCE, || async {
        let answer = reqwest::get(&url)
            .await
            .map_err(|error| error.to_string())?;
        let alerts: Value = answer.json().await.map_err(|error| error.to_string())?;
        let mut listed = alerts.as_array().into_iter().flatten();
        let own = listed.find(|one| one["labels"]["alertname"] == "KafkaBrokersUnhealthy");
        match own {
            Some(own) if own["status"]["state"] == "suppressed" => Ok(()),
            _ => Err(alerts.to_string()),
        }
    })
    .await
    .unwrap();
    let id = window["id"].as_str().unwrap();
    let end = format!("/api/health/maintenance/{id}");
    services.health.delete(&end).await.ok_json(200);

    local.start_node(node).await.unwrap();
    until(&alertmanager, "KafkaBrokersUnhealthy", "resolved").await;
}
