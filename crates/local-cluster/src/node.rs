//! The names of nodes: `kafka-1`, `zookeeper-2`. The same names are used for containers, logs,
//! metrics and commands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// A member of the ZooKeeper ensemble.
    ZooKeeper,
    /// A Kafka broker.
    Broker,
}

/// One node of a cluster, numbered from 1; a broker's number is its `broker.id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NodeId {
    /// Broker or ZooKeeper.
    pub kind: NodeKind,
    /// From 1.
    pub number: u16,
}

impl NodeId {
    /// Broker `number`.
    #[must_use]
    pub fn broker(number: u16) -> Self {
        Self {
            kind: NodeKind::Broker,
            number,
        }
    }

    /// ZooKeeper `number`.
    #[must_use]
    pub fn zookeeper(number: u16) -> Self {
        Self {
            kind: NodeKind::ZooKeeper,
            number,
        }
    }

    /// Whether it is a broker.
    #[must_use]
    pub fn is_broker(self) -> bool {
        self.kind == NodeKind::Broker
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            NodeKind::ZooKeeper => "zookeeper",
            NodeKind::Broker => "kafka",
        };
        out.pad(&format!("{kind}-{}", self.number))
    }
}

impl FromStr for NodeId {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let unknown = || {
            Error::UnknownNode(format!(
                "{name:?} is no node: nodes are kafka-1, kafka-2, ... and zookeeper-1, ..."
            ))
        };
        let (kind, number) = name.rsplit_once('-').ok_or_else(unknown)?;
        let number = number.parse().map_err(|_| unknown())?;
        match (kind, number) {
            (_, 0) => Err(unknown()),
            ("kafka", number) => Ok(Self::broker(number)),
            ("zookeeper", number) => Ok(Self::zookeeper(number)),
            _ => Err(unknown()),
        }
    }
}

impl From<NodeId> for String {
    fn from(node: NodeId) -> Self {
        node.to_string()
    }
}

impl TryFrom<String> for NodeId {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in ["kafka-1", "zookeeper-3", "kafka-12"] {
            assert_eq!(name.parse::<NodeId>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["kafka", "kafka-0", "kafka-x", "broker-1", "kafka-1-2x", ""] {
            assert!(name.parse::<NodeId>().is_err(), "{name:?}");
        }
    }
}
