//! Tests on a secured cluster: the one that `TEST_CLUSTER` names, or one that a test started.

use std::path::Path;

use cluster_keys::Keys;
use kafka_cluster::Connection;
use local_cluster::ClusterSpec;
use local_cluster::shared::TEST_CLUSTER;

/// The keys of the cluster at `bootstrap`, where it is the secured one that `TEST_CLUSTER` names.
#[must_use]
pub fn keys_of(bootstrap: &str) -> Option<Keys> {
    named().filter(|spec| spec.bootstrap() == bootstrap)?.keys()
}

/// The keys of the cluster that `TEST_CLUSTER` names, where it is secured.
#[must_use]
pub fn named_keys() -> Option<Keys> {
    named()?.keys()
}

fn named() -> Option<ClusterSpec> {
    let file = std::env::var_os(TEST_CLUSTER)?;
    ClusterSpec::load(Path::new(&file)).ok()
}

/// The connection that a properties file describes.
///
/// # Panics
/// When the file cannot be read.
#[must_use]
pub fn connection(bootstrap: &str, file: &Path) -> Connection {
    let text = std::fs::read_to_string(file).expect("settings of a client");
    let connection = Connection::new(bootstrap).with_property_lines(&text);
    connection.expect("lines of name=value")
}

/// The option by which one of Kafka's own tools takes a file of client settings.
#[must_use]
pub fn settings_option(class: &str) -> &'static str {
    match class.rsplit('.').next() {
        Some("ConsoleConsumer") => "--consumer.config",
        Some("ConsoleProducer" | "ProducerPerformance") => "--producer.config",
        Some("LeaderElectionCommand") => "--admin.config",
        _ => "--command-config",
    }
}

/// What a service started by a test is told, so that it connects as `principal`; nothing where the
/// cluster at `bootstrap` is not secured.
#[must_use]
pub fn flags(bootstrap: &str, principal: &str) -> Vec<String> {
    let file = keys_of(bootstrap).map(|keys| keys.client(principal).display().to_string());
    file.into_iter()
        .flat_map(|file| ["--kafka-properties-file".to_owned(), file])
        .collect()
}
