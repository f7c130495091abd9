//! Every test that needs a real cluster, and what those tests share.
//!
//! `tests/shared` harms no node and runs on one cluster; `tests/faults` stops, kills and pauses
//! nodes of a cluster that it leases for itself.

pub mod alertmanager;
pub mod api;
pub mod dashboards;
pub mod document;
pub mod names;
pub mod prometheus;
pub mod promql;
pub mod records;
pub mod services;

use std::time::Duration;

use kafka_cluster::{Connection, KafkaCluster};

/// What a test waits for at most: an order of magnitude above what a loaded machine needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A client of the shared cluster, and the cluster.
///
/// # Panics
/// When there is no cluster to test on.
pub async fn shared() -> (KafkaCluster, &'static local_cluster::Cluster) {
    let cluster = local_cluster::shared().await.expect("a shared cluster");
    (client(&cluster.bootstrap()), cluster)
}

/// A client of the cluster at `bootstrap`.
///
/// # Panics
/// When librdkafka refuses our settings.
#[must_use]
pub fn client(bootstrap: &str) -> KafkaCluster {
    KafkaCluster::connect(Connection::new(bootstrap)).expect("plain settings are accepted")
}

/// Runs one of Kafka's own tools against `bootstrap`; returns what it printed.
///
/// # Panics
/// When the tool fails.
pub async fn kafka_tool(class: &str, bootstrap: &str, arguments: &[&str]) -> String {
    let mut all = vec!["--bootstrap-server", bootstrap];
    all.extend(arguments);
    local_cluster::tool(class, &all)
        .await
        .unwrap_or_else(|error| panic!("{class} {arguments:?}: {error}"))
}
