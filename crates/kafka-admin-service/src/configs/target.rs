//! What has settings: a topic, or a broker.

use std::fmt;
use std::time::Duration;

use kafka_cluster::{ConfigChange, ConfigEntry, ConfigSource, KafkaCluster, KafkaError};

use crate::fingerprint::Fingerprint;
use crate::topic::TopicName;

/// A topic or a broker.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ConfigTarget {
    /// A topic by name.
    Topic(TopicName),
    /// A broker by id.
    Broker(i32),
}

impl fmt::Display for ConfigTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(name) => write!(f, "topic \"{name}\""),
            Self::Broker(id) => write!(f, "broker {id}"),
        }
    }
}

impl ConfigTarget {
    /// Where its settings are read.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Topic(name) => format!("/api/topics/{name}/configs"),
            Self::Broker(id) => format!("/api/brokers/{id}/configs"),
        }
    }

    /// Whether the target itself overrides a setting, so that taking it back is possible.
    #[must_use]
    pub fn overrides(&self, entry: &ConfigEntry) -> bool {
        entry.source
            == match self {
                Self::Topic(_) => ConfigSource::DynamicTopicConfig,
                Self::Broker(_) => ConfigSource::DynamicBrokerConfig,
            }
    }

    /// Where Kafka's own words about a setting are.
    #[must_use]
    pub fn documentation(&self, name: &str) -> String {
        let chapter = match self {
            Self::Topic(_) => "topicconfigs",
            Self::Broker(_) => "brokerconfigs",
        };
        format!("https://kafka.apache.org/39/documentation.html#{chapter}_{name}")
    }

    /// The fingerprint of all that the target overrides; a sensitive value counts as being there.
    #[must_use]
    pub fn etag(&self, entries: &[ConfigEntry]) -> String {
        let mut fingerprint = Fingerprint::default();
        for entry in entries.iter().filter(|entry| self.overrides(entry)) {
            fingerprint.add(&entry.name);
            fingerprint.add(entry.value.as_deref().unwrap_or_default());
        }
        format!("\"{}\"", fingerprint.to_text())
    }

    pub(super) async fn read(
        &self,
        cluster: &KafkaCluster,
        deadline: Duration,
    ) -> Result<Vec<ConfigEntry>, KafkaError> {
        match self {
            Self::Topic(name) => {
                let mut answers = cluster.topic_configs(&[name.as_str()], deadline).await?;
                answers.pop().unwrap_or_else(|| Ok(Vec::new()))
            }
            Self::Broker(id) => cluster.broker_configs(*id, deadline).await,
        }
    }

    pub(super) async fn alter(
        &self,
        cluster: &KafkaCluster,
        changes: &[ConfigChange],
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        match self {
            Self::Topic(name) => {
                let name = name.as_str();
                cluster.alter_topic_configs(name, changes, deadline).await
            }
            Self::Broker(id) => cluster.alter_broker_configs(*id, changes, deadline).await,
        }
    }

    pub(super) async fn validate(
        &self,
        cluster: &KafkaCluster,
        changes: &[ConfigChange],
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        match self {
            Self::Topic(name) => {
                let name = name.as_str();
                cluster
                    .validate_topic_configs(name, changes, deadline)
                    .await
            }
            Self::Broker(id) => {
                cluster
                    .validate_broker_configs(*id, changes, deadline)
                    .await
            }
        }
    }
}
