//! Topics through `kafka-cluster`, with Kafka's own tool as the witness.

use std::collections::BTreeMap;

use cluster_tests::names::unique;
use cluster_tests::records::new_topic;
use cluster_tests::{PATIENCE, kafka_tool, shared};
use kafka_cluster::{Deletion, ErrorKind, NewTopic, Visibility};

const TOPIC_COMMAND: &str = "org.apache.kafka.tools.TopicCommand";

fn spec(name: &str, partitions: i32, replication_factor: i32) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        partitions,
        replication_factor,
        configs: BTreeMap::default(),
    }
}

#[tokio::test]
async fn a_created_topic_is_visible_on_every_broker() {
    let (cluster, _) = shared().await;
    let name = new_topic(&cluster, 7).await;
    for broker in cluster.brokers(PATIENCE).await.unwrap() {
        let mut seen = cluster
            .topics_at(broker.id, &[&name], PATIENCE)
            .await
            .unwrap();
        let topic = seen.pop().unwrap().unwrap();
        assert_eq!(topic.partitions.len(), 7, "at broker {}", broker.id);
        assert!(
            topic.partitions.iter().all(|p| p.leader.is_some()),
            "{topic:?}"
        );
    }
}

#[tokio::test]
async fn kafkas_own_tool_describes_the_same_topic() {
    let (cluster, local) = shared().await;
    let name = new_topic(&cluster, 5).await;
    let described = kafka_tool(
        TOPIC_COMMAND,
        &local.bootstrap(),
        &["--describe", "--topic", &name],
    )
    .await;
    assert!(described.contains("PartitionCount: 5"), "{described}");
    assert!(described.contains("ReplicationFactor: 3"), "{described}");
    assert!(described.contains("min.insync.replicas=2"), "{described}");
}

#[tokio::test]
async fn creating_a_topic_twice_says_that_it_exists() {
    let (cluster, _) = shared().await;
    let name = new_topic(&cluster, 1).await;
    let error = cluster
        .create_topic(&spec(&name, 1, 1), PATIENCE)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    assert_eq!(error.name, "TOPIC_ALREADY_EXISTS");
    assert!(error.message.contains(&name), "{error}");
}

#[tokio::test]
async fn more_replicas_than_brokers_are_refused_for_want_of_brokers() {
    let (cluster, _) = shared().await;
    let error = cluster
        .create_topic(&spec(&unique("topic"), 1, 9), PATIENCE)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotEnoughBrokers);
    assert!(error.retriable());
    assert!(error.message.contains('9'), "Kafka's own message: {error}");
}

#[tokio::test]
async fn partitions_grow_and_never_shrink() {
    let (cluster, _) = shared().await;
    let name = new_topic(&cluster, 2).await;
    cluster.grow_topic(&name, 6, PATIENCE).await.unwrap();
    let grown = cluster.await_visible(&name, 6, PATIENCE).await.unwrap();
    assert!(matches!(grown, Visibility::Everywhere(topic) if topic.partitions.len() == 6));
    let error = cluster.grow_topic(&name, 3, PATIENCE).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
}

#[tokio::test]
async fn a_deleted_topic_is_gone_and_its_name_free_again() {
    let (cluster, local) = shared().await;
    let name = new_topic(&cluster, 3).await;
    cluster.delete_topic(&name, PATIENCE).await.unwrap();
    assert_eq!(
        cluster
            .await_deleted(&name, &[1, 2, 3], PATIENCE)
            .await
            .unwrap(),
        Deletion::Done
    );
    let listed = kafka_tool(TOPIC_COMMAND, &local.bootstrap(), &["--list"]).await;
    assert!(!listed.lines().any(|line| line == name), "{listed}");
    cluster
        .create_topic(&spec(&name, 1, 3), PATIENCE)
        .await
        .unwrap();
    let error = cluster
        .delete_topic(&unique("never-made"), PATIENCE)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn an_unknown_topic_is_not_found() {
    let (cluster, _) = shared().await;
    let error = cluster
        .topic(&unique("never-made"), PATIENCE)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}
