//! The canary while brokers are away.

use cluster_tests::services::{Hosted, Target, host};
use cluster_tests::{PATIENCE, client};
use local_cluster::{NodeId, lease_for_faults, wait_for_condition};
use serde_json::Value;

const TOPIC: &str = "__canary_faults";

/// Waits until the reasons of the canary are as wanted, and answers with the report.
async fn until(services: &Hosted, what: &str, wanted: impl Fn(&[&Value]) -> bool) -> Value {
    wait_for_condition(what, PATIENCE, || async {
        let health = services.health.get("/api/health").await.json();
        let reasons = health["reasons"].as_array().unwrap();
        let own = reasons.iter().filter(|one| one["check"] == "canary");
        let own: Vec<_> = own.collect();
        // A record came through each partition: only then can one of them stop to.
        let partitions = health["canary"]["partitions"].as_array();
        let begun = partitions.is_some_and(|all| {
            all.len() == 3 && all.iter().all(|one| one["lastGoodAt"].is_string())
        });
        if begun && wanted(&own) {
            Ok(health)
        } else {
            Err(health)
        }
    })
    .await
    .unwrap()
}

fn in_order(own: &[&Value]) -> bool {
    own.is_empty()
}

async fn lost(services: &Hosted) -> f64 {
    let text = services.health.get("/metrics").await.text;
    let lines = text.lines();
    let counts = lines.filter(|line| {
        line.starts_with("kafka_canary_outcomes_total{") && line.contains("outcome=\"lost\"")
    });
    let counts: Vec<f64> = counts
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(!counts.is_empty(), "{text}");
    counts.iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_broker_away_explains_what_waits_two_are_nobodys_writing_and_nothing_is_lost() {
    let local = lease_for_faults().await.unwrap();
    let services = host(&Target {
        canary: Some(TOPIC.to_owned()),
        ..Target::of(&local)
    });
    until(&services, "the canary in order", in_order).await;

    local.kill(NodeId::broker(2)).await.unwrap();
    // Records wait for it everywhere until the cluster gives it up: it is in sync until then.
    let some = |own: &[&Value]| !own.is_empty();
    let told = until(&services, "records to wait", some).await;
    let reasons = told["reasons"].as_array().unwrap();
    let own = reasons.iter().find(|one| one["check"] == "canary").unwrap();
    let codes = ["canary_failing", "canary_all_failing"];
    assert!(codes.iter().any(|code| own["code"] == *code), "{own}");
    assert_eq!(own["explainedBy"], serde_json::json!([2]), "{own}");
    until(&services, "the canary in order again", in_order).await;

    // One in sync is too few to write.
    local.stop(NodeId::broker(3)).await.unwrap();
    let all = |own: &[&Value]| own.iter().any(|one| one["code"] == "canary_all_failing");
    let told = until(&services, "nobody to write", all).await;
    assert_eq!(told["status"], "CRITICAL", "{told}");
    for id in [2, 3] {
        local.start_node(NodeId::broker(id)).await.unwrap();
    }
    until(&services, "the canary in order in the end", in_order).await;
    assert_eq!(lost(&services).await, 0.0);
    drop(services);
    let cluster = client(&local.bootstrap());
    cluster.delete_topic(TOPIC, PATIENCE).await.unwrap();
}
