//! Everything that `up` starts: the cluster, the services beside it, Prometheus. Starting what is
//! missing, undoing what an interrupted start began, and ending it all.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use local_cluster::Cluster;
use local_cluster::layout::Layout;
use local_cluster::process::{Life, ProcessId};
use local_cluster::security;
use local_cluster::status::ProcessStatus;
use nix::sys::signal::Signal;
use tokio::task::JoinSet;

use crate::alertmanager::{self, Alertmanager};
use crate::probe;
use crate::prometheus;
use crate::service::{self, HEALTH, Service};

/// They drain within 10 s, by their own promise.
const SERVICE_GRACE: Duration = Duration::from_secs(15);

/// What is to run beside the cluster.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// The directory of the services' programs.
    pub services: Option<PathBuf>,
    /// Prometheus's program.
    pub prometheus: Option<PathBuf>,
    /// What delivers its alerts.
    pub alertmanager: Option<Alertmanager>,
}

/// A cluster and what is beside it.
pub struct Stack {
    cluster: Cluster,
    layout: Layout,
    services: Vec<Service>,
    prometheus: Service,
    alertmanager: Service,
}

/// What ran before a start, and is left alone when the start is undone.
pub struct Before {
    nodes: Vec<local_cluster::NodeId>,
    others: Vec<ProcessId>,
}

impl Before {
    /// A start before which nothing ran, so that undoing it ends everything.
    pub fn nothing() -> Self {
        Self {
            nodes: vec![],
            others: vec![],
        }
    }
}

