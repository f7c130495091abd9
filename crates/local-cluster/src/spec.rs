//! What a cluster is to be: how many nodes, where, and how their Java machines are set. This is
//! also what the state file of a running cluster holds, so that any later command starts a node
//! exactly as the first one did.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use cluster_keys::Keys;
use secure_stream::{BrokerSecurity, Tls};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, io_error};
use crate::node::NodeId;
use crate::ports;
use crate::security;

/// How much the Java machines compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Jit {
    /// Everything, with G1: what people run and what load is measured on.
    Full,
    /// The first compiler only, with the serial collector: starts faster, carries less.
    Quick,
}

/// Settings of the Java machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Jvm {
    /// Compilers and garbage collector of the brokers.
    pub jit: Jit,
    /// Heap options of a broker, as in `KAFKA_HEAP_OPTS`: `-Xms512m -Xmx512m`.
    pub broker_heap: String,
    /// Heap options of a ZooKeeper.
    pub zookeeper_heap: String,
    /// Whether brokers carry the JMX agent.
    pub broker_agent: bool,
    /// Whether ZooKeepers carry the JMX agent; costs some 0.1 s of start and 15 MB each.
    pub zookeeper_agent: bool,
}

impl Jvm {
    /// What people get: full compilation, 512 MB of heap per broker, every agent.
    #[must_use]
    pub fn full() -> Self {
        Self {
            jit: Jit::Full,
            broker_heap: "-Xms512m -Xmx512m".into(),
            zookeeper_heap: "-Xmx128m".into(),
            broker_agent: true,
            zookeeper_agent: true,
        }
    }

    /// What functional tests get: quick starts, small heaps. Not for measuring load.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            jit: Jit::Quick,
            broker_heap: "-Xms128m -Xmx256m".into(),
            zookeeper_heap: "-Xmx64m".into(),
            broker_agent: true,
            zookeeper_agent: true,
        }
    }
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSpec {
    /// The checkout whose jars and settings are used.
    pub root: PathBuf,
    /// Data, logs, pid files and generated settings of this cluster.
    pub dir: PathBuf,
    /// The address every node listens on; ports are the fixed ones of [`ports`].
    pub address: Ipv4Addr,
    /// How many brokers.
    pub brokers: u16,
    /// How many ZooKeepers; odd.
    pub zookeepers: u16,
    /// Java machines.
    pub jvm: Jvm,
    /// Whether it speaks TLS and SCRAM only, with the keys of [`ClusterSpec::keys_dir`].
    #[serde(default)]
    pub secure: bool,
    /// Broker settings on top of `kafka/broker.properties` (or in place of them).
    #[serde(default)]
    pub broker_settings: BTreeMap<String, String>,
}

impl ClusterSpec {
    /// Three ZooKeepers and three brokers on 127.0.0.1, set for people.
    #[must_use]
    pub fn new(root: &Path, dir: &Path) -> Self {
        Self {
            root: root.to_owned(),
            dir: dir.to_owned(),
            address: Ipv4Addr::LOCALHOST,
            brokers: 3,
            zookeepers: 3,
            jvm: Jvm::full(),
            secure: false,
            broker_settings: BTreeMap::new(),
        }
    }

    /// Refuses what cannot run.
    ///
    /// # Errors
    /// [`Error::State`] naming the number that is out of range.
    pub fn check(&self) -> Result<()> {
        if !(1..=ports::MOST_BROKERS).contains(&self.brokers) {
            return Err(Error::State(format!(
                "{} brokers: from 1 to {} are possible",
                self.brokers,
                ports::MOST_BROKERS
            )));
        }
        if ![1, 3, 5].contains(&self.zookeepers) {
            return Err(Error::State(format!(
                "{} ZooKeepers: 1, 3 or 5 are possible",
                self.zookeepers
            )));
        }
        Ok(())
    }

