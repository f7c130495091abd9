//! What the handlers share.

use std::sync::Arc;

use kafka_cluster::KafkaCluster;
use service_kit::{Answer, Problem};
use tokio_util::sync::CancellationToken;

use crate::audit::Trail;
use crate::broker_roster::BrokerRoster;
use crate::configs::ConfigWriter;
use crate::declared::Declared;
use crate::groups::GroupWriter;
use crate::guard::GuardSettings;
use crate::idempotency::Replies;
use crate::records::{Followers, RecordWriter};
use crate::topic::{PartitionCount, ReplicationFactor, Shapes, TopicWriter};

/// Everything a handler may need. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// For reading.
    pub cluster: KafkaCluster,
    /// For creating and deleting.
    pub writer: TopicWriter,
    /// For settings of topics and brokers.
    pub configs: ConfigWriter,
    /// For changes to consumer groups.
    pub groups: GroupWriter,
    /// For naming brokers that are missing.
    pub roster: Arc<BrokerRoster>,
    /// The declared topics and how they are.
    pub declared: Arc<Declared>,
    /// What deleted topics looked like.
    pub shapes: Shapes,
    /// What was answered to calls with an `Idempotency-Key`.
    pub replies: Replies,
    /// For producing single records.
    pub records: RecordWriter,
    /// Who may follow topics.
    pub followers: Followers,
    /// The service stops: what has no end of its own ends.
    pub stop: CancellationToken,
    /// Who did what; `None`: nobody keeps that.
    pub audit: Option<Trail>,
    /// Documents are applied one after the other.
    pub applying: Arc<tokio::sync::Mutex<()>>,
    /// What topics must be like.
    pub guard: Arc<GuardSettings>,
    /// For requests that leave the shape of a new topic open.
    pub defaults: TopicDefaults,
}

impl AppState {
    /// The audit.
    ///
    /// # Errors
    /// 404: there is none.
    pub fn trail(&self) -> Answer<&Trail> {
        self.audit.as_ref().ok_or_else(|| {
            let detail = "this service keeps no audit (AUDIT_TOPIC)";
            Problem::not_found("no_audit", detail)
        })
    }
}

/// The shape of a new topic where a request does not say.
#[derive(Debug, Clone, Copy)]
pub struct TopicDefaults {
    /// Number of partitions.
    pub partitions: PartitionCount,
    /// Copies of each partition.
    pub replication_factor: ReplicationFactor,
}
