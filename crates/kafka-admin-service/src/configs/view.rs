//! The JSON of settings, as the API answers it.

use kafka_cluster::{ConfigEntry, ConfigSource};
use serde::Serialize;
use utoipa::ToSchema;

use super::ConfigTarget;
use crate::change::{Cost, FieldChange, Warning};

/// All settings of one topic or broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConfigList {
    /// Whose they are.
    #[schema(example = "topic \"log-events\"")]
    pub of: String,
    /// The fingerprint of what it overrides, also in the header `ETag`; for `If-Match`.
    #[schema(example = "\"6c62272e07bb014262b821756295c58d\"")]
    pub etag: String,
    /// By name.
    pub configs: Vec<ConfigDetail>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigDetail {
    /// Kafka's name for it.
    #[schema(example = "retention.ms")]
    pub name: String,
    /// The value in force; null when it is sensitive, or not set at all.
    #[schema(example = "86400000")]
    pub value: Option<String>,
    /// Where the value comes from, in Kafka's words.
    #[schema(value_type = String, example = "DYNAMIC_TOPIC_CONFIG")]
    pub source: ConfigSource,
    /// Kafka's own value, where nobody sets another; null where there is none or it is not told.
    #[schema(example = "604800000")]
    pub default: Option<String>,
    /// Set for this topic or broker alone, so that null in a PATCH takes it back.
    #[schema(example = true)]
    pub overridden: bool,
    /// A secret: its value is never told.
    #[schema(example = false)]
    pub sensitive: bool,
    /// Cannot be changed while the broker runs.
    #[schema(example = false)]
    pub read_only: bool,
    /// Where Kafka documents it.
    #[schema(example = "https://kafka.apache.org/39/documentation.html#topicconfigs_retention.ms")]
    pub documentation: String,
}

/// What a write to settings changed, or would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigsWritten {
    /// Whose settings they are.
    #[schema(example = "topic \"log-events\"")]
    pub of: String,
    /// True: nothing was changed, this is what would be.
    #[schema(example = false)]
    pub validate_only: bool,
    /// Each setting that changed; empty when all were as wanted already.
    pub changes: Vec<FieldChange>,
    /// What was not done, or may not be what was meant.
    pub warnings: Vec<Warning>,
    /// What the topic takes afterwards, where `retention.bytes` changes; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The fingerprint of what is overridden now, also in the header `ETag`.
    #[schema(example = "\"6c62272e07bb014262b821756295c58d\"")]
    pub etag: String,
}

impl ConfigList {
    /// All `entries` of `target`.
    #[must_use]
    pub fn new(target: &ConfigTarget, entries: Vec<ConfigEntry>) -> Self {
        Self {
            of: target.to_string(),
            etag: target.etag(&entries),
            configs: entries
                .into_iter()
                .map(|entry| ConfigDetail::new(target, entry))
                .collect(),
        }
    }
}

impl ConfigDetail {
    fn new(target: &ConfigTarget, entry: ConfigEntry) -> Self {
        Self {
            overridden: target.overrides(&entry),
            documentation: target.documentation(&entry.name),
            value: entry.value.filter(|_| !entry.sensitive),
            default: entry.default.filter(|_| !entry.sensitive),
            name: entry.name,
            source: entry.source,
            sensitive: entry.sensitive,
            read_only: entry.read_only,
        }
    }
}
