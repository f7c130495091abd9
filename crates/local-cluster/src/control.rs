//! One node: start, stop, kill, pause, resume. These are the faults of drills and tests, so each
//! says exactly which signal it is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::ensemble::{BROKER_GRACE, Cluster};
use crate::error::{Error, Result, io_error};
use crate::launch::Launch;
use crate::node::{NodeId, NodeKind};
use crate::ports;
use crate::process::{Life, ProcessId};
use crate::security;
use crate::settings;
use crate::wait::wait_for_condition;
use crate::zookeeper_wire;

/// ZooKeeper lets go of a killed broker's id within the session time-out of 9 s; after the death
/// of a whole cluster only once it has a quorum again.
const LONGEST_HOLD: Duration = Duration::from_secs(40);
const LONGEST_NODE_START: Duration = Duration::from_secs(60);

impl Cluster {
    /// Stops a node with SIGTERM, a broker thus with controlled shutdown: its leaders move first.
    /// After 60 s it is killed. Says whether it ended by itself.
    ///
    /// # Errors
    /// [`Error::State`] when it does not run.
    pub async fn stop(&self, node: NodeId) -> Result<bool> {
        self.require_process(node)?;
        self.end(node, BROKER_GRACE).await
    }

    /// Kills a node with SIGKILL; returns once it is gone.
    ///
    /// # Errors
    /// [`Error::State`] when it does not run.
    pub async fn kill(&self, node: NodeId) -> Result<()> {
        let process = self.require_process(node)?;
        process.signal(Signal::SIGKILL)?;
        process.wait_ended(Duration::from_secs(10)).await
    }

    /// Pauses a node with SIGSTOP: its connections stay open and nothing answers. Returns once it stands
    /// still.
    ///
    /// # Errors
    /// [`Error::State`] when it does not run; [`Error::TimedOut`].
    pub async fn pause(&self, node: NodeId) -> Result<()> {
        self.require_process(node)?.pause().await
    }

    /// Lets a paused node go on, with SIGCONT.
    ///
    /// # Errors
    /// [`Error::State`] when it does not run.
    pub fn resume(&self, node: NodeId) -> Result<()> {
        self.require_process(node)?.signal(Signal::SIGCONT)
    }

    /// Starts a node and waits until it answers. Nothing happens when it runs already; a paused
    /// one is resumed. A killed broker starts once ZooKeeper let go of its id.
    ///
    /// # Errors
    /// [`Error::PortTaken`], [`Error::Died`] or [`Error::TimedOut`].
    pub async fn start_node(&self, node: NodeId) -> Result<()> {
        self.require_known(node)?;
        match self.life(node) {
            Life::Running => {}
            Life::Paused => self.resume(node)?,
            Life::Ended => {
                for port in ports::all(node) {
                    let address = SocketAddr::from((self.spec().address, port));
                    ports::require_free(address, &node.to_string())?;
                }
                // Renewed while nothing ran.
                if node.is_broker() {
                    self.write_passwords().await?;
                }
                self.launch(node).await?;
            }
        }
        self.wait_node(node, LONGEST_NODE_START).await
    }

    /// Writes a node's settings and starts its process. Returns once it is known, not once it is
    /// ready; waits only for ZooKeeper to let go of a killed broker's id, without which the new
    /// process would die with `NodeExists`.
    pub(crate) async fn launch(&self, node: NodeId) -> Result<()> {
        let (spec, java) = (self.spec(), self.java().await?);
        let name = node.to_string();
        let data = spec.data_dir(&name);
        if node.is_broker() && self.id_may_be_held(node) {
            self.wait_id_released(node).await?;
        }
        std::fs::create_dir_all(&data)
            .map_err(io_error(format!("directory {}", data.display())))?;
        if node.kind == NodeKind::ZooKeeper {
            write(&data.join("myid"), &node.number.to_string())?;
        }
        self.write_settings(node, java.layout())?;
        let heap = variable("KAFKA_HEAP_OPTS").unwrap_or_else(|| spec.jvm.broker_heap.clone());
        let launch = Launch {
            log: spec.log_file(&name),
            pid_file: spec.pid_file(&name),
            program: java.program.clone(),
            args: java.node_args(spec, node, &heap),
            env: vec![],
            name,
        };
        launch.spawn().map(|_| ())
    }

