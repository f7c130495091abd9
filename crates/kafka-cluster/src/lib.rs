//! A typed, async view of a Kafka cluster over librdkafka.
//!
//! The services ask Kafka only through this crate: metadata, topics, settings, groups, offsets and
//! ACLs as plain owned values, and the few pieces that produce and read records. It knows no HTTP and
//! no health: it reports what Kafka said. It is the only crate of the workspace with `unsafe` code,
//! and keeps that in `native`.
//!
//! Every call takes a deadline and ends by it. Errors carry Kafka's own code, name and message
//! ([`KafkaError`]); a write that may or may not have happened is
//! [`ErrorKind::OutcomeUnknown`].

mod acl_words;
mod acls;
mod bootstrap;
mod cluster;
mod config;
mod configs;
mod credentials;
mod diagnosis;
mod elections;
mod error;
mod follow;
mod groups;
mod lag;
mod native;
mod offsets;
mod producer;
mod reader;
mod sequenced;
mod topics;
mod visibility;
mod wire;

pub use acl_words::{AclOperation, AclPattern, AclPermission, AclResourceType, UnknownAclWord};
pub use acls::{Acl, AclListing};
pub use bootstrap::BootstrapGuard;
pub use cluster::{BrokerDescription, ClusterDescription, KafkaCluster};
pub use config::{Connection, PropertyError};
pub use configs::{ConfigChange, ConfigEntry, ConfigSource};
pub use credentials::{Credentials, CredentialsWatch};
pub use error::{ErrorKind, KafkaError, codes};
pub use follow::{Followed, follow};
pub use groups::{GroupDescription, GroupListing, GroupListings, GroupMember, GroupState};
pub use lag::Lag;
pub use native::KeptMemory;
pub use offsets::{OffsetSpec, TopicPartition};
pub use producer::{
    Delivery, DeliveryObserver, Persistence, RecordProducer, SendError, TopicProducer,
};
pub use reader::{PartitionRange, ReadEnd, ReadLimits, ReadRecord, read_ranges};
pub use sequenced::{RunId, Sequenced, SequencedError};
pub use topics::{
    BrokerAddress, ClusterMetadata, NewTopic, PartitionMetadata, TopicMetadata, is_internal_topic,
};
pub use visibility::{Deletion, Visibility};
pub use wire::LogDirectory;
