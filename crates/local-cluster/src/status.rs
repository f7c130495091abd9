//! What runs, for people and for scripts.

use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;

use crate::ensemble::Cluster;
use crate::process::{Life, ProcessId};

/// What a process of a cluster does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It exists and is not paused. Whether it answers is another question.
    Running,
    /// It was sent SIGSTOP.
    Paused,
    /// It was never started, or stopped when told to.
    Stopped,
    /// It ended without having been told to, or was killed.
    Dead,
}

/// One line of `status`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessStatus {
    /// Node or service.
    pub name: String,
    /// What it does.
    pub state: State,
    /// While it exists.
    pub pid: Option<i32>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Resident memory, while it exists.
    pub resident_bytes: Option<u64>,
}

impl ProcessStatus {
    /// Reads what a pid file and `/proc` say.
    #[must_use]
    pub fn read(name: &str, address: SocketAddr, pid_file: &Path) -> Self {
        let process = ProcessId::read(pid_file);
        let state = match process.map(ProcessId::life) {
            None => State::Stopped,
            Some(Life::Running) => State::Running,
            Some(Life::Paused) => State::Paused,
            Some(Life::Ended) => State::Dead,
        };
        let alive = process.filter(|_| matches!(state, State::Running | State::Paused));
        Self {
            name: name.to_owned(),
            state,
            pid: alive.map(|process| process.pid),
            address,
            resident_bytes: alive.and_then(ProcessId::resident_bytes),
        }
    }
}

impl Cluster {
    /// Every node, ZooKeepers first.
    #[must_use]
    pub fn status(&self) -> Vec<ProcessStatus> {
        let spec = self.spec();
        let nodes = spec.nodes().into_iter();
        nodes
            .map(|node| {
                let name = node.to_string();
                let address = spec.client_address(node);
                ProcessStatus::read(&name, address, &spec.pid_file(&name))
            })
            .collect()
    }
}
