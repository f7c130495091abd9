//! The JSON of topics, as the API answers it.

use std::collections::BTreeMap;

use kafka_cluster::{ClusterMetadata, ConfigEntry, ConfigSource, PartitionMetadata, TopicMetadata};
use serde::Serialize;
use utoipa::ToSchema;

/// Every topic of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicList {
    /// By name.
    pub topics: Vec<TopicSummary>,
    /// For `cursor` in the next call; absent when these are all.
    #[schema(nullable = false, example = "log-events")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A topic in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicSummary {
    /// The topic's name.
    #[schema(example = "log-events")]
    pub topic_name: String,
    /// Number of partitions.
    #[schema(example = 12)]
    pub partitions: usize,
    /// Copies of each partition.
    #[schema(example = 3)]
    pub replication_factor: usize,
    /// Partitions with fewer replicas in sync than assigned.
    #[schema(example = 0)]
    pub under_replicated_partitions: usize,
    /// Kept by Kafka for itself.
    #[schema(example = false)]
    pub internal: bool,
}

/// A topic with its partitions and settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicDetail {
    /// The topic's name.
    #[schema(example = "log-events")]
    pub topic_name: String,
    /// Number of partitions.
    #[schema(example = 12)]
    pub partition_count: usize,
    /// Copies of each partition.
    #[schema(example = 3)]
    pub replication_factor: usize,
    /// Partitions with fewer replicas in sync than assigned.
    #[schema(example = 0)]
    pub under_replicated_partitions: usize,
    /// Kept by Kafka for itself.
    #[schema(example = false)]
    pub internal: bool,
    /// By id.
    pub partitions: Vec<PartitionView>,
    /// Every setting by name; null when Kafka did not tell in time.
    pub configs: Option<Vec<ConfigView>>,
    /// Why `configs` is null; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configs_unknown: Option<String>,
}

/// Where one partition is, and which records it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionView {
    /// Partition id.
    #[schema(example = 0)]
    pub id: i32,
    /// The leading broker; null while the partition is offline.
    #[schema(example = 1)]
    pub leader: Option<i32>,
    /// Assigned brokers, the preferred leader first.
    #[schema(example = json!([1, 2, 3]))]
    pub replicas: Vec<i32>,
    /// Brokers in sync.
    #[schema(example = json!([1, 2, 3]))]
    pub in_sync_replicas: Vec<i32>,
    /// Offset of the first record that is still there; null when unknown.
    #[schema(example = 0)]
    pub earliest_offset: Option<i64>,
    /// One past the last record; null when unknown.
    #[schema(example = 1000)]
    pub latest_offset: Option<i64>,
    /// Why an offset is null; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offsets_unknown: Option<String>,
}

/// One setting of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigView {
    /// Kafka's name for it.
    #[schema(example = "retention.ms")]
    pub name: String,
    /// The value in force; null when it is sensitive, or not set at all.
    #[schema(example = "604800000")]
    pub value: Option<String>,
    /// Where the value comes from, in Kafka's words.
    #[schema(value_type = String, example = "DYNAMIC_TOPIC_CONFIG")]
    pub source: ConfigSource,
    /// A secret: its value is never told.
    #[schema(example = false)]
    pub sensitive: bool,
}

/// The offsets of one partition, or why one is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offsets {
    /// The first record that is still there.
    pub earliest: Result<i64, String>,
    /// One past the last record.
    pub latest: Result<i64, String>,
}

impl From<&ClusterMetadata> for TopicList {
    fn from(metadata: &ClusterMetadata) -> Self {
        Self {
            topics: metadata.topics.iter().map(TopicSummary::from).collect(),
            next_cursor: None,
        }
    }
}

impl TopicList {
    /// Leaves one page: names that contain `search` and come after `after`, `limit` of them.
    pub fn keep(&mut self, search: Option<&str>, after: Option<&str>, limit: Option<usize>) {
        self.topics.retain(|topic| {
            search.is_none_or(|search| topic.topic_name.contains(search))
                && after.is_none_or(|after| topic.topic_name.as_str() > after)
        });
        self.topics.sort_by(|a, b| a.topic_name.cmp(&b.topic_name));
        if let Some(limit) = limit.filter(|limit| *limit < self.topics.len()) {
            self.topics.truncate(limit);
            self.next_cursor = self.topics.last().map(|topic| topic.topic_name.clone());
        }
    }
}

impl From<&TopicMetadata> for TopicSummary {
    fn from(topic: &TopicMetadata) -> Self {
        Self {
            topic_name: topic.name.clone(),
            partitions: topic.partitions.len(),
            replication_factor: topic.replication_factor(),
            under_replicated_partitions: topic.under_replicated_partitions(),
            internal: topic.internal,
        }
    }
}

