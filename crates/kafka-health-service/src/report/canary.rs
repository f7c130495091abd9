//! The canary of the health report.

use jiff::Timestamp;

use crate::moment::Moment;
use crate::snapshot::{CanaryPartition, CanaryState};

/// The canary: records that are written, acknowledged and read back all the time.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryReport {
    /// Its topic.
    #[schema(example = "__health_canary")]
    pub topic: String,
    /// Why it cannot begin to send; null if it can.
    #[schema(required = true)]
    pub error_message: Option<String>,
    /// Its partitions.
    pub partitions: Vec<CanaryPartitionReport>,
}

/// One partition of the canary's topic.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryPartitionReport {
    /// Its id.
    pub partition: i32,
    /// The broker that led it when the oldest record under way, or the newest, was sent; null: none.
    #[schema(required = true)]
    pub leader: Option<i32>,
    /// When last a record was acknowledged and read back; null if none was.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub last_good_at: Option<Timestamp>,
    /// How long the oldest record under way has waited, in seconds; null: none is.
    #[schema(required = true)]
    pub waiting_seconds: Option<f64>,
    /// Why the newest record that failed did; null if one was good since.
    #[schema(required = true)]
    pub error_message: Option<String>,
    /// Records that were acknowledged and are gone.
    pub lost: u64,
}

impl CanaryReport {
    pub(super) fn new(state: &CanaryState) -> Self {
        let partitions = state.partitions.iter();
        Self {
            topic: state.topic.to_string(),
            error_message: state.failure.clone(),
            partitions: partitions
                .map(|(id, partition)| CanaryPartitionReport::new(*id, partition))
                .collect(),
        }
    }
}

impl CanaryPartitionReport {
    fn new(id: i32, partition: &CanaryPartition) -> Self {
        Self {
            partition: id,
            leader: Some(partition.leader).filter(|leader| *leader >= 0),
            last_good_at: partition.last_good.map(Moment::time),
            waiting_seconds: super::seconds(partition.waiting),
            error_message: partition.why.clone(),
            lost: partition.lost,
        }
    }
}