    /// Ends a node that may have ended already; its pid file goes when it ended by itself, so that
    /// what is left of a killed one shows.
    pub(crate) async fn end(&self, node: NodeId, grace: Duration) -> Result<bool> {
        let Some(process) = self.process(node) else {
            return Ok(true);
        };
        let by_itself = process.end(grace).await?;
        let _ = std::fs::remove_file(self.spec().pid_file(&node.to_string()));
        Ok(by_itself)
    }

    fn write_settings(&self, node: NodeId, layout: &crate::layout::Layout) -> Result<()> {
        let spec = self.spec();
        let read = |file: std::path::PathBuf| {
            std::fs::read_to_string(&file).map_err(io_error(format!("settings {}", file.display())))
        };
        let (keys, name) = (spec.keys(), node.to_string());
        let text = match node.kind {
            NodeKind::Broker => {
                let mut common = read(layout.broker_properties())?;
                let mut secured = BTreeMap::new();
                if let Some(keys) = keys {
                    common += &read(layout.broker_secure_properties())?;
                    secured = security::broker(&keys, &name)?;
                }
                settings::broker(spec, node.number, &common, secured, variable)
            }
            NodeKind::ZooKeeper => {
                let mut common = read(layout.zookeeper_properties())?;
                let mut secured = None;
                if let Some(keys) = keys {
                    common += &read(layout.zookeeper_secure_properties())?;
                    secured = Some(security::zookeeper(&keys, &name));
                }
                settings::zookeeper(spec, node.number, &common, secured)
            }
        };
        let file = spec.settings_file(node);
        let parent = file.parent().expect("a settings file is in conf/");
        std::fs::create_dir_all(parent)
            .map_err(io_error(format!("directory {}", parent.display())))?;
        // A secured broker's holds a password.
        Ok(cluster_keys::write_secret(&file, text.as_bytes())?)
    }

    /// Whether the broker ended without closing its session with ZooKeeper: it has data, but not
    /// the mark that Kafka leaves there at a clean end.
    fn id_may_be_held(&self, node: NodeId) -> bool {
        let data = self.spec().data_dir(&node.to_string());
        data.join("meta.properties").exists() && !data.join(".kafka_cleanshutdown").exists()
    }

    async fn wait_id_released(&self, node: NodeId) -> Result<()> {
        let (members, tls) = (self.zookeepers(), self.spec().zookeeper_tls());
        let path = format!("/brokers/ids/{}", node.number);
        let what = format!("ZooKeeper to let go of {path}");
        wait_for_condition(&what, LONGEST_HOLD, || async {
            let limit = Duration::from_secs(2);
            match zookeeper_wire::exists(&members, &path, tls.as_ref(), limit).await {
                Ok(false) => Ok(()),
                Ok(true) => {
                    // Each question is a session, which the ensemble writes to disk.
                    tokio::time::sleep(Duration::from_millis(250)).await;
                    Err("it is still there".to_owned())
                }
                Err(error) => Err(error.to_string()),
            }
        })
        .await
    }

    fn require_known(&self, node: NodeId) -> Result<()> {
        let nodes = self.spec().nodes();
        if nodes.contains(&node) {
            return Ok(());
        }
        Err(Error::UnknownNode(format!(
            "{node} is no node of this cluster: it has {}",
            crate::ensemble::names(&nodes)
        )))
    }

    fn require_process(&self, node: NodeId) -> Result<ProcessId> {
        self.require_known(node)?;
        self.process(node)
            .filter(|process| process.is_alive())
            .ok_or_else(|| Error::State(format!("{node} does not run")))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.trim().is_empty())
}

fn write(file: &std::path::Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(io_error(format!("file {}", file.display())))
}
