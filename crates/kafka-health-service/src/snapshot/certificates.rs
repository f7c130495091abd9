//! When the certificates end that the nodes show to who connects, and those in this service's files.

use jiff::Timestamp;

use crate::moment::Moment;

/// The certificate of one holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// From when on nobody accepts it any more.
    pub not_after: Timestamp,
    /// When it was shown, or read.
    pub at: Moment,
}

/// How this service is connected, by its settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connections {
    /// `security.protocol` towards the brokers, in Kafka's spelling.
    pub brokers: String,
    /// The SASL mechanism, where there is a login.
    pub mechanism: Option<String>,
    /// Whether ZooKeepers are asked over TLS; `None` where none is configured.
    pub zookeeper_encrypted: Option<bool>,
}
