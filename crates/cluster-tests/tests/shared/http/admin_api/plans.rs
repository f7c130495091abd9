//! `validateOnly`: what would be, and nothing done.

use cluster_tests::names::unique;
use cluster_tests::services::shared_services;
use serde_json::json;

use super::{codes, with_topic};

#[tokio::test]
async fn a_planned_creation_tells_its_cost_and_makes_nothing() {
    let admin = &shared_services().await.admin;
    let name = unique("plan");
    let body = json!({
        "topicName": name, "partitions": 4, "replicationFactor": 3, "validateOnly": true,
        "configs": {"retention.bytes": 1000, "min.insync.replicas": 3},
    });
    let plan = admin.post_json("/api/topics", &body.to_string()).await;
    let plan = plan.ok_json(200);
    assert_eq!(plan["validateOnly"], true, "{plan}");
    assert_eq!(
        plan["cost"],
        json!({"partitions": 4, "replicas": 12, "worstCaseDiskBytes": 12_000}),
        "{plan}"
    );
    assert_eq!(
        codes(&plan["warnings"]),
        ["min_isr_equals_replication"],
        "{plan}"
    );
    let there = format!("/api/topics/{name}");
    admin.get(&there).await.problem(404, "topic_not_found");
}

#[tokio::test]
async fn a_plan_is_refused_as_the_write_would_be() {
    let (admin, name) = with_topic().await;
    let call = format!("/api/topics?topicName={name}&validateOnly=true");
    admin.post(&call).await.problem(409, "topic_exists");
    let body = json!({
        "topicName": unique("plan"), "validateOnly": true, "configs": {"retention.ms": "soon"},
    });
    let refused = admin.post_json("/api/topics", &body.to_string()).await;
    refused.problem(422, "kafka_refused");
}

#[tokio::test]
async fn a_planned_deletion_deletes_nothing() {
    let (admin, name) = with_topic().await;
    let path = format!("/api/topics/{name}");
    let plan = admin.delete(&format!("{path}?validateOnly=true")).await;
    let plan = plan.ok_json(200);
    assert_eq!(plan["action"], "delete_topic", "{plan}");
    assert_eq!(plan["changes"][0]["before"], "2", "{plan}");
    assert_eq!(codes(&plan["warnings"]), ["records_lost"], "{plan}");
    admin.get(&path).await.ok_json(200);
    let unknown = format!("/api/topics/{}?validateOnly=true", unique("plan"));
    admin.delete(&unknown).await.problem(404, "topic_not_found");
}
