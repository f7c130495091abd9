//! The services against a KRaft broker of the same jars: nothing but the ZooKeeper check depends on
//! ZooKeeper.

use cluster_tests::PATIENCE;
use cluster_tests::services::{Target, host};
use local_cluster::{kraft, wait_for_condition};

#[tokio::test]
async fn the_services_work_against_a_kraft_broker() {
    let broker = kraft::start().await.unwrap();
    let services = host(&Target {
        bootstrap: broker.bootstrap(),
        brokers: vec![1],
        zookeepers: Vec::new(),
        topics_file: None,
        jmx_agents: String::new(),
        canary: None,
        keys: None,
    });
    let create = "/api/topics?topicName=on-kraft&partitions=3&replicationFactor=1";
    wait_for_condition("the topic to be created", PATIENCE, || async {
        let answer = services.admin.post(create).await;
        if answer.status.as_u16() == 201 {
            Ok(())
        } else {
            Err(answer.text)
        }
    })
    .await
    .unwrap();
    let run = "/api/loadtest/run?eventCount=1000&topic=on-kraft";
    let report = services.load_test.post(run).await.ok_json(200);
    assert_eq!(report["acknowledged"], 1_000, "{report}");
    let health = wait_for_condition("health to be HEALTHY", PATIENCE, || async {
        let health = services.health.get("/api/health").await.json();
        if health["status"] == "HEALTHY" {
            Ok(health)
        } else {
            Err(health.to_string())
        }
    })
    .await
    .unwrap();
    assert_eq!(health["healthyBrokers"], 1, "{health}");
    assert_eq!(
        health["topicHealth"]["on-kraft"]["partitionCount"], 3,
        "{health}"
    );
    // Without a broker to wait for, KRaft frees a deleted name at once.
    let deleted = services.admin.delete("/api/topics/on-kraft").await;
    assert_eq!(deleted.status.as_u16(), 204, "{}", deleted.text);
    services.admin.post(create).await.ok_json(201);
    drop(services);
    broker.stop().await.unwrap();
}
