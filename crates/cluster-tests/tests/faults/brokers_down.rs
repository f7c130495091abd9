//! Topics while a broker is stopped, with the name of a deleted topic in limbo until it is back.

use std::collections::BTreeMap;

use cluster_tests::names::unique;
use cluster_tests::records::new_topic;
use cluster_tests::{PATIENCE, client};
use kafka_cluster::{Deletion, ErrorKind, NewTopic};
use local_cluster::{NodeId, lease_for_faults};

fn three_replicas(name: &str) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        partitions: 1,
        replication_factor: 3,
        configs: BTreeMap::default(),
    }
}

#[tokio::test]
async fn with_a_broker_down_a_deletion_is_pending_and_done_when_it_is_back() {
    let local = lease_for_faults().await.unwrap();
    let cluster = client(&local.bootstrap());
    let topic = new_topic(&cluster, 2).await;
    local.stop(NodeId::broker(2)).await.unwrap();

    let refused = cluster
        .create_topic(&three_replicas(&unique("topic")), PATIENCE)
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::NotEnoughBrokers, "{refused:?}");
    assert!(refused.retriable());

    cluster.delete_topic(&topic, PATIENCE).await.unwrap();
    let pending = cluster
        .await_deleted(&topic, &[1, 2, 3], PATIENCE)
        .await
        .unwrap();
    assert_eq!(pending, Deletion::Pending { brokers: vec![2] });
    let again = NewTopic {
        replication_factor: 1,
        ..three_replicas(&topic)
    };
    let again = cluster.create_topic(&again, PATIENCE).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::DeletionPending, "{again:?}");

    local.start_node(NodeId::broker(2)).await.unwrap();
    let done = cluster
        .await_deleted(&topic, &[1, 2, 3], PATIENCE)
        .await
        .unwrap();
    assert_eq!(done, Deletion::Done);
    cluster
        .create_topic(&three_replicas(&topic), PATIENCE)
        .await
        .unwrap();
}