impl Stack {
    /// The stack around `cluster`; nothing is started.
    pub fn new(cluster: Cluster, layout: Layout) -> Self {
        let services = Service::all(cluster.spec());
        let prometheus = prometheus::service(cluster.spec());
        let alertmanager = alertmanager::service(cluster.spec());
        Self {
            cluster,
            layout,
            services,
            prometheus,
            alertmanager,
        }
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Every node and every program beside them.
    pub fn status(&self) -> Vec<ProcessStatus> {
        let mut lines = self.cluster.status();
        lines.extend(self.others().map(Service::status));
        lines
    }

    /// The log of a node or of a program.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        if let Some(service) = self.others().find(|service| service.name == name) {
            return Ok(service.log().to_owned());
        }
        let node: local_cluster::NodeId = name.parse()?;
        Ok(self.cluster.spec().log_file(&node.to_string()))
    }

    /// What runs now.
    pub fn before(&self) -> Before {
        Before {
            nodes: self.cluster.running(),
            others: self.others().filter_map(Service::process).collect(),
        }
    }

    /// Whether everything that is asked for runs already.
    pub fn runs(&self, beside: &Beside) -> bool {
        let spec = self.cluster.spec();
        let nodes = spec.nodes();
        let mut wanted = self.wanted(beside).into_iter();
        let running = |node: &local_cluster::NodeId| self.cluster.life(*node) == Life::Running;
        nodes.iter().all(running)
            && wanted.all(|s| s.process().is_some_and(|p| p.life() == Life::Running))
    }

    /// Starts what is missing and waits until all of it answers. What it started stays when it
    /// fails: see [`Stack::undo`].
    pub async fn start(&self, mut beside: Beside) -> Result<()> {
        self.check_programs(&beside)?;
        if beside.services.is_some() {
            for service in self.services.iter().filter(|s| s.process().is_none()) {
                service.require_free_port()?;
            }
        }
        self.cluster.check()?;
        if beside.prometheus.is_some()
            && self.prometheus.process().is_none()
            && let Err(error) = self.prometheus.require_free_port()
        {
            say!("Prometheus is left out: {error}");
            beside.prometheus = None;
        }
        if beside.alertmanager.is_some()
            && self.alertmanager.process().is_none()
            && let Err(error) = self.alertmanager.require_free_port()
        {
            say!("Alertmanager is left out: {error}");
            beside.alertmanager = None;
        }
        if self.cluster.spec().secure {
            // Without their rights the services would only be refused.
            self.start_cluster().await?;
            self.give_rights(&beside).await?;
            return self.start_others(&beside).await;
        }
        // The services can do without Kafka, and start in its shadow.
        tokio::try_join!(self.start_cluster(), self.start_others(&beside))?;
        Ok(())
    }

    /// Waits until every service is ready and health says HEALTHY.
    pub async fn wait_healthy(&self) -> Result<()> {
        for service in &self.services {
            probe::wait_ready(service).await?;
        }
        for health in self.services.iter().filter(|s| s.name == HEALTH) {
            probe::wait_healthy(health).await?;
        }
        Ok(())
    }

    /// Ends at once what was not there before.
    pub async fn undo(&self, before: &Before) {
        for service in self.others() {
            let started = service.process().filter(|p| !before.others.contains(p));
            if let Some(process) = started
                && let Ok(()) = process.signal(Signal::SIGKILL)
                && let Ok(()) = process.wait_ended(SERVICE_GRACE).await
            {
                service.forget();
            }
        }
        self.cluster.end_now_except(&before.nodes).await;
    }

    /// Ends everything: the services first, since they have something to finish.
    pub async fn down(&self) -> Result<()> {
        let mut ending: JoinSet<local_cluster::Result<()>> = JoinSet::new();
        for service in self.others().cloned() {
            ending.spawn(async move {
                if let Some(process) = service.process() {
                    let by_itself = process.end(SERVICE_GRACE).await?;
                    if !by_itself {
                        say!(
                            "{} did not end within {SERVICE_GRACE:?} and was killed",
                            service.name
                        );
                    }
                }
                service.forget();
                Ok(())
            });
        }
        for ended in ending.join_all().await {
            ended?;
        }
        self.cluster.down().await?;
        Ok(())
    }

    async fn start_cluster(&self) -> Result<()> {
        Ok(self.cluster.start_missing().await?)
    }

    /// Applies `kafka/acls.yml`, as the one principal that may: the services cannot give themselves
    /// rights.
    async fn give_rights(&self, beside: &Beside) -> Result<()> {
        let (Some(programs), Some(keys)) = (&beside.services, self.cluster.keys()) else {
            return Ok(());
        };
        let program = programs.join(service::ADMIN);
        let output = tokio::process::Command::new(&program)
            .arg("acls")
            .arg(self.layout.acls_file())
            .env("KAFKA_BOOTSTRAP_SERVERS", self.cluster.bootstrap())
            .env("KAFKA_PROPERTIES_FILE", keys.client(security::SUPER))
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("running {}", program.display()))?;
        if !output.status.success() {
            bail!(
                "{} acls ended with {}: {}",
                service::ADMIN,
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    async fn start_others(&self, beside: &Beside) -> Result<()> {
        if let Some(alertmanager) = &beside.alertmanager
            && !resumed(&self.alertmanager)?
        {
            alertmanager::start(alertmanager, self.cluster.spec(), &self.layout)?;
        }
        if let Some(program) = &beside.prometheus {
            self.start_prometheus(program, beside.services.is_some())?;
        }
        let Some(programs) = &beside.services else {
            return Ok(());
        };
        for service in &self.services {
            if !resumed(service)? {
                self.start_service(service, programs)?;
            }
        }
        for service in &self.services {
            probe::wait_alive(service).await?;
        }
        Ok(())
    }

    /// A running one reads the targets again by itself.
    fn start_prometheus(&self, program: &Path, with_services: bool) -> Result<()> {
        let there = self.services.iter();
        let targets: Vec<Service> = there
            .filter(|service| with_services || service.process().is_some())
            .cloned()
            .collect();
        let alertmanager = self.alertmanager.process().map(|_| &self.alertmanager);
        let args = prometheus::prepare(&self.cluster, &self.layout, &targets, alertmanager)?;
        if !resumed(&self.prometheus)? {
            self.prometheus.launch(program, args, vec![])?;
        }
        Ok(())
    }

    fn start_service(&self, service: &Service, programs: &Path) -> Result<()> {
        let data = self.cluster.spec().data_dir(service.name);
        std::fs::create_dir_all(&data).with_context(|| format!("directory {}", data.display()))?;
        let variables = service::environment(service, self.cluster.spec(), &self.layout);
        service.launch(&programs.join(service.name), vec![], variables)?;
        Ok(())
    }

    fn check_programs(&self, beside: &Beside) -> Result<()> {
        let Some(programs) = &beside.services else {
            return Ok(());
        };
        for service in &self.services {
            let program = programs.join(service.name);
            if !program.is_file() {
                bail!("{} is not there: build it first", program.display());
            }
        }
        Ok(())
    }

    fn wanted(&self, beside: &Beside) -> Vec<&Service> {
        let services = self.services.iter().filter(|_| beside.services.is_some());
        // A Prometheus of somebody else on its port does not make this one missing for ever.
        let free = self.prometheus.require_free_port().is_ok();
        let prometheus = beside.prometheus.is_some() && free;
        let free = self.alertmanager.require_free_port().is_ok();
        let alertmanager = beside.alertmanager.is_some() && free;
        services
            .chain(prometheus.then_some(&self.prometheus))
            .chain(alertmanager.then_some(&self.alertmanager))
            .collect()
    }

    fn others(&self) -> impl Iterator<Item = &Service> {
        self.services
            .iter()
            .chain([&self.prometheus, &self.alertmanager])
    }
}

/// Whether it exists; a paused one goes on.
fn resumed(service: &Service) -> Result<bool> {
    let Some(process) = service.process() else {
        return Ok(false);
    };
    if process.life() == Life::Paused {
        process.signal(Signal::SIGCONT)?;
    }
    Ok(true)
}
