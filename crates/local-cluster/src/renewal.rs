//! New certificates and passwords for a secured cluster, while it runs.
//!
//! No node is restarted. ZooKeepers look at their files themselves, and brokers show ZooKeeper the
//! certificate that is there when they connect. For its clients a broker loads its certificate
//! again when it is told something about it.

use std::time::Duration;

use cluster_keys::Keys;

use crate::ensemble::{Cluster, names};
use crate::error::{Error, Result};
use crate::node::NodeId;
use crate::process::Life;
use crate::security::{BROKER, SUPER};
use crate::tool;
use crate::zookeeper_writes::CONFIGS;

/// What a broker is told to load: the place where its certificate is anyway.
const CERTIFICATE: &str = "listener.name.external.ssl.keystore.location";
/// For the answers of the nodes with their new certificates.
const LONGEST: Duration = Duration::from_secs(60);

impl Cluster {
    /// Issues every certificate anew and makes the nodes that run show it.
    ///
    /// # Errors
    /// [`Error::State`] for a cluster that is not secured, or naming the brokers that go on showing their old
    /// one; [`Error::Keys`].
    pub async fn renew_certificates(&self) -> Result<()> {
        let keys = self.require_keys()?;
        keys.renew_certificates()?;
        let mut late = Vec::new();
        for node in self.spec().broker_nodes() {
            if self.life(node) == Life::Running
                && let Err(error) = self.reload_certificate(&keys, node).await
            {
                tracing::warn!("{node}: {error}");
                late.push(node);
            }
        }
        if !late.is_empty() {
            return Err(Error::State(format!(
                "every certificate is new, but these brokers do not show theirs yet: stop and start {}",
                names(&late)
            )));
        }
        if self.running().is_empty() {
            return Ok(());
        }
        self.wait_ready(LONGEST).await
    }

    /// Gives `principal` a new password: in the cluster, where it runs, or at its next start, and then in
    /// its files. Connections that are open stay; new ones take the new password.
    ///
    /// # Errors
    /// [`Error::State`] for a cluster that is not secured, for a name that has no password, and for
    /// the brokers' own while they run, since they would no longer reach each other.
    pub async fn renew_password(&self, principal: &str) -> Result<()> {
        let keys = self.require_keys()?;
        let runs = !self.running().is_empty();
        if principal == BROKER && runs {
            return Err(Error::State(format!(
                "brokers that run log in to each other as {BROKER}: stop the cluster (down), renew it, \
                 and start it (up)"
            )));
        }
        keys.renew_password(principal)?;
        if runs {
            self.write_passwords().await?;
        }
        Ok(keys.publish()?)
    }

    async fn reload_certificate(&self, keys: &Keys, node: NodeId) -> Result<()> {
        let file = keys.certificate(&node.to_string()).display().to_string();
        let number = node.number.to_string();
        let told = format!("{CERTIFICATE}={file}");
        self.configure(keys, &number, ["--add-config", &told])
            .await?;
        // Kept, it would outlive a change of the place.
        self.configure(keys, &number, ["--delete-config", CERTIFICATE])
            .await
    }

    fn require_keys(&self) -> Result<Keys> {
        self.keys().ok_or_else(|| {
            Error::State("this cluster is not secured: it has no keys to renew".to_owned())
        })
    }

    async fn configure(&self, keys: &Keys, broker: &str, change: [&str; 2]) -> Result<()> {
        let settings = keys.java_client(SUPER).display().to_string();
        let bootstrap = self.bootstrap();
        let arguments = [
            "--bootstrap-server",
            &bootstrap,
            "--command-config",
            &settings,
            "--alter",
            "--entity-type",
            "brokers",
            "--entity-name",
            broker,
            change[0],
            change[1],
        ];
        tool::run(self.java().await?, CONFIGS, &arguments)
            .await
            .map(|_| ())
    }
}
