//! A broker that keeps its connections and does not answer, and what depends on its answer.

use std::time::Duration;

use cluster_tests::records::new_topic;
use cluster_tests::services::{Target, host};
use cluster_tests::{PATIENCE, client};
use kafka_cluster::ErrorKind;
use local_cluster::{NodeId, lease_for_faults, wait_for_condition};

#[tokio::test]
async fn a_paused_broker_fails_its_own_probe_and_nobody_elses_metadata() {
    let local = lease_for_faults().await.unwrap();
    let cluster = client(&local.bootstrap());
    let topic = new_topic(&cluster, 3).await;
    for broker in 1..=3 {
        cluster.probe(broker, PATIENCE).await.unwrap();
    }
    local.pause(NodeId::broker(3)).await.unwrap();

    let probe = cluster.probe(3, Duration::from_secs(2)).await.unwrap_err();
    assert!(
        matches!(probe.kind, ErrorKind::TimedOut | ErrorKind::Unreachable),
        "{probe:?}"
    );
    for broker in 1..=2 {
        cluster.probe(broker, PATIENCE).await.unwrap();
    }
    // Shorter than `socket.timeout.ms` (10 s): whoever asks only the paused broker fails.
    let deadline = Duration::from_secs(9);
    for _ in 0..12 {
        let seen = cluster.topic(&topic, deadline).await.unwrap();
        assert_eq!(seen.partitions.len(), 3);
    }
    local.resume(NodeId::broker(3)).unwrap();
    cluster.probe(3, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_topic_of_which_nobody_knows_who_reads_it_is_not_deleted() {
    let local = lease_for_faults().await.unwrap();
    let cluster = client(&local.bootstrap());
    let topic = new_topic(&cluster, 3).await;
    // Without an audit, which may need the same broker.
    let services = host(&Target {
        topics_file: None,
        ..Target::of(&local)
    });
    let path = format!("/api/topics/{topic}");
    wait_for_condition("the service to find the topic", PATIENCE, || async {
        let shown = services.admin.get(&path).await;
        let there = shown.status.is_success();
        if there { Ok(()) } else { Err(shown.text) }
    })
    .await
    .unwrap();
    // Not the controller, without which no topic can be deleted at all.
    let controller = cluster.describe(PATIENCE).await.unwrap().controller;
    let paused = (1..=3)
        .find(|id| Some(i32::from(*id)) != controller)
        .unwrap();
    local.pause(NodeId::broker(paused)).await.unwrap();
    let refused = services.admin.delete(&path).await;
    let problem = refused.problem(503, "topic_use_unknown");
    assert_eq!(
        problem["topicUse"]["brokersSilent"],
        serde_json::json!([paused])
    );
    local.resume(NodeId::broker(paused)).unwrap();
    wait_for_condition("the deletion to be taken", PATIENCE, || async {
        let deleted = services.admin.delete(&path).await;
        let done = matches!(deleted.status.as_u16(), 204 | 404);
        if done { Ok(()) } else { Err(deleted.text) }
    })
    .await
    .unwrap();
}
