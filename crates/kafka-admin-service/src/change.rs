//! What a write would do or has done, as the API tells it: each field before and after, what to think
//! about first, and what it costs.

use serde::Serialize;
use utoipa::ToSchema;

/// One field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// `partitions`, `replicationFactor`, or `configs.` and the setting's name.
    #[schema(example = "configs.retention.ms")]
    pub field: String,
    /// The value before; null where there was none, or it is sensitive.
    #[schema(example = "604800000")]
    pub before: Option<String>,
    /// The value before was not its own: a default applied. Left out where it was, or is no setting.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false, example = true)]
    pub before_inherited: bool,
    /// The value after; null where there is none, or it is sensitive.
    #[schema(example = "86400000")]
    pub after: Option<String>,
}

/// Something that is allowed and may still not be what was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Warning {
    /// Stable name in snake case.
    #[schema(value_type = String, example = "single_replica")]
    pub code: &'static str,
    /// In words.
    #[schema(example = "records are lost with the one broker that holds them")]
    pub message: String,
}

/// What a topic takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Partitions of the topic.
    #[schema(example = 12)]
    pub partitions: u64,
    /// Copies of partitions that brokers hold for it.
    #[schema(example = 36)]
    pub replicas: u64,
    /// `retention.bytes` x partitions x replication, over all brokers; null where nothing limits it, or
    /// the limit is not known.
    #[schema(example = 9_663_676_416_u64)]
    pub worst_case_disk_bytes: Option<u64>,
}

/// What a write would do, or has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangePlan {
    /// True: nothing was changed, this is what would be.
    #[schema(example = true)]
    pub validate_only: bool,
    /// What would be done.
    #[schema(value_type = String, example = "create_topic")]
    pub action: &'static str,
    /// The topic's name.
    #[schema(example = "orders")]
    pub topic_name: String,
    /// Each field that would change.
    pub changes: Vec<FieldChange>,
    /// What to think about first.
    pub warnings: Vec<Warning>,
    /// What the topic takes afterwards.
    pub cost: Cost,
}

impl FieldChange {
    /// From `before` to `after`.
    #[must_use]
    pub fn new(field: impl Into<String>, before: Option<String>, after: Option<String>) -> Self {
        Self {
            field: field.into(),
            before,
            before_inherited: false,
            after,
        }
    }
}

impl Warning {
    /// A warning in words, with its stable name.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl Cost {
    /// Of a topic of this shape, when each copy of a partition may hold `retention_bytes`: negative
    /// means no limit, as in Kafka.
    #[must_use]
    pub fn of(partitions: u64, replication_factor: u64, retention_bytes: Option<i64>) -> Self {
        let replicas = partitions.saturating_mul(replication_factor);
        let limit = retention_bytes.and_then(|bytes| u64::try_from(bytes).ok());
        Self {
            partitions,
            replicas,
            worst_case_disk_bytes: limit.map(|bytes| bytes.saturating_mul(replicas)),
        }
    }

    /// Of nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::of(0, 0, Some(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_case_is_the_limit_of_each_copy_times_copies() {
        let cost = Cost::of(12, 3, Some(268_435_456));
        assert_eq!(cost.replicas, 36);
        assert_eq!(cost.worst_case_disk_bytes, Some(9_663_676_416));
    }

    #[test]
    fn without_a_limit_the_worst_case_is_not_a_number() {
        assert_eq!(Cost::of(1, 1, Some(-1)).worst_case_disk_bytes, None);
        assert_eq!(Cost::of(1, 1, None).worst_case_disk_bytes, None);
    }
}
