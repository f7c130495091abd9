//! The JSON of `GET /api/health/brokers/{id}/stop-impact`.

use jiff::Timestamp;

use crate::moment::Moment;
use crate::rules::{Affected, StopImpact, StopVerdict};

/// What stopping some brokers would do.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StopImpactReport {
    /// The brokers in question, all stopped at the same time.
    pub brokers: Vec<i32>,
    /// `SAFE`: every partition stays readable and writable; `UNSAFE`: some would not; `UNKNOWN`:
    /// something that decides was not observed lately.
    pub verdict: StopVerdict,
    /// Why it is `UNKNOWN`; null when it is not.
    #[schema(required = true)]
    pub unknown_because: Option<String>,
    /// When the replicas were observed; null if they were not.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub observed_at: Option<Timestamp>,
    /// Partitions that would get another leader.
    pub leaders_moved: usize,
    /// Partitions that would have no replica in sync left.
    pub would_go_offline: PartitionList,
    /// Partitions that would refuse writes with `acks=all`: fewer replicas in sync than
    /// `min.insync.replicas`.
    pub would_refuse_writes: PartitionList,
    /// Partitions of which that cannot be told.
    pub not_known: PartitionList,
}

/// Partitions, the first hundred of them by name.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionList {
    /// How many there are.
    pub count: usize,
    /// The first hundred.
    pub partitions: Vec<AffectedPartition>,
}

/// One partition.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedPartition {
    /// Topic name.
    #[schema(example = "log-events")]
    pub topic: String,
    /// Partition id.
    pub partition: i32,
    /// Brokers whose replicas are in sync now.
    pub in_sync_replicas: Vec<i32>,
    /// What `min.insync.replicas` comes to for it; null if not known.
    #[schema(required = true)]
    pub min_in_sync_replicas: Option<usize>,
}

/// Listed at most.
const LISTED: usize = 100;

impl StopImpactReport {
    /// Puts an impact into words.
    #[must_use]
    pub fn new(impact: StopImpact) -> Self {
        Self {
            brokers: impact.brokers.into_iter().collect(),
            verdict: impact.verdict,
            unknown_because: impact.unknown_because,
            observed_at: impact.observed_at.map(Moment::time),
            leaders_moved: impact.leaders_moved,
            would_go_offline: PartitionList::of(&impact.offline),
            would_refuse_writes: PartitionList::of(&impact.writes_refused),
            not_known: PartitionList::of(&impact.undecided),
        }
    }
}

impl PartitionList {
    fn of(affected: &[Affected]) -> Self {
        let listed = affected.iter().take(LISTED);
        Self {
            count: affected.len(),
            partitions: listed.map(AffectedPartition::of).collect(),
        }
    }
}

impl AffectedPartition {
    fn of(affected: &Affected) -> Self {
        Self {
            topic: affected.partition.topic.clone(),
            partition: affected.partition.partition,
            in_sync_replicas: affected.in_sync.clone(),
            min_in_sync_replicas: affected.demand,
        }
    }
}
