//! A topic for one run: made with the target's partitions, replicas and settings, deleted afterwards.
//!
//! Only a topic that was made here is ever deleted. A service that is killed meanwhile leaves it
//! behind; its name begins with [`PREFIX`].

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_cluster::{
    Connection, KafkaCluster, KafkaError, NewTopic, PartitionMetadata, RunId, Visibility, codes,
};

use super::run_id_text;

/// What the names of temporary topics begin with; the run's id follows.
pub const PREFIX: &str = "load-test-";
/// Making the topic, and then seeing it on every broker.
const CREATE_DEADLINE: Duration = Duration::from_secs(10);
/// Deleting it: also at the end of the service, which waits for little.
const DELETE_DEADLINE: Duration = Duration::from_millis(2_500);

/// A topic that exists until it is deleted, or dropped.
pub struct TemporaryTopic {
    runtime: tokio::runtime::Runtime,
    cluster: KafkaCluster,
    name: String,
    partitions: Vec<PartitionMetadata>,
    deleted: bool,
}

impl TemporaryTopic {
    /// Makes a topic for `run` that is like `model` with these settings; blocks for some seconds at
    /// most.
    ///
    /// # Errors
    /// Kafka refused it, or did not show it everywhere in time: it is deleted again then.
    pub fn create(
        connection: &Connection,
        run: RunId,
        model: &[PartitionMetadata],
        settings: BTreeMap<String, String>,
    ) -> Result<Self, KafkaError> {
        let name = format!("{PREFIX}{}", run_id_text(run));
        let replicas = model
            .first()
            .map_or(1, |partition| partition.replicas.len());
        let topic = NewTopic {
            name: name.clone(),
            partitions: i32::try_from(model.len()).unwrap_or(i32::MAX),
            replication_factor: i32::try_from(replicas).unwrap_or(i32::MAX),
            configs: settings,
        };
        let runtime = super::blocking_runtime("CreateTopics")?;
        let cluster = KafkaCluster::connect(connection.clone())?;
        runtime.block_on(cluster.create_topic(&topic, CREATE_DEADLINE))?;
        // From here on it is deleted whatever happens.
        let mut made = Self {
            runtime,
            cluster,
            name,
            partitions: Vec::new(),
            deleted: false,
        };
        let seen = made
            .cluster
            .await_visible(&made.name, model.len(), CREATE_DEADLINE);
        match made.runtime.block_on(seen)? {
            Visibility::Everywhere(metadata) => made.partitions = metadata.partitions,
            Visibility::Awaited { brokers } => {
                let message = format!(
                    "brokers {brokers:?} did not show topic {} in time",
                    made.name
                );
                let code = codes::LEADER_NOT_AVAILABLE;
                return Err(KafkaError::of_read("CreateTopics", code, message));
            }
        }
        Ok(made)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its partitions are.
    pub fn partitions(&self) -> &[PartitionMetadata] {
        &self.partitions
    }

    /// Deletes it; blocks for some seconds at most.
    ///
    /// # Errors
    /// Kafka refused, or its answer did not come: the topic may still be there.
    pub fn delete(mut self) -> Result<(), KafkaError> {
        self.delete_once()
    }

    fn delete_once(&mut self) -> Result<(), KafkaError> {
        self.deleted = true;
        let deletion = self.cluster.delete_topic(&self.name, DELETE_DEADLINE);
        self.runtime.block_on(deletion)
    }
}

impl Drop for TemporaryTopic {
    fn drop(&mut self) {
        if !self.deleted
            && let Err(error) = self.delete_once()
        {
            tracing::warn!(%error, topic = self.name, "a temporary topic is left behind");
        }
    }
}
