//! The controller is killed while topics are made.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster_tests::names::unique;
use cluster_tests::{PATIENCE, client};
use kafka_cluster::{ErrorKind, KafkaCluster, NewTopic};
use local_cluster::{NodeId, lease_for_faults};

async fn exists(cluster: &KafkaCluster, name: &str) -> bool {
    match cluster.topic(name, PATIENCE).await {
        Ok(_) => true,
        Err(error) if error.kind == ErrorKind::NotFound => false,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn no_creation_is_a_false_success_when_the_controller_is_killed() {
    let local = lease_for_faults().await.unwrap();
    let cluster = client(&local.bootstrap());
    let controller = cluster
        .describe(PATIENCE)
        .await
        .unwrap()
        .controller
        .expect("a controller");
    let mut creations = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (cluster, name) = (cluster.clone(), unique("topic"));
        creations.spawn(async move {
            let topic = NewTopic {
                name: name.clone(),
                partitions: 2,
                replication_factor: 2,
                configs: BTreeMap::default(),
            };
            (
                name,
                cluster.create_topic(&topic, Duration::from_secs(20)).await,
            )
        });
    }
    let id = u16::try_from(controller).unwrap();
    local.kill(NodeId::broker(id)).await.unwrap();
    let outcomes = creations.join_all().await;
    // A new controller answers once ZooKeeper has let go of the old one.
    local_cluster::wait_for_condition("a new controller", PATIENCE, || async {
        match cluster.describe(Duration::from_secs(2)).await {
            Ok(seen) if seen.controller.is_some_and(|now| now != controller) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
    for (name, outcome) in outcomes {
        match outcome {
            Ok(()) => assert!(exists(&cluster, &name).await, "{name} was reported made"),
            Err(error) if error.kind == ErrorKind::OutcomeUnknown => {}
            Err(error) => assert!(
                error.kind == ErrorKind::AlreadyExists || !exists(&cluster, &name).await,
                "{name} was reported not made: {error:?}"
            ),
        }
    }
}
