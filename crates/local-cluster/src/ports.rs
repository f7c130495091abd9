//! The fixed ports of a node, and who holds a port that is taken.
//!
//! All are below 32768, where Linux takes the ports of outgoing connections from, so that no
//! client of anything can sit on one of them by chance.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;

use crate::error::{Error, Result, io_error};
use crate::node::{NodeId, NodeKind};

/// More would run into the ports of the ZooKeepers' agents.
pub const MOST_BROKERS: u16 = 19;

/// Where clients connect: 19092 for `kafka-1`, 12181 for `zookeeper-1`, and so on.
#[must_use]
pub fn client(node: NodeId) -> u16 {
    match node.kind {
        NodeKind::Broker => 19091 + node.number,
        NodeKind::ZooKeeper => 12180 + node.number,
    }
}

/// Where the JMX agent answers `/metrics`: 17071 for `kafka-1`, 17091 for `zookeeper-1`.
#[must_use]
pub fn agent(node: NodeId) -> u16 {
    match node.kind {
        NodeKind::Broker => 17070 + node.number,
        NodeKind::ZooKeeper => 17090 + node.number,
    }
}

/// Where followers of a ZooKeeper leader connect.
#[must_use]
pub fn quorum(zookeeper: u16) -> u16 {
    12887 + zookeeper
}

/// Where ZooKeepers elect their leader.
#[must_use]
pub fn election(zookeeper: u16) -> u16 {
    13887 + zookeeper
}

/// Every port a node opens, agent included.
#[must_use]
pub fn all(node: NodeId) -> Vec<u16> {
    let mut ports = vec![client(node), agent(node)];
    if node.kind == NodeKind::ZooKeeper {
        ports.extend([quorum(node.number), election(node.number)]);
    }
    ports
}

/// Who has a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A process this user may see.
    Process {
        /// Its pid.
        pid: i32,
        /// Its program, shortened by the kernel to 15 characters.
        name: String,
    },
    /// Another user's process, or one that went away meanwhile.
    Unknown,
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, name } => write!(out, "pid {pid} ({name})"),
            Self::Unknown => out.write_str("a process this user cannot see"),
        }
    }
}

/// Makes sure that `owner` can listen on `address`, by listening there for a moment.
///
/// # Errors
/// [`Error::PortTaken`] with the holder; [`Error::Io`] for any other refusal.
pub fn require_free(address: SocketAddr, owner: &str) -> Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Error::PortTaken {
            address,
            owner: owner.to_owned(),
            holder: holder_of(address),
        }),
        Err(error) => Err(io_error(format!("listening on {address} for {owner}"))(
            error,
        )),
    }
}

/// Who listens on `address`, or on its port at every address.
#[must_use]
pub fn holder_of(address: SocketAddr) -> Holder {
    let inodes: HashSet<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .flat_map(|table| listeners(&table, address))
        .collect();
    process_with_socket(&inodes).unwrap_or(Holder::Unknown)
}

/// The socket inodes of a `/proc/net/tcp` table that listen where `address` would.
fn listeners(table: &str, address: SocketAddr) -> Vec<String> {
    const LISTEN: &str = "0A";
    let wanted = match address.ip() {
        IpAddr::V4(ip) => format!("{:08X}", u32::from_ne_bytes(ip.octets())),
        IpAddr::V6(_) => String::new(),
    };
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (ip, port) = fields.get(1)?.split_once(':')?;
            let here = u16::from_str_radix(port, 16) == Ok(address.port())
                && (ip.ends_with(&wanted) || ip.bytes().all(|digit| digit == b'0'));
            (here && *fields.get(3)? == LISTEN).then(|| fields.get(9).map(|&s| s.to_owned()))?
        })
        .collect()
}

fn process_with_socket(inodes: &HashSet<String>) -> Option<Holder> {
    let targets: HashSet<String> = inodes.iter().map(|i| format!("socket:[{i}]")).collect();
    std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .find_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            holds_any(&entry.path(), &targets).then(|| Holder::Process {
                pid,
                name: std::fs::read_to_string(entry.path().join("comm"))
                    .map_or_else(|_| "?".into(), |name| name.trim().to_owned()),
            })
        })
}

fn holds_any(process: &Path, targets: &HashSet<String>) -> bool {
    let Ok(files) = std::fs::read_dir(process.join("fd")) else {
        return false;
    };
    files
        .flatten()
        .filter_map(|file| std::fs::read_link(file.path()).ok())
        .any(|link| link.to_str().is_some_and(|link| targets.contains(link)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_its_holder() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let error = require_free(address, "kafka-1").unwrap_err();
        let Error::PortTaken { holder, .. } = &error else {
            panic!("{error}");
        };
        let me = std::process::id().cast_signed();
        assert!(
            matches!(holder, Holder::Process { pid, .. } if *pid == me),
            "{error}"
        );
    }

    #[test]
    fn a_listener_on_every_address_is_found_too() {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let holder = holder_of(SocketAddr::from(([127, 0, 0, 1], port)));
        assert!(matches!(holder, Holder::Process { .. }));
    }

    #[test]
    fn no_two_nodes_share_a_port() {
        let nodes = (1..=MOST_BROKERS)
            .map(NodeId::broker)
            .chain((1..=5).map(NodeId::zookeeper));
        let ports: Vec<u16> = nodes.flat_map(all).collect();
        let distinct: HashSet<u16> = ports.iter().copied().collect();
        assert_eq!(distinct.len(), ports.len());
        assert!(ports.iter().all(|&port| port < 32768));
    }
}