    /// All nodes, ZooKeepers first.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeId> {
        self.zookeeper_nodes()
            .into_iter()
            .chain(self.broker_nodes())
            .collect()
    }

    /// The brokers.
    #[must_use]
    pub fn broker_nodes(&self) -> Vec<NodeId> {
        (1..=self.brokers).map(NodeId::broker).collect()
    }

    /// The ZooKeepers.
    #[must_use]
    pub fn zookeeper_nodes(&self) -> Vec<NodeId> {
        (1..=self.zookeepers).map(NodeId::zookeeper).collect()
    }

    /// Where clients reach a node: a broker's listener, a ZooKeeper's client port.
    #[must_use]
    pub fn client_address(&self, node: NodeId) -> SocketAddr {
        SocketAddr::from((self.address, ports::client(node)))
    }

    /// `bootstrap.servers` of this cluster.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.joined(&self.broker_nodes())
    }

    /// `zookeeper.connect` of this cluster.
    #[must_use]
    pub fn zookeeper_connect(&self) -> String {
        self.joined(&self.zookeeper_nodes())
    }

    /// How brokers are connected to: of a secured cluster, as its super user.
    ///
    /// # Errors
    /// When its settings cannot be read.
    pub fn broker_security(&self) -> Result<BrokerSecurity> {
        let Some(keys) = self.keys() else {
            return Ok(BrokerSecurity::plaintext());
        };
        let file = keys.client(security::SUPER);
        let text = std::fs::read_to_string(&file)
            .map_err(io_error(format!("client settings {}", file.display())))?;
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let properties = lines.map(|(name, value)| (name.to_owned(), value.to_owned()));
        BrokerSecurity::from_properties(&properties.collect())
            .map_err(|error| Error::State(format!("{}: {error}", file.display())))
    }

    /// The TLS that ZooKeepers want of their clients; `None` where they speak plain text.
    #[must_use]
    pub fn zookeeper_tls(&self) -> Option<Tls> {
        let keys = self.keys()?;
        let own = keys.certificate(&NodeId::broker(1).to_string());
        Some(Tls::with_authorities(keys.authority()).with_certificate(own, None))
    }

    /// A node's data.
    #[must_use]
    pub fn data_dir(&self, name: &str) -> PathBuf {
        self.dir.join("data").join(name)
    }

    /// A node's or service's log.
    #[must_use]
    pub fn log_file(&self, name: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{name}.log"))
    }

    /// Where a process of this cluster writes who it is.
    #[must_use]
    pub fn pid_file(&self, name: &str) -> PathBuf {
        self.dir.join("run").join(format!("{name}.pid"))
    }

    /// A node's generated settings.
    #[must_use]
    pub fn settings_file(&self, node: NodeId) -> PathBuf {
        self.dir.join("conf").join(format!("{node}.properties"))
    }

    /// Where the keys of a secured cluster are. Wiping its data leaves them.
    #[must_use]
    pub fn keys_dir(&self) -> PathBuf {
        self.dir.join("keys")
    }

    /// The keys of a secured cluster.
    #[must_use]
    pub fn keys(&self) -> Option<Keys> {
        self.secure.then(|| Keys::at(&self.keys_dir()))
    }

    /// Where this specification is kept while the cluster exists.
    #[must_use]
    pub fn state_file(dir: &Path) -> PathBuf {
        dir.join("cluster.json")
    }

    /// Writes the state file, all or nothing.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn save(&self) -> Result<()> {
        let file = Self::state_file(&self.dir);
        let text = serde_json::to_string_pretty(self).expect("a specification is plain data");
        let new = file.with_extension("json.new");
        std::fs::write(&new, text + "\n")
            .and_then(|()| std::fs::rename(&new, &file))
            .map_err(io_error(format!("state file {}", file.display())))
    }

    /// Reads a state file.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::State`] naming the file.
    pub fn load(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .map_err(io_error(format!("state file {}", file.display())))?;
        serde_json::from_str(&text)
            .map_err(|error| Error::State(format!("state file {}: {error}", file.display())))
    }

    fn joined(&self, nodes: &[NodeId]) -> String {
        let addresses: Vec<String> = nodes
            .iter()
            .map(|&node| self.client_address(node).to_string())
            .collect();
        addresses.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_specification_is_read_back_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = ClusterSpec::new(Path::new("/x"), dir.path());
        spec.broker_settings.insert("a".into(), "b".into());
        spec.save().unwrap();
        let read = ClusterSpec::load(&ClusterSpec::state_file(dir.path())).unwrap();
        assert_eq!(read, spec);
    }

    #[test]
    fn addresses_are_the_documented_ones() {
        let spec = ClusterSpec::new(Path::new("/x"), Path::new("/y"));
        assert_eq!(
            spec.bootstrap(),
            "127.0.0.1:19092,127.0.0.1:19093,127.0.0.1:19094"
        );
        assert_eq!(
            spec.zookeeper_connect(),
            "127.0.0.1:12181,127.0.0.1:12182,127.0.0.1:12183"
        );
    }

    #[test]
    fn impossible_numbers_are_refused() {
        let mut spec = ClusterSpec::new(Path::new("/x"), Path::new("/y"));
        spec.brokers = 0;
        assert!(spec.check().is_err());
        spec.brokers = 4;
        assert!(spec.check().is_ok());
        spec.zookeepers = 2;
        assert!(spec.check().is_err());
    }
}
