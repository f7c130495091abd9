//! What a record holds: one log event, as JSON.
//!
//! The shape is the contract's. `corpus` prepares realistic events from a seed, `template` lays
//! them out so that the few fields that differ from record to record are patched in place.

mod corpus;
mod random;
mod template;
mod timestamp;
mod vocabulary;

pub use corpus::{Corpus, RecordFields};
pub use template::read_envelope;

use serde::{Deserialize, Serialize};

/// One log event. `eventId` stands first, so that the envelope in it
/// ([`kafka_cluster::Sequenced`]) is found at a fixed place without parsing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogEvent {
    /// Unique; the envelope by which a record is accounted for.
    pub event_id: String,
    /// The service that wrote it.
    pub service_name: String,
    /// How bad it is.
    pub severity: Severity,
    /// What happened; may hold a stack trace.
    pub message: String,
    /// When, RFC 3339 in UTC with milliseconds.
    pub timestamp: String,
    /// On whose behalf.
    pub metadata: Metadata,
    /// Where the service runs.
    pub environment: String,
    /// The host, named as a pod is.
    pub host_name: String,
}

/// On whose behalf an event was logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// A trace id: 32 hexadecimal digits.
    pub request_id: String,
    /// The signed-in user.
    pub user_id: String,
}

/// Severity of a log event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the usual names")]
pub enum Severity {
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}
