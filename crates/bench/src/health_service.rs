//! The health service's program beside a cluster.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use local_cluster::Cluster;
use local_cluster::launch::Launch;
use local_cluster::process::ProcessId;
use nix::sys::signal::Signal;

use crate::child;

const NAME: &str = "kafka-health-service";
const PORT: u16 = 8082;

/// The running program; the cluster's watchdog ends it at the latest.
pub struct HealthService {
    /// `http://host:port`.
    pub base: String,
    process: ProcessId,
}

impl HealthService {
    /// Starts the release build.
    ///
    /// # Errors
    /// It is not built, or does not start.
    pub fn start(cluster: &Cluster) -> Result<Self> {
        let spec = cluster.spec();
        let address = SocketAddr::from((spec.address, PORT));
        let variables = [
            ("LISTEN", address.to_string()),
            ("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap()),
            ("EXPECTED_BROKERS", "1,2,3".to_owned()),
            ("ZOOKEEPER_ADDRESSES", spec.zookeeper_connect()),
        ];
        let launch = Launch {
            name: NAME.to_owned(),
            program: child::release_build(NAME)?,
            args: vec![],
            env: variables
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            log: spec.log_file(NAME),
            // The cluster's watchdog ends what has its pid there.
            pid_file: spec.pid_file(NAME),
        };
        Ok(Self {
            base: format!("http://{address}"),
            process: launch.spawn()?,
        })
    }

    /// Resident memory, in MB of a million bytes.
    ///
    /// # Errors
    /// It has ended.
    pub fn resident_mb(&self) -> Result<f64> {
        child::memory_mb(self.process.pid, "VmRSS").context("the health service has ended")
    }

    /// Asks it to end.
    ///
    /// # Errors
    /// It has ended.
    pub fn stop(&self) -> Result<()> {
        self.process.signal(Signal::SIGTERM)?;
        Ok(())
    }
}
