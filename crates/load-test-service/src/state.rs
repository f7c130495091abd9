//! What the handlers share.

use std::sync::Arc;

use kafka_cluster::KafkaCluster;

use crate::runs::Runner;

/// Everything a handler may need. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// For asking about topics.
    pub cluster: KafkaCluster,
    /// For runs.
    pub runner: Runner,
    /// Topics that no load is produced into.
    pub protected_topics: Arc<[String]>,
}
