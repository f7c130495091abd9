//! A client that was idle or busy while all brokers were away finds them again by itself.

use std::time::Duration;

use cluster_tests::{PATIENCE, client};
use kafka_cluster::KafkaCluster;
use local_cluster::{FaultLease, NodeId, lease_for_faults, wait_for_condition};

/// Longer than librdkafka's backoff of connections and than one refresh of metadata.
const AWAY: Duration = Duration::from_secs(12);

async fn every_broker_away(local: &FaultLease, meanwhile: impl Future<Output = ()>) {
    for node in local.spec().broker_nodes() {
        local.kill(node).await.unwrap();
    }
    let _ = tokio::time::timeout(AWAY, meanwhile).await;
    start_all(local).await;
}

/// Starts all three brokers at once: a broker that is up before it knows of any other answers
/// metadata requests without brokers, and librdkafka forgets all of its own then.
pub async fn start_all(local: &FaultLease) {
    let [one, two, three] = [1, 2, 3].map(|id| local.start_node(NodeId::broker(id)));
    let (one, two, three) = tokio::join!(one, two, three);
    one.and(two).and(three).unwrap();
}

async fn answers_again(cluster: &KafkaCluster, who: &str) {
    wait_for_condition(who, PATIENCE, || cluster.metadata(Duration::from_secs(3)))
        .await
        .unwrap();
}

#[tokio::test]
async fn clients_find_brokers_again_after_all_were_away() {
    let local = lease_for_faults().await.unwrap();
    let (idle, busy) = (client(&local.bootstrap()), client(&local.bootstrap()));
    for cluster in [&idle, &busy] {
        cluster.metadata(PATIENCE).await.unwrap();
        cluster.groups(PATIENCE).await.unwrap();
    }
    for _ in 0..2 {
        every_broker_away(&local, async {
            loop {
                let _ = busy.metadata(Duration::from_secs(3)).await;
            }
        })
        .await;
        answers_again(&busy, "the busy client to be answered").await;
        answers_again(&idle, "the idle client to be answered").await;
    }
}
