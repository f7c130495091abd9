//! Tests on a secured cluster of their own: TLS and SCRAM everywhere, nothing allowed that no ACL
//! allows. One at a time, since some of them change keys.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something unexpected is"
)]

mod distrust;
mod permissions;
mod renewal;
mod rights;
mod secrets;
mod services;
mod strangers;
mod zookeeper;

use std::path::PathBuf;
use std::process::Output;

use cluster_keys::Keys;
use cluster_tests::PATIENCE;
use cluster_tests::secured::connection;
use cluster_tests::services::Services;
use kafka_cluster::KafkaCluster;
use local_cluster::Cluster;
use local_cluster::security::SUPER;
use local_cluster::wait_for_condition;
use tokio::process::Command;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// What a test took away is back.
async fn healthy_again(services: &Services) {
    wait_for_condition("health to be HEALTHY again", PATIENCE, || async {
        let health = services.health.get("/api/health").await.json();
        if health["status"] == "HEALTHY" {
            Ok(())
        } else {
            Err(health["reasons"].to_string())
        }
    })
    .await
    .unwrap();
}

/// The cluster, this test's own until the guard is dropped; its principals have their rights.
async fn secured() -> (&'static Cluster, Keys, MutexGuard<'static, ()>) {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    let cluster = CLUSTER.get_or_init(|| async {
        let secure = |spec: &mut local_cluster::ClusterSpec| spec.secure = true;
        let cluster = local_cluster::start_for_test("secured", secure)
            .await
            .unwrap();
        let given = give_rights(&cluster).await;
        assert!(given.status.success(), "{given:?}");
        assert!(
            String::from_utf8_lossy(&given.stdout).contains("created: "),
            "{given:?}"
        );
        cluster
    });
    let cluster = cluster.await;
    (cluster, cluster.keys().unwrap(), turn)
}

/// Applies `kafka/acls.yml` by the program, as the super user.
async fn give_rights(cluster: &Cluster) -> Output {
    let tests = std::env::current_exe().unwrap();
    let program = tests
        .parent()
        .unwrap()
        .with_file_name("kafka-admin-service");
    assert!(program.exists(), "cargo build -p kafka-admin-service first");
    Command::new(program)
        .arg("acls")
        .arg(checkout().join("kafka/acls.yml"))
        .env("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap())
        .env(
            "KAFKA_PROPERTIES_FILE",
            cluster.keys().unwrap().client(SUPER),
        )
        .output()
        .await
        .unwrap()
}

fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A client that logs in as this principal.
fn client(cluster: &Cluster, principal: &str) -> KafkaCluster {
    let file = cluster.keys().unwrap().client(principal);
    KafkaCluster::connect(connection(&cluster.bootstrap(), &file)).unwrap()
}

#[tokio::test]
async fn giving_the_same_rights_again_changes_nothing() {
    let (cluster, _, _turn) = secured().await;
    let again = give_rights(cluster).await;
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    assert_eq!(String::from_utf8(again.stdout).unwrap(), "no change\n");
}
