//! The topics of a cluster with their settings, as a document is compared with them or written from
//! them.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_cluster::{ClusterMetadata, ConfigEntry, KafkaCluster, KafkaError};

use super::plan::Present;
use crate::any_broker;
use crate::topic::TopicSpec;

/// Topics whose settings are asked for in one request: a thousand come to a few requests of some 300 kB.
const TOPICS_PER_REQUEST: usize = 200;
/// One such request.
const ASK: Duration = Duration::from_secs(5);

/// What a cluster has, as far as it was asked for.
#[derive(Debug, Clone)]
pub struct Look {
    /// Every broker and topic.
    pub metadata: ClusterMetadata,
    /// Settings of the topics that were asked for.
    configs: BTreeMap<String, Vec<ConfigEntry>>,
}

/// Looks at all topics, and at the settings of those that `wanted` picks by name.
///
/// # Errors
/// As Kafka answers; also when the settings of one topic that is there are not told.
pub async fn look(
    cluster: &KafkaCluster,
    wanted: impl Fn(&str) -> bool,
) -> Result<Look, KafkaError> {
    let metadata = any_broker::metadata(cluster).await?;
    let names: Vec<&str> = metadata
        .topics
        .iter()
        .map(|topic| topic.name.as_str())
        .filter(|name| wanted(name))
        .collect();
    let mut configs = BTreeMap::new();
    for names in names.chunks(TOPICS_PER_REQUEST) {
        let answers = cluster.topic_configs(names, ASK).await?;
        for (name, answer) in names.iter().zip(answers) {
            configs.insert((*name).to_owned(), answer?);
        }
    }
    Ok(Look { metadata, configs })
}

impl Look {
    /// Every topic by name, but those that Kafka and its tools keep for themselves; without settings
    /// where those were not asked for.
    #[must_use]
    pub fn present(&self) -> BTreeMap<&str, Present<'_>> {
        let own = self
            .metadata
            .topics
            .iter()
            .filter(|topic| !topic.internal && !topic.name.starts_with("__"));
        own.map(|topic| {
            let configs = self.configs.get(&topic.name).map_or(&[][..], Vec::as_slice);
            (topic.name.as_str(), (topic, configs))
        })
        .collect()
    }

    /// The topics whose settings were asked for, as a document would declare them.
    #[must_use]
    pub fn specs(&self) -> Vec<TopicSpec> {
        let present = self.present();
        let asked = present
            .iter()
            .filter(|(name, _)| self.configs.contains_key(**name));
        asked
            .filter_map(|(_, (topic, configs))| TopicSpec::of(topic, configs))
            .collect()
    }
}
