//! Where a record would go: the answer to producing one with `validateOnly=true`.

use kafka_cluster::TopicMetadata;
use serde::Serialize;
use utoipa::ToSchema;

/// Where a record would go; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordPlan {
    /// True: nothing was written.
    #[schema(example = true)]
    pub validate_only: bool,
    /// The topic's name.
    #[schema(example = "orders")]
    pub topic_name: String,
    /// The partition that was asked for; null where its key chooses one, or chance without a key.
    #[schema(required = true, example = 0)]
    pub partition: Option<i32>,
    /// The partitions that there are to choose from.
    #[schema(example = 12)]
    pub partition_count: usize,
}

impl RecordPlan {
    /// A record for `partition` of `topic`, or for any.
    pub fn new(topic: &TopicMetadata, partition: Option<i32>) -> Self {
        Self {
            validate_only: true,
            topic_name: topic.name.clone(),
            partition,
            partition_count: topic.partitions.len(),
        }
    }
}
