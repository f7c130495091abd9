//! Settings of topics and brokers: describing them, and changing just the named ones.

use std::time::Duration;

use crate::native::{self, Resource};
use crate::{KafkaCluster, KafkaError};

/// One setting as Kafka reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Setting name, e.g. `retention.ms`.
    pub name: String,
    /// Effective value; `None` for sensitive values, which Kafka never tells.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Kafka's own value, where nobody sets another; `None` where there is none, or Kafka does not tell
    /// it (of an overridden `retention.ms`, for one).
    pub default: Option<String>,
    /// Cannot be changed while the broker runs.
    pub read_only: bool,
    /// A secret.
    pub sensitive: bool,
}

/// Where a setting's value comes from.
/// Source: Kafka protocol, `DescribeConfigs`, `config_source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "Kafka's own names")]
pub enum ConfigSource {
    DynamicTopicConfig,
    DynamicBrokerConfig,
    DynamicDefaultBrokerConfig,
    StaticBrokerConfig,
    DefaultConfig,
    DynamicBrokerLoggerConfig,
    Unknown,
}

impl ConfigSource {
    pub(crate) fn from_code(code: i32) -> Self {
        match code {
            1 => Self::DynamicTopicConfig,
            2 => Self::DynamicBrokerConfig,
            3 => Self::DynamicDefaultBrokerConfig,
            4 => Self::StaticBrokerConfig,
            5 => Self::DefaultConfig,
            6 => Self::DynamicBrokerLoggerConfig,
            _ => Self::Unknown,
        }
    }
}

/// One change to one setting; every setting that is not named stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigChange {
    /// Set `name` to `value`.
    Set {
        /// Setting name.
        name: String,
        /// New value.
        value: String,
    },
    /// Remove the override of `name`: the default applies again.
    Reset {
        /// Setting name.
        name: String,
    },
    /// Append to a list setting.
    Append {
        /// Setting name.
        name: String,
        /// List item.
        value: String,
    },
    /// Remove from a list setting.
    Subtract {
        /// Setting name.
        name: String,
        /// List item.
        value: String,
    },
}

impl KafkaCluster {
    /// All settings of each named topic, in the order asked.
    ///
    /// # Errors
    /// The outer error: no answer at all. An inner one: that topic's.
    pub async fn topic_configs(
        &self,
        names: &[&str],
        deadline: Duration,
    ) -> Result<Vec<Result<Vec<ConfigEntry>, KafkaError>>, KafkaError> {
        let resources: Vec<_> = names.iter().map(|name| Resource::topic(name)).collect();
        native::describe_configs(&self.native, &resources, deadline).await
    }

    /// All settings of one broker, answered by that broker.
    ///
    /// # Errors
    /// As Kafka answers; `Unreachable` when that broker is.
    pub async fn broker_configs(
        &self,
        broker: i32,
        deadline: Duration,
    ) -> Result<Vec<ConfigEntry>, KafkaError> {
        let mut answers =
            native::describe_configs(&self.native, &[Resource::broker(broker)], deadline).await?;
        answers.pop().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Changes the named settings of a topic by `IncrementalAlterConfigs`.
    ///
    /// In ZooKeeper mode Kafka reads, modifies and writes without a version: of two writers at once
    /// one can be lost. Callers serialise writes per topic.
    ///
    /// # Errors
    /// As Kafka answers (checked per resource), and `OutcomeUnknown`.
    pub async fn alter_topic_configs(
        &self,
        name: &str,
        changes: &[ConfigChange],
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        native::alter_configs(
            &self.native,
            &Resource::topic(name),
            changes,
            false,
            deadline,
        )
        .await
    }

    /// Changes the named dynamic settings of a broker by `IncrementalAlterConfigs`.
    ///
    /// # Errors
    /// As Kafka answers (checked per resource), and `OutcomeUnknown`.
    pub async fn alter_broker_configs(
        &self,
        broker: i32,
        changes: &[ConfigChange],
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        native::alter_configs(
            &self.native,
            &Resource::broker(broker),
            changes,
            false,
            deadline,
        )
        .await
    }

    /// Asks Kafka whether it would change these settings of a topic, without doing so.
    ///
    /// # Errors
    /// What changing them would answer.
    pub async fn validate_topic_configs(
        &self,
        name: &str,
        changes: &[ConfigChange],
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        native::alter_configs(
            &self.native,
            &Resource::topic(name),
            changes,
            true,
            deadline,
        )
        .await
    }

    /// Asks Kafka whether it would change these settings of a broker, without doing so.
    ///
    /// # Errors
    /// What changing them would answer.
    pub async fn validate_broker_configs(
        &self,
        broker: i32,
        changes: &[ConfigChange],
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        native::alter_configs(
            &self.native,
            &Resource::broker(broker),
            changes,
            true,
            deadline,
        )
        .await
    }
}
