//! A broker that keeps its connections and does not answer.

use std::time::Duration;

use cluster_tests::records::new_topic;
use cluster_tests::{PATIENCE, client};
use kafka_cluster::ErrorKind;
use local_cluster::{NodeId, lease_for_faults};

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
