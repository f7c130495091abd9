//! The controller is killed while topics are made.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster_tests::names::unique;
use cluster_tests::services::{Hosted, Target, host};
use cluster_tests::{PATIENCE, client};
use kafka_cluster::{ErrorKind, KafkaCluster, NewTopic};
use local_cluster::{NodeId, lease_for_faults, wait_for_condition};
use serde_json::Value;

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
                // Tests after this one stop a broker, and ask whether anything cannot be written to.
                configs: BTreeMap::from([("min.insync.replicas".to_owned(), "1".to_owned())]),
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
    wait_for_condition("a new controller", PATIENCE, || async {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_is_killed_is_told_and_the_next_one_is_counted() {
    let local = lease_for_faults().await.unwrap();
    let services = host(&Target::of(&local));
    let before = until(&services, "a controller", |health| {
        health["status"] == "HEALTHY" && health["controllerId"].is_i64()
    })
    .await;
    let controller = before["controllerId"].as_i64().unwrap();
    let node = NodeId::broker(u16::try_from(controller).unwrap());
    local.kill(node).await.unwrap();
    let told = until(&services, "its end", |health| {
        let mut reasons = health["reasons"].as_array().unwrap().iter();
        reasons.any(|one| one["code"] == "controller_down")
    })
    .await;
    let mut reasons = told["reasons"].as_array().unwrap().iter();
    let own = reasons.find(|one| one["code"] == "controller_down");
    assert_eq!(own.unwrap()["explainedBy"], serde_json::json!([controller]));
    let after = until(&services, "the next one", |health| {
        health["controllerId"]
            .as_i64()
            .is_some_and(|id| id != controller)
    })
    .await;
    assert_eq!(after["controllerChanges"], 1, "{after}");
    local.start_node(node).await.unwrap();
}

async fn until(services: &Hosted, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    wait_for_condition(what, PATIENCE, || async {
        let health = services.health.get("/api/health").await.json();
        if wanted(&health) {
            Ok(health)
        } else {
            Err(health)
        }
    })
    .await
    .unwrap()
}
