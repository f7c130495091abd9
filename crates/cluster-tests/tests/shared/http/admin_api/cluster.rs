//! The cluster as a whole, with Kafka's own tool as the witness.

use cluster_tests::{kafka_tool, shared};
use serde_json::Value;

use super::with_topic;

#[tokio::test]
async fn brokers_tell_what_they_hold_and_the_cluster_sums_it_up() {
    let (admin, topic) = with_topic().await;
    let cluster = admin.get("/api/cluster").await.ok_json(200);
    assert_eq!(cluster["liveBrokers"], 3, "{cluster}");
    assert_eq!(cluster["missingBrokers"], serde_json::json!([]));
    assert!(cluster["clusterId"].is_string(), "{cluster}");
    let list = admin.get("/api/brokers").await.ok_json(200);
    let brokers = list["brokers"].as_array().unwrap();
    let ids: Vec<_> = brokers.iter().map(|one| one["brokerId"].as_i64()).collect();
    assert_eq!(ids, [Some(1), Some(2), Some(3)], "{list}");
    let controllers: Vec<_> = brokers
        .iter()
        .filter(|broker| broker["controller"] == true)
        .collect();
    assert_eq!(controllers.len(), 1, "{list}");
    assert_eq!(controllers[0]["brokerId"], cluster["controllerId"]);
    for broker in brokers {
        assert_eq!(broker["live"], true, "{broker}");
        let version = broker["protocolVersion"].as_str().unwrap_or_default();
        assert!(version.starts_with("3.9"), "{broker}");
    }

    // Other tests make and delete topics meanwhile: the witness is asked about one.
    let (_, local) = shared().await;
    let tool = "org.apache.kafka.tools.TopicCommand";
    let arguments = ["--describe", "--topic", &topic];
    let told = kafka_tool(tool, &local.bootstrap(), &arguments).await;
    assert!(told.contains("PartitionCount: 2"), "{told}");
    let held: i64 = brokers
        .iter()
        .map(|broker| broker["partitionsHeld"].as_i64().unwrap())
        .sum();
    assert!(held >= 6, "{list}");
}

#[tokio::test]
async fn a_topic_without_records_and_with_few_copies_deserves_attention() {
    let (admin, full) = with_topic().await;
    let low = cluster_tests::names::unique("low");
    let call = format!("/api/topics?topicName={low}&partitions=1&replicationFactor=1");
    admin.post(&call).await.ok_json(201);
    let attention = admin.get("/api/cluster/attention").await.ok_json(200);
    // One copy would forbid every restart of the broker that has it.
    let gone = admin.delete(&format!("/api/topics/{low}")).await;
    assert_eq!(gone.status.as_u16(), 204, "{}", gone.text);
    let has = |kind: &str, subject: &str| {
        let items = attention["items"].as_array().unwrap().iter();
        items
            .clone()
            .any(|item: &Value| item["kind"] == kind && item["subject"] == subject)
    };
    assert!(has("topic_idle", &full), "{attention}");
    assert!(has("topic_idle", &low), "{attention}");
    assert!(has("replication_low", &low), "{attention}");
    assert!(!has("replication_low", &full), "{attention}");
    let wrong = admin.get("/api/cluster/attention?idleDays=-1").await;
    wrong.problem(400, "invalid_input");
}
