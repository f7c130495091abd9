//! What differs between a topic as declared and the topic that is there, field by field.

use kafka_cluster::{ConfigEntry, ConfigSource, TopicMetadata};
use serde::Serialize;
use utoipa::ToSchema;

use crate::configs::same_value;
use crate::topic::TopicSpec;

/// One field that is not as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Difference {
    /// `partitions`, `replicationFactor`, or `configs.` and the setting's name.
    #[schema(example = "configs.retention.ms")]
    pub field: String,
    /// What the document says; null when it does not name the setting, which the topic overrides.
    #[schema(example = "604800000")]
    pub declared: Option<String>,
    /// What the topic has; null when Kafka does not know such a setting.
    #[schema(example = "86400000")]
    pub actual: Option<String>,
}

/// Every field of the topic that is not as declared; settings that the document does not name
/// count when the topic overrides them itself.
#[must_use]
pub fn differences(
    declared: &TopicSpec,
    actual: &TopicMetadata,
    configs: &[ConfigEntry],
) -> Vec<Difference> {
    let mut found = Vec::new();
    let partitions = (
        declared.partitions.get().to_string(),
        actual.partitions.len().to_string(),
    );
    let replication = (
        declared.replication_factor.get().to_string(),
        actual.replication_factor().to_string(),
    );
    for (field, (declared, actual)) in [
        ("partitions", partitions),
        ("replicationFactor", replication),
    ] {
        if declared != actual {
            found.push(Difference {
                field: field.to_owned(),
                declared: Some(declared),
                actual: Some(actual),
            });
        }
    }
    found.extend(changed_configs(declared, configs));
    found.extend(undeclared_overrides(declared, configs));
    found
}

fn changed_configs(declared: &TopicSpec, configs: &[ConfigEntry]) -> Vec<Difference> {
    let wrong = declared.configs.iter().filter_map(|(name, wanted)| {
        let entry = configs.iter().find(|entry| entry.name == *name);
        let actual = entry.and_then(|entry| entry.value.clone());
        let same = actual
            .as_deref()
            .is_some_and(|actual| same_value(wanted, actual));
        (!same).then(|| Difference {
            field: format!("configs.{name}"),
            declared: Some(wanted.clone()),
            actual,
        })
    });
    wrong.collect()
}

fn undeclared_overrides(declared: &TopicSpec, configs: &[ConfigEntry]) -> Vec<Difference> {
    configs
        .iter()
        .filter(|entry| entry.source == ConfigSource::DynamicTopicConfig)
        .filter(|entry| !declared.configs.contains_key(&entry.name))
        .map(|entry| Difference {
            field: format!("configs.{}", entry.name),
            declared: None,
            actual: entry.value.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kafka_cluster::PartitionMetadata;

    use super::*;
    use crate::configs::fixtures::entry as config;
    use crate::topic::{PartitionCount, ReplicationFactor, TopicName};

    fn declared(configs: &[(&str, &str)]) -> TopicSpec {
        TopicSpec {
            name: TopicName::parse("log-events").unwrap(),
            partitions: PartitionCount::new(2).unwrap(),
            replication_factor: ReplicationFactor::new(3).unwrap(),
            configs: configs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    fn actual(partitions: i32, replicas: &[i32]) -> TopicMetadata {
        TopicMetadata {
            name: "log-events".to_owned(),
            internal: false,
            partitions: (0..partitions)
                .map(|id| PartitionMetadata {
                    id,
                    leader: Some(1),
                    replicas: replicas.to_vec(),
                    in_sync_replicas: replicas.to_vec(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_topic_as_declared_differs_in_nothing() {
        let configs = [
            config("retention.ms", "1000", ConfigSource::DynamicTopicConfig),
            config("min.insync.replicas", "2", ConfigSource::StaticBrokerConfig),
            config("segment.ms", "604800000", ConfigSource::DefaultConfig),
        ];
        let declared = declared(&[("retention.ms", "1000"), ("min.insync.replicas", "2")]);
        assert_eq!(differences(&declared, &actual(2, &[1, 2, 3]), &configs), []);
    }

    #[test]
    fn shape_value_unknown_setting_and_undeclared_override_are_each_told() {
        let configs = [
            config("retention.ms", "5", ConfigSource::DynamicTopicConfig),
            config("max.message.bytes", "9", ConfigSource::DynamicTopicConfig),
        ];
        let declared = declared(&[("retention.ms", "1000"), ("retention.mss", "1")]);
        let found = differences(&declared, &actual(4, &[1]), &configs);
        let told: Vec<_> = found
            .iter()
            .map(|d| (d.field.as_str(), d.declared.as_deref(), d.actual.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("partitions", Some("2"), Some("4")),
                ("replicationFactor", Some("3"), Some("1")),
                ("configs.retention.ms", Some("1000"), Some("5")),
                ("configs.retention.mss", Some("1"), None),
                ("configs.max.message.bytes", None, Some("9")),
            ]
        );
    }
}
