//! One cluster: which processes it is made of, and starting and ending all of them.
//!
//! Single nodes are in `control`, waiting for readiness in `readiness`, reports in `status`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::error::{Error, Result, io_error};
use crate::java::Java;
use crate::layout::Layout;
use crate::node::NodeId;
use crate::ports;
use crate::process::{Life, ProcessId};
use crate::spec::ClusterSpec;
use crate::test_home::TestHome;

/// From the first process to the last answer; 5 s were measured on an idle machine.
const LONGEST_START: Duration = Duration::from_secs(90);
/// A broker hands over its leaders first, each attempt of which may take seconds.
pub(crate) const BROKER_GRACE: Duration = Duration::from_secs(60);
const ZOOKEEPER_GRACE: Duration = Duration::from_secs(10);

/// A cluster of processes of this machine. Clones are the same cluster. Dropping one ends nothing,
/// but for the last clone of a test's own cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    spec: ClusterSpec,
    java: OnceCell<Java>,
    /// Of test clusters: ends the processes on drop.
    home: Option<TestHome>,
}

impl Cluster {
    /// Starts what does not run yet of the cluster in `spec.dir`, and waits until all of it is
    /// ready. Its processes outlive this one. On failure nothing stays that was started here.
    ///
    /// # Errors
    /// [`Error::PortTaken`], [`Error::Died`], [`Error::TimedOut`] or a missing prerequisite.
    pub async fn start(spec: ClusterSpec) -> Result<Self> {
        let cluster = Self::open(spec);
        let before = cluster.running();
        match cluster.start_missing().await {
            Ok(()) => Ok(cluster),
            Err(error) => {
                cluster.end_now_except(&before).await;
                Err(error)
            }
        }
    }

    /// The cluster in `spec.dir`, without starting anything.
    #[must_use]
    pub fn open(spec: ClusterSpec) -> Self {
        Self::with(spec, OnceCell::new(), None)
    }

    /// The running cluster that a state file (`cluster.json`) describes.
    ///
    /// # Errors
    /// When the file cannot be read or no broker of it answers.
    pub async fn join(state_file: &Path) -> Result<Self> {
        let cluster = Self::open(ClusterSpec::load(state_file)?);
        cluster.require_any_broker().await.map_err(|error| {
            Error::State(format!("the cluster of {}: {error}", state_file.display()))
        })?;
        Ok(cluster)
    }

    /// A cluster that ends with its last clone.
    pub(crate) fn guarded(spec: ClusterSpec, java: Java, home: TestHome) -> Self {
        Self::with(spec, OnceCell::new_with(Some(java)), Some(home))
    }

    fn with(spec: ClusterSpec, java: OnceCell<Java>, home: Option<TestHome>) -> Self {
        let inner = Inner { spec, java, home };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// What it is made of.
    #[must_use]
    pub fn spec(&self) -> &ClusterSpec {
        &self.inner.spec
    }

    /// `bootstrap.servers` for clients.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.spec().bootstrap()
    }

    /// Client addresses of the ZooKeepers.
    #[must_use]
    pub fn zookeepers(&self) -> Vec<SocketAddr> {
        let nodes = self.spec().zookeeper_nodes().into_iter();
        nodes.map(|node| self.spec().client_address(node)).collect()
    }

    /// Where the JMX agents answer `GET /metrics`; nodes without an agent are left out.
    #[must_use]
    pub fn jmx_targets(&self) -> Vec<(NodeId, SocketAddr)> {
        let (spec, jvm) = (self.spec(), &self.spec().jvm);
        let carries = |node: &NodeId| match node.is_broker() {
            true => jvm.broker_agent,
            false => jvm.zookeeper_agent,
        };
        let nodes = spec.nodes().into_iter().filter(carries);
        nodes
            .map(|node| (node, SocketAddr::from((spec.address, ports::agent(node)))))
            .collect()
    }

    /// Who a node is, when it was ever started; it may have ended.
    #[must_use]
    pub fn process(&self, node: NodeId) -> Option<ProcessId> {
        ProcessId::read(&self.spec().pid_file(&node.to_string()))
    }

    /// What a node does; a node never started has ended.
    #[must_use]
    pub fn life(&self, node: NodeId) -> Life {
        self.process(node).map_or(Life::Ended, ProcessId::life)
    }

    /// The nodes that exist, paused ones included.
    #[must_use]
    pub fn running(&self) -> Vec<NodeId> {
        let nodes = self.spec().nodes().into_iter();
        nodes
            .filter(|&node| self.life(node) != Life::Ended)
            .collect()
    }

    /// Starts and resumes every node that does not run, and waits until the whole is ready.
    /// ZooKeepers first, all at once; then the brokers, all at once: six at the same time took
    /// 5.6 s, this way 4.6 s on two cores.
    ///
    /// # Errors
    /// As [`Cluster::start`], but what was started stays.
    pub async fn start_missing(&self) -> Result<()> {
        self.check()?;
        self.java().await?;
        std::fs::create_dir_all(&self.spec().dir)
            .map_err(io_error(format!("directory {}", self.spec().dir.display())))?;
        self.prepare_keys()?;
        self.spec().save()?;
        self.start_all(self.spec().zookeeper_nodes()).await?;
        self.wait_zookeepers(LONGEST_START).await?;
        tracing::info!("{} ready", names(&self.spec().zookeeper_nodes()));
        self.begin_zookeeper().await?;
        self.write_passwords().await?;
        self.start_all(self.spec().broker_nodes()).await?;
        self.wait_ready(LONGEST_START).await?;
        tracing::info!("{} ready", names(&self.spec().broker_nodes()));
        Ok(())
    }

