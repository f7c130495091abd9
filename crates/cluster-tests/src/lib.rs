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
pub mod secured;
pub mod services;

use std::time::Duration;

use kafka_cluster::{Connection, KafkaCluster};
use local_cluster::security::SUPER;

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

/// A client of the cluster at `bootstrap`, of one that is secured as its super user.
///
/// # Panics
/// When librdkafka refuses our settings.
#[must_use]
pub fn client(bootstrap: &str) -> KafkaCluster {
    let connection = match secured::keys_of(bootstrap) {
        Some(keys) => secured::connection(bootstrap, &keys.client(SUPER)),
        None => Connection::new(bootstrap),
    };
    KafkaCluster::connect(connection).expect("the settings are accepted")
}

/// Runs one of Kafka's own tools against `bootstrap`; returns what it printed.
///
/// # Panics
/// When the tool fails.
pub async fn kafka_tool(class: &str, bootstrap: &str, arguments: &[&str]) -> String {
    let mut all = vec!["--bootstrap-server", bootstrap];
    all.extend(arguments);
    let keys = secured::keys_of(bootstrap);
    let settings = keys.map(|keys| keys.java_client(SUPER).display().to_string());
    if let Some(settings) = &settings {
        all.extend([secured::settings_option(class), settings]);
    }
    local_cluster::tool(class, &all)
        .await
        .unwrap_or_else(|error| panic!("{class} {arguments:?}: {error}"))
}
