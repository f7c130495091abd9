//! The three services on a secured cluster, each as the principal that it is.

use std::collections::BTreeSet;

use cluster_tests::PATIENCE;
use cluster_tests::services::{Hosted, Target, host};
use local_cluster::wait_for_condition;
use serde_json::Value;

use super::secured;

/// The canary's topic, to which health may write.
pub(crate) const CANARY: &str = "__health_canary";

/// The services, once health says HEALTHY.
pub(crate) async fn healthy(cluster: &local_cluster::Cluster) -> Hosted {
    started(&Target {
        canary: Some(CANARY.to_owned()),
        ..Target::of(cluster)
    })
    .await
}

/// The services of this target, once health says HEALTHY and the declared topics are there.
pub(crate) async fn started(target: &Target) -> Hosted {
    let services = host(target);
    wait_for_condition("health to be HEALTHY", PATIENCE, || async {
        let health = services.health.get("/api/health").await.json();
        if health["status"] == "HEALTHY" {
            Ok(())
        } else {
            Err(health.to_string())
        }
    })
    .await
    .unwrap();
    wait_for_condition("the declared topics to be there", PATIENCE, || async {
        let ready = services.admin.get("/readyz").await;
        if ready.status.is_success() {
            Ok(())
        } else {
            Err(ready.text)
        }
    })
    .await
    .unwrap();
    services
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_do_their_jobs_with_the_rights_that_they_have() {
    let (cluster, _, _turn) = secured().await;
    let services = healthy(cluster).await;
    let health = services.health.get("/api/health").await.ok_json(200);
    assert_eq!(
        health["checks"]["zookeeper"]["status"], "HEALTHY",
        "{health}"
    );

    wait_for_condition("every certificate to be seen", PATIENCE, || async {
        let text = services.health.get("/metrics").await.text;
        let name = "certificate_not_after_timestamp_seconds{";
        // Three brokers, three ZooKeepers, the CA, and health's own.
        match text.lines().filter(|line| line.starts_with(name)).count() {
            8 => Ok(()),
            seen => Err(format!("{seen} of 8")),
        }
    })
    .await
    .unwrap();

    let health = services.health.get("/api/health").await.ok_json(200);
    is_secured(&health["security"], cluster);

    let run = "/api/loadtest/run?eventCount=5000&topic=log-events&verify=true";
    let report = services.load_test.post(run).await.ok_json(200);
    assert_eq!(report["acknowledged"], 5_000, "{report}");
    assert_eq!(report["verification"]["lost"], 0, "{report}");
    // Evidence is not overwritten even by who is asked to: another topic than its own is refused.
    let refused = services
        .load_test
        .post("/api/loadtest/run?eventCount=10&topic=__health_canary")
        .await;
    assert_eq!(refused.status.as_u16() / 100, 4, "{}", refused.text);

    // The group that the log processor is in reads what was written.
    wait_for_condition("the log processor to read", PATIENCE, || async {
        let health = services
            .health
            .get("/api/health/groups/log-processor")
            .await;
        let group = health.json();
        if group["totalLag"] == 0 || group["lag"] == 0 {
            Ok(())
        } else {
            Err(group.to_string())
        }
    })
    .await
    .unwrap();

    let name = cluster_tests::names::unique("administered");
    let create = format!("/api/topics?topicName={name}&partitions=3&replicationFactor=3");
    services.admin.post(&create).await.ok_json(201);
    let path = format!("/api/topics/{name}");
    let (configs, body) = (
        format!("{path}/configs"),
        r#"{"configs": {"retention.ms": "60000"}}"#,
    );
    services.admin.patch_json(&configs, body).await.ok_json(200);
    let audit = services
        .admin
        .get(&format!("/api/audit?topic={name}"))
        .await
        .ok_json(200);
    assert_eq!(audit["entries"].as_array().unwrap().len(), 2, "{audit}");
    assert_eq!(services.admin.delete(&path).await.status.as_u16(), 204);
    let shown: Value = services.admin.get("/api/cluster").await.ok_json(200);
    assert_eq!(shown["liveBrokers"], 3, "{shown}");
}

/// What health says of its connections, and whose certificates it knows.
fn is_secured(security: &Value, cluster: &local_cluster::Cluster) {
    assert_eq!(security["brokers"], "SASL_SSL", "{security}");
    assert_eq!(security["mechanism"], "SCRAM-SHA-512", "{security}");
    assert_eq!(security["zookeeper"], "SSL", "{security}");
    let brokers = (1..=3).map(|id| format!("broker {id}"));
    let zookeepers = cluster.zookeepers().into_iter();
    let zookeepers = zookeepers.map(|address| format!("ZooKeeper {address}"));
    let others = ["CA", "kafka-health-service"].map(str::to_owned);
    let expected: BTreeSet<String> = brokers.chain(zookeepers).chain(others).collect();
    let certificates = security["certificates"].as_array().unwrap();
    let told = certificates.iter().map(|one| {
        let days = one["daysLeft"].as_i64().unwrap();
        assert!((300..4_000).contains(&days), "{one}");
        one["holder"].as_str().unwrap().to_owned()
    });
    assert_eq!(told.collect::<BTreeSet<_>>(), expected);
}