impl TopicDetail {
    /// Puts together what was learned about one topic; a partition without an entry in `offsets`
    /// has no leader that could be asked.
    #[must_use]
    pub fn new(
        topic: &TopicMetadata,
        offsets: &BTreeMap<i32, Offsets>,
        configs: Result<Vec<ConfigEntry>, String>,
    ) -> Self {
        let (configs, configs_unknown) = match configs {
            Ok(entries) => (
                Some(entries.into_iter().map(ConfigView::from).collect()),
                None,
            ),
            Err(reason) => (None, Some(reason)),
        };
        Self {
            topic_name: topic.name.clone(),
            partition_count: topic.partitions.len(),
            replication_factor: topic.replication_factor(),
            under_replicated_partitions: topic.under_replicated_partitions(),
            internal: topic.internal,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| PartitionView::new(partition, offsets.get(&partition.id)))
                .collect(),
            configs,
            configs_unknown,
        }
    }
}

impl PartitionView {
    fn new(partition: &PartitionMetadata, offsets: Option<&Offsets>) -> Self {
        let (earliest, latest, unknown) = match offsets {
            Some(Offsets { earliest, latest }) => (
                earliest.as_ref().ok().copied(),
                latest.as_ref().ok().copied(),
                latest.as_ref().err().or(earliest.as_ref().err()).cloned(),
            ),
            None => (None, None, Some("the partition has no leader".to_owned())),
        };
        Self {
            id: partition.id,
            leader: partition.leader,
            replicas: partition.replicas.clone(),
            in_sync_replicas: partition.in_sync_replicas.clone(),
            earliest_offset: earliest,
            latest_offset: latest,
            offsets_unknown: unknown,
        }
    }
}

impl From<ConfigEntry> for ConfigView {
    fn from(entry: ConfigEntry) -> Self {
        Self {
            value: entry.value.filter(|_| !entry.sensitive),
            name: entry.name,
            source: entry.source,
            sensitive: entry.sensitive,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn topic() -> TopicMetadata {
        let partition = |id, leader, in_sync: &[i32]| PartitionMetadata {
            id,
            leader,
            replicas: vec![1, 2],
            in_sync_replicas: in_sync.to_vec(),
        };
        TopicMetadata {
            name: "a".to_owned(),
            internal: false,
            partitions: vec![partition(0, Some(1), &[1, 2]), partition(1, None, &[2])],
        }
    }

    #[test]
    fn a_list_counts_partitions_and_those_under_replicated() {
        let metadata = ClusterMetadata {
            answered_by: 1,
            brokers: Vec::new(),
            topics: vec![topic()],
        };
        assert_eq!(
            serde_json::to_value(TopicList::from(&metadata)).unwrap(),
            json!({"topics": [{
                "topicName": "a", "partitions": 2, "replicationFactor": 2,
                "underReplicatedPartitions": 1, "internal": false,
            }]})
        );
    }

    #[test]
    fn pages_follow_one_another_and_the_last_has_no_next() {
        let named = |name: &str| TopicMetadata {
            name: name.to_owned(),
            ..topic()
        };
        let metadata = ClusterMetadata {
            answered_by: 1,
            brokers: Vec::new(),
            topics: ["c-log", "a-log", "b", "d-log"].map(named).to_vec(),
        };
        let page = |after| {
            let mut list = TopicList::from(&metadata);
            list.keep(Some("log"), after, Some(2));
            let names: Vec<_> = list.topics.into_iter().map(|t| t.topic_name).collect();
            (names.join(" "), list.next_cursor)
        };
        assert_eq!(
            page(None),
            ("a-log c-log".to_owned(), Some("c-log".to_owned()))
        );
        assert_eq!(page(Some("c-log")), ("d-log".to_owned(), None));
    }

    #[test]
    fn what_is_not_known_is_null_with_its_reason() {
        let detail = TopicDetail::new(
            &topic(),
            &BTreeMap::from([(
                0,
                Offsets {
                    earliest: Ok(3),
                    latest: Err("timed out".to_owned()),
                },
            )]),
            Err("no answer".to_owned()),
        );
        let json = serde_json::to_value(detail).unwrap();
        assert_eq!(
            json["partitions"],
            json!([
                {"id": 0, "leader": 1, "replicas": [1, 2], "inSyncReplicas": [1, 2],
                 "earliestOffset": 3, "latestOffset": null, "offsetsUnknown": "timed out"},
                {"id": 1, "leader": null, "replicas": [1, 2], "inSyncReplicas": [2],
                 "earliestOffset": null, "latestOffset": null,
                 "offsetsUnknown": "the partition has no leader"},
            ])
        );
        assert_eq!(
            (&json["configs"], &json["configsUnknown"]),
            (&json!(null), &json!("no answer"))
        );
    }

    #[test]
    fn a_sensitive_value_never_shows() {
        let entry = ConfigEntry {
            name: "secret".to_owned(),
            value: Some("hunter2".to_owned()),
            source: ConfigSource::DynamicTopicConfig,
            default: None,
            read_only: false,
            sensitive: true,
        };
        assert_eq!(
            serde_json::to_value(ConfigView::from(entry)).unwrap(),
            json!({"name": "secret", "value": null, "source": "DYNAMIC_TOPIC_CONFIG", "sensitive": true})
        );
    }
}
