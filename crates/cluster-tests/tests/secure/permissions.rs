//! Health without one of its rights: it says which, and that it does not know, and never HEALTHY.

use std::time::Duration;

use cluster_tests::PATIENCE;
use cluster_tests::services::{Services, Target};
use kafka_cluster::{Acl, AclOperation, AclResourceType, KafkaCluster};
use local_cluster::security::SUPER;
use local_cluster::wait_for_condition;
use serde_json::Value;

use super::services::{CANARY, healthy, started};
use super::{client, healthy_again, secured};

const DEADLINE: Duration = Duration::from_secs(20);
const HEALTH: &str = "User:kafka-health-service";
/// Each right of health by which it sees all there is, and as what it is told.
const RIGHTS: [(AclOperation, AclResourceType, &str, &str); 4] = [
    (
        AclOperation::Read,
        AclResourceType::Topic,
        Acl::ANY,
        "Describe topics",
    ),
    (
        AclOperation::DescribeConfigs,
        AclResourceType::Topic,
        Acl::ANY,
        "DescribeConfigs of topics",
    ),
    (
        AclOperation::Describe,
        AclResourceType::Group,
        Acl::ANY,
        "Describe groups",
    ),
    (
        AclOperation::DescribeConfigs,
        AclResourceType::Cluster,
        Acl::CLUSTER,
        "DescribeConfigs of the cluster",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn health_says_which_right_it_lacks_and_is_healthy_again_once_it_is_given_back() {
    let (cluster, _, _turn) = secured().await;
    let owner = client(cluster, SUPER);
    // Without a canary, which would lack one of them as well.
    let services = started(&Target::of(cluster)).await;
    for (operation, resource, name, told) in RIGHTS {
        let acl = Acl::allow(HEALTH, operation, resource, name);
        is_told(&owner, &services, acl, told).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_without_its_rights_is_no_broken_cluster() {
    let (cluster, _, _turn) = secured().await;
    let owner = client(cluster, SUPER);
    let services = healthy(cluster).await;
    let of_topic = |operation, name| Acl::allow(HEALTH, operation, AclResourceType::Topic, name);
    let write = of_topic(AclOperation::Write, CANARY).prefixed();
    let told = format!("Write to topic {CANARY}");
    is_told(&owner, &services, write, &told).await;
    let read = of_topic(AclOperation::Read, Acl::ANY);
    is_told(&owner, &services, read, &format!("Read topic {CANARY}")).await;
}

/// A producer of librdkafka whose first records are refused is done for; a new one takes its place.
#[tokio::test(flavor = "multi_thread")]
async fn the_admin_service_writes_again_once_its_right_is_given_back_without_a_restart() {
    let (cluster, _, _turn) = secured().await;
    let owner = client(cluster, SUPER);
    let write = Acl::allow(
        "User:kafka-admin-service",
        AclOperation::Write,
        AclResourceType::Topic,
        Acl::ANY,
    );
    take_away(&owner, &write).await;
    let services = healthy(cluster).await;
    let admin = &services.admin;
    let record = "/api/topics/log-events/records";
    let value = r#"{"value": "one"}"#;
    // The audit cannot be written, and nothing is changed.
    let refused = wait_for_condition("writing to be refused", PATIENCE, || async {
        let answer = admin.post_json(record, value).await;
        let code = answer.json()["code"].clone();
        if code == "audit_unavailable" {
            Ok(answer)
        } else {
            Err(answer.text)
        }
    })
    .await;
    // Past the audit, too, as long as it lasts.
    let path = format!("{record}?breakGlass=true&reason=the+audit+is+denied");
    let mut denied = Vec::new();
    for _ in 0..3 {
        denied.push(admin.post_json(&path, value).await);
    }
    give_back(&owner, &write).await;
    let text = refused.unwrap().text;
    assert!(text.contains("authorization failed"), "{text}");
    for answer in &denied {
        answer.problem(403, "kafka_denied");
    }
    wait_for_condition("a record to be written", PATIENCE, || async {
        let answer = admin.post_json(record, value).await;
        let done = answer.status.as_u16() == 201;
        if done { Ok(()) } else { Err(answer.text) }
    })
    .await
    .unwrap();
}

/// Takes the right away: health says that it lacks it, and is HEALTHY once it is given back.
async fn is_told(owner: &KafkaCluster, services: &Services, acl: Acl, told: &str) {
    take_away(owner, &acl).await;
    let missing = lacks(services, told).await;
    // Given back before anything is judged: other tests need it as well.
    give_back(owner, &acl).await;
    let health = missing.unwrap();
    assert_eq!(health["status"], "UNKNOWN", "{health}");
    healthy_again(services).await;
}

async fn take_away(owner: &KafkaCluster, acl: &Acl) {
    let acl = std::slice::from_ref(acl);
    let deleted = owner.delete_acls(acl, DEADLINE).await.unwrap();
    assert!(deleted.values().all(Result::is_ok), "{deleted:?}");
}

async fn give_back(owner: &KafkaCluster, acl: &Acl) {
    let acl = std::slice::from_ref(acl);
    let created = owner.create_acls(acl, DEADLINE).await.unwrap();
    assert!(created.values().all(Result::is_ok), "{created:?}");
}

/// The answer in which health says that it lacks this right.
async fn lacks(services: &Services, told: &str) -> local_cluster::Result<Value> {
    // A minute from one question to the next, and what a busy machine adds.
    let patience = PATIENCE + Duration::from_secs(30);
    wait_for_condition("a right to be missed", patience, || async {
        let health = services.health.get("/api/health").await.json();
        let reasons = health["reasons"].as_array().unwrap();
        let names_it = reasons.iter().any(|reason| {
            let text = reason["text"].as_str().unwrap();
            reason["code"] == "permission_missing"
                && text.starts_with(&format!("health may not {told} ("))
                && text.contains("kafka/acls.yml")
        });
        if names_it {
            Ok(health)
        } else {
            Err(health["reasons"].to_string())
        }
    })
    .await
}
