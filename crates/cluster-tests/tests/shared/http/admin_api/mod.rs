//! Administration beyond the contract's plain calls, with Kafka's own tools as the witness.

mod audit;
mod cluster;
mod configs;
mod declared_state;
mod deletion;
mod groups;
mod idempotency;
mod partitions;
mod plans;
mod records;

use cluster_tests::api::Api;
use cluster_tests::names::unique;
use cluster_tests::services::shared_services;
use serde_json::Value;

/// The admin service, and a new topic of two partitions and three replicas.
async fn with_topic() -> (&'static Api, String) {
    let admin = &shared_services().await.admin;
    let name = unique("admin");
    let call = format!("/api/topics?topicName={name}&partitions=2&replicationFactor=3");
    admin.post(&call).await.ok_json(201);
    (admin, name)
}

fn codes(list: &Value) -> Vec<&str> {
    let entries = list.as_array().into_iter().flatten();
    entries.filter_map(|entry| entry["code"].as_str()).collect()
}
