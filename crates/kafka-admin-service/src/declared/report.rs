//! What the last comparison of the document with the cluster found: the JSON of
//! `GET /api/declared-topics`, and what readiness and metrics are read from.

use jiff::Timestamp;
use kafka_cluster::{ConfigEntry, TopicMetadata};
use serde::Serialize;
use utoipa::ToSchema;

use super::diff::{Difference, differences};
use crate::topic::TopicSpec;

/// The declared topics and how they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeclaredReport {
    /// The file that declares the topics; null when the service was given none.
    #[schema(example = "kafka/topics.yml")]
    pub document: Option<String>,
    /// Whether every declared topic was found or made since the service started.
    #[schema(example = true)]
    pub applied: bool,
    /// When the cluster was last compared with the document, or that was last tried.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    #[serde(with = "service_kit::time::millis::optional")]
    pub check_time: Option<Timestamp>,
    /// In the order of the document.
    pub topics: Vec<DeclaredTopicReport>,
}

/// One declared topic and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeclaredTopicReport {
    /// The topic's name.
    #[schema(example = "log-events")]
    pub topic_name: String,
    /// How it is.
    pub state: DeclaredState,
    /// When this service made it; null when it was there before.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    #[serde(with = "service_kit::time::millis::optional")]
    pub created_time: Option<Timestamp>,
    /// Why it is missing, refused or unknown; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Every field that is not as declared.
    pub differences: Vec<Difference>,
}

/// How a declared topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeclaredState {
    /// There, as declared.
    InSync,
    /// There, but not as declared.
    Differs,
    /// Not there.
    Missing,
    /// Not there, since Kafka refused to make it as declared.
    Refused,
    /// Kafka could not be asked.
    Unknown,
}

impl DeclaredState {
    /// Every state, for the metrics.
    pub const ALL: [Self; 5] = [
        Self::InSync,
        Self::Differs,
        Self::Missing,
        Self::Refused,
        Self::Unknown,
    ];

    /// Whether the topic is known to exist.
    #[must_use]
    pub fn is_there(self) -> bool {
        matches!(self, Self::InSync | Self::Differs)
    }

    /// The state's name in JSON, metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Differs => "differs",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// What was found out about one declared topic.
#[derive(Debug, Clone)]
pub enum Finding {
    /// It is there.
    There(TopicMetadata, Result<Vec<ConfigEntry>, String>),
    /// It is not there, for this reason.
    Missing(String),
    /// Kafka refuses to make it, in these words.
    Refused(String),
    /// Nothing, for this reason.
    Unknown(String),
}

impl Finding {
    /// The same, seen shortly after Kafka came back: brokers that have just started list no topics for
    /// a moment, so that one that is missing then may yet turn up.
    #[must_use]
    pub fn not_missing_yet(self) -> Self {
        match self {
            Self::Missing(_) => Self::Unknown("the brokers have just started".to_owned()),
            other => other,
        }
    }

    /// The report on one topic, and the time it was made, if this service made it.
    #[must_use]
    pub fn report(self, topic: &TopicSpec, created_time: Option<Timestamp>) -> DeclaredTopicReport {
        let (state, reason, differences) = match self {
            Self::There(metadata, Ok(configs)) => match differences(topic, &metadata, &configs) {
                none if none.is_empty() => (DeclaredState::InSync, None, none),
                some => (DeclaredState::Differs, None, some),
            },
            Self::There(_, Err(reason)) => {
                let reason = format!("its settings could not be read: {reason}");
                (DeclaredState::Unknown, Some(reason), Vec::new())
            }
            Self::Missing(reason) => (DeclaredState::Missing, Some(reason), Vec::new()),
            Self::Refused(reason) => (DeclaredState::Refused, Some(reason), Vec::new()),
            Self::Unknown(reason) => (DeclaredState::Unknown, Some(reason), Vec::new()),
        };
        DeclaredTopicReport {
            topic_name: topic.name.to_string(),
            state,
            created_time,
            reason,
            differences,
        }
    }
}

impl DeclaredTopicReport {
    /// Before the first comparison.
    #[must_use]
    pub fn not_yet_checked(topic: &TopicSpec) -> Self {
        Finding::Unknown("not compared yet".to_owned()).report(topic, None)
    }
}

impl DeclaredReport {
    /// Number of topics in `state`.
    #[must_use]
    pub fn count(&self, state: DeclaredState) -> usize {
        self.topics
            .iter()
            .filter(|topic| topic.state == state)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::declared::Document;

    fn topic() -> TopicSpec {
        let text = "topics:\n  - {name: a, partitions: 1, replicationFactor: 1}\n";
        Document::parse(text).unwrap().topics.remove(0)
    }

    fn there(partitions: i32) -> TopicMetadata {
        TopicMetadata {
            name: "a".to_owned(),
            internal: false,
            partitions: (0..partitions)
                .map(|id| kafka_cluster::PartitionMetadata {
                    id,
                    leader: Some(1),
                    replicas: vec![1],
                    in_sync_replicas: vec![1],
                })
                .collect(),
        }
    }

    #[test]
    fn a_topic_that_is_there_is_in_sync_or_differs() {
        let report = Finding::There(there(1), Ok(Vec::new())).report(&topic(), None);
        assert_eq!(report.state, DeclaredState::InSync);
        let report = Finding::There(there(2), Ok(Vec::new())).report(&topic(), None);
        assert_eq!(
            serde_json::to_value(report).unwrap(),
            json!({
                "topicName": "a", "state": "differs", "createdTime": null,
                "differences": [{"field": "partitions", "declared": "1", "actual": "2"}],
            })
        );
    }

    #[test]
    fn a_topic_whose_settings_are_not_known_is_unknown_and_not_in_sync() {
        let finding = Finding::There(there(1), Err("timed out".to_owned()));
        let report = finding.report(&topic(), None);
        assert_eq!(report.state, DeclaredState::Unknown);
        assert_eq!(
            report.reason.unwrap(),
            "its settings could not be read: timed out"
        );
    }

    #[test]
    fn a_topic_missing_right_after_a_start_is_unknown_and_one_that_is_there_is_there() {
        let missing = Finding::Missing(String::new()).not_missing_yet();
        assert_eq!(missing.report(&topic(), None).state, DeclaredState::Unknown);
        let there = Finding::There(there(1), Ok(Vec::new())).not_missing_yet();
        assert_eq!(there.report(&topic(), None).state, DeclaredState::InSync);
    }

    #[test]
    fn names_in_json_and_metrics_are_the_same() {
        for state in DeclaredState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }
}
