//! The answer to a write that Kafka took on and that is not done everywhere yet.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::topic::TopicName;

/// A write that Kafka took on and that some brokers have not carried out yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingWrite {
    /// What is under way.
    pub status: PendingStatus,
    /// The topic's name.
    #[schema(example = "orders")]
    pub topic_name: String,
    /// The brokers that it waits for, by id; empty when which ones is not known.
    #[schema(example = json!([1]))]
    pub brokers_awaited: Vec<i32>,
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum PendingStatus {
    /// The topic is made, but some live brokers do not show a leader for every partition yet.
    #[serde(rename = "creation_pending")]
    Creation,
    /// The partitions are added, but some live brokers do not show a leader for each yet.
    #[serde(rename = "growth_pending")]
    Growth,
    /// The topic is marked for deletion; its name is free once the brokers awaited are back.
    #[serde(rename = "deletion_pending")]
    Deletion,
}

impl PendingWrite {
    /// The topic `name` waits for `brokers_awaited`.
    pub fn new(status: PendingStatus, name: &TopicName, brokers_awaited: Vec<i32>) -> Self {
        Self {
            status,
            topic_name: name.to_string(),
            brokers_awaited,
        }
    }
}

impl IntoResponse for PendingWrite {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_names_the_topic_and_the_brokers_awaited() {
        let name = TopicName::parse("a").unwrap();
        let answer = PendingWrite::new(PendingStatus::Deletion, &name, vec![1]);
        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            json!({"status": "deletion_pending", "topicName": "a", "brokersAwaited": [1]})
        );
    }
}
