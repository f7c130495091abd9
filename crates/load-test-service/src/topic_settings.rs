//! The settings of a topic that decide whether and how a run can go there.

use std::collections::BTreeMap;

use kafka_cluster::{ConfigEntry, ConfigSource};

use crate::plan::Compression;

/// Kafka's default of `segment.bytes`.
const SEGMENT_BYTES: u64 = 1 << 30;

/// What is known of a topic's settings; the default knows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSettings {
    /// Whether its cleanup policy has `compact`.
    pub compacted: bool,
    /// `compression.type`.
    pub compression_type: Option<String>,
    /// `retention.bytes`, where there is such a limit.
    pub retention_bytes: Option<u64>,
    /// `segment.bytes`.
    pub segment_bytes: u64,
    /// What was set on the topic itself, by name.
    pub overrides: BTreeMap<String, String>,
}

impl Default for TopicSettings {
    fn default() -> Self {
        Self {
            compacted: false,
            compression_type: None,
            retention_bytes: None,
            segment_bytes: SEGMENT_BYTES,
            overrides: BTreeMap::new(),
        }
    }
}

impl TopicSettings {
    /// From what Kafka tells of the topic.
    #[must_use]
    pub fn of(entries: &[ConfigEntry]) -> Self {
        let value = |name: &str| {
            let entry = entries.iter().find(|entry| entry.name == name)?;
            entry.value.as_deref()
        };
        let policy = value("cleanup.policy").unwrap_or_default();
        let mut words = policy.split(',').map(str::trim);
        let deletes = words.clone().any(|word| word == "delete");
        let set_on_the_topic = |entry: &&ConfigEntry| {
            entry.source == ConfigSource::DynamicTopicConfig && !entry.sensitive
        };
        Self {
            compacted: words.any(|word| word == "compact"),
            compression_type: value("compression.type").map(str::to_owned),
            // -1 is no limit, and so is any number where nothing is deleted.
            retention_bytes: value("retention.bytes")
                .and_then(|text| text.parse().ok())
                .filter(|_| deletes),
            segment_bytes: value("segment.bytes")
                .and_then(|text| text.parse().ok())
                .unwrap_or(SEGMENT_BYTES),
            overrides: entries
                .iter()
                .filter(set_on_the_topic)
                .filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?)))
                .collect(),
        }
    }

    /// In which compression records stay that were sent in `sent`: the broker recompresses where the
    /// topic wants another.
    #[must_use]
    pub fn stored_compression(&self, sent: Compression) -> Compression {
        match self.compression_type.as_deref() {
            Some("uncompressed") => Compression::None,
            Some("gzip") => Compression::Gzip,
            Some("snappy") => Compression::Snappy,
            Some("lz4") => Compression::Lz4,
            Some("zstd") => Compression::Zstd,
            _ => sent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, value: &str, source: ConfigSource) -> ConfigEntry {
        ConfigEntry {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            source,
            default: None,
            read_only: false,
            sensitive: false,
        }
    }

    #[test]
    fn only_what_was_set_on_the_topic_is_taken_over() {
        let settings = TopicSettings::of(&[
            entry(
                "cleanup.policy",
                "compact,delete",
                ConfigSource::DynamicTopicConfig,
            ),
            entry("retention.bytes", "1000", ConfigSource::DynamicTopicConfig),
            entry("segment.bytes", "77", ConfigSource::StaticBrokerConfig),
        ]);
        assert!(settings.compacted);
        assert_eq!(settings.retention_bytes, Some(1_000));
        assert_eq!(settings.segment_bytes, 77);
        let names: Vec<_> = settings.overrides.keys().map(String::as_str).collect();
        assert_eq!(names, ["cleanup.policy", "retention.bytes"]);
    }

    #[test]
    fn without_a_limit_or_without_deletion_nothing_is_forgotten() {
        let of = |policy, bytes| {
            let source = ConfigSource::DefaultConfig;
            let entries = [
                entry("cleanup.policy", policy, source),
                entry("retention.bytes", bytes, source),
            ];
            TopicSettings::of(&entries).retention_bytes
        };
        assert_eq!(of("delete", "-1"), None);
        assert_eq!(of("compact", "1000"), None);
        assert_eq!(of("delete", "1000"), Some(1_000));
    }
}