    /// Refuses what cannot be started, before anything is: numbers out of range, data that does not
    /// fit together, ports that somebody else has. [`Cluster::start_missing`] does this itself.
    ///
    /// # Errors
    /// [`Error::State`] or [`Error::PortTaken`].
    pub fn check(&self) -> Result<()> {
        self.spec().check()?;
        self.check_data()?;
        self.require_free_ports()
    }

    /// Brings every node back and waits until every replica of every partition is in sync.
    ///
    /// # Errors
    /// [`Error::TimedOut`] naming what is not well.
    pub async fn heal(&self, limit: Duration) -> Result<()> {
        tokio::time::timeout(limit, self.start_missing())
            .await
            .map_err(|_| Error::TimedOut {
                what: "every node to be back".into(),
                limit,
                last: format!("running: {}", names(&self.running())),
            })??;
        self.wait_in_sync(limit).await
    }

    /// Ends the whole cluster: brokers first, with controlled shutdown, then the ZooKeepers. Data
    /// stays.
    ///
    /// # Errors
    /// [`Error::Io`] when a process cannot be ended.
    pub async fn down(&self) -> Result<()> {
        self.end_all(self.spec().broker_nodes(), BROKER_GRACE)
            .await?;
        self.end_all(self.spec().zookeeper_nodes(), ZOOKEEPER_GRACE)
            .await
    }

    /// Ends at once (SIGKILL) every node but `these`; what cannot be ended is logged.
    pub async fn end_now_except(&self, these: &[NodeId]) {
        for node in self.running() {
            if these.contains(&node) {
                continue;
            }
            if let Some(process) = self.process(node) {
                let ended = process.signal(Signal::SIGKILL);
                if let Err(error) = ended.and(process.wait_ended(ZOOKEEPER_GRACE).await) {
                    tracing::warn!("{node}: {error}");
                }
            }
        }
    }

    /// Keeps the logs of a test's cluster when it goes.
    pub(crate) fn keep_logs(&self) {
        if let Some(home) = &self.inner.home {
            home.keep_logs();
        }
    }

    /// The Java of this cluster, made ready at the first use.
    pub(crate) async fn java(&self) -> Result<&Java> {
        let prepare = || async { Java::prepare(&Layout::at(&self.spec().root)?).await };
        self.inner.java.get_or_try_init(prepare).await
    }

    async fn start_all(&self, nodes: Vec<NodeId>) -> Result<()> {
        self.for_each(nodes, |cluster, node| async move {
            match cluster.life(node) {
                Life::Running => Ok(()),
                Life::Paused => cluster.resume(node),
                Life::Ended => cluster.launch(node).await,
            }
        })
        .await
    }

    async fn end_all(&self, nodes: Vec<NodeId>, grace: Duration) -> Result<()> {
        self.for_each(nodes, move |cluster, node| async move {
            cluster.end(node, grace).await.map(|_| ())
        })
        .await
    }

    /// Does `action` for all nodes at the same time; the first error is the answer.
    async fn for_each<F>(
        &self,
        nodes: Vec<NodeId>,
        action: impl Fn(Self, NodeId) -> F,
    ) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        for node in nodes {
            tasks.spawn(action(self.clone(), node));
        }
        let done = tasks.join_all().await;
        done.into_iter().collect()
    }

    /// Every port of every node that is to be started, before anything is.
    fn require_free_ports(&self) -> Result<()> {
        let spec = self.spec();
        let missing = spec
            .nodes()
            .into_iter()
            .filter(|&n| self.life(n) == Life::Ended);
        for node in missing {
            for port in ports::all(node) {
                ports::require_free(SocketAddr::from((spec.address, port)), &node.to_string())?;
            }
        }
        Ok(())
    }

    /// A broker's data knows the cluster's id, which ZooKeeper keeps: both or neither.
    fn check_data(&self) -> Result<()> {
        let spec = self.spec();
        let has_data = |node: NodeId| spec.data_dir(&node.to_string()).exists();
        let brokers = spec.broker_nodes().into_iter().any(has_data);
        let zookeepers = spec.zookeeper_nodes().into_iter().any(has_data);
        if brokers && !zookeepers {
            return Err(Error::State(format!(
                "{}/data holds data of brokers but none of ZooKeepers, so the brokers would refuse \
                 to start: `local-cluster reset` begins anew",
                spec.dir.display()
            )));
        }
        Ok(())
    }
}

/// `kafka-1, kafka-2`.
#[must_use]
pub fn names(nodes: &[NodeId]) -> String {
    let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn brokers_data_without_zookeepers_data_is_refused_before_anything_starts() {
        let layout = Layout::find().unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("data/kafka-1")).unwrap();
        let spec = ClusterSpec::new(layout.root(), dir.path());
        let error = Cluster::start(spec).await.unwrap_err();
        assert!(error.to_string().contains("local-cluster reset"), "{error}");
    }

    #[tokio::test]
    async fn a_state_file_of_a_cluster_that_is_gone_cannot_be_joined() {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = ClusterSpec::new(Path::new("/x"), dir.path());
        spec.address = [127, 88, 255, 1].into();
        spec.save().unwrap();
        let file = ClusterSpec::state_file(dir.path());
        assert!(Cluster::join(&file).await.is_err());
        assert!(Cluster::join(Path::new("/nowhere")).await.is_err());
    }
}
