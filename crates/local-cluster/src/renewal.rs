//! New certificates and passwords for a secured cluster, while it runs.
//!
//! No node is restarted, but each broker for the brokers' own password. ZooKeepers look at their files themselves, and brokers show ZooKeeper the
//! certificate that is there when they connect. For its clients a broker loads its certificate
//! again when it is told something about it.

use std::time::Duration;

use cluster_keys::{BROKER_LOGINS, BrokerLogin, Keys};

use crate::ensemble::{Cluster, names};
use crate::error::{Error, Result};
use crate::node::NodeId;
use crate::process::Life;
use crate::security::SUPER;
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
    /// the brokers' own, which [`Cluster::renew_broker_password`] renews.
    pub async fn renew_password(&self, principal: &str) -> Result<()> {
        let keys = self.require_keys()?;
        if BROKER_LOGINS.contains(&principal) {
            return Err(Error::State(
                "the brokers' own password is renewed with a restart of each: ./setup.sh --renew kafka-broker"
                    .to_owned(),
            ));
        }
        self.replace_password(&keys, principal).await?;
        Ok(keys.publish()?)
    }

    /// Gives the brokers a new password as far as it goes now. The first call lets brokers that start from then
    /// on log in by the other one of their two names, and answers which run that still use the old one: restart
    /// them one after the other, and call again. Empty once all is done and the old password is worth nothing;
    /// at once where no broker runs. It may be interrupted, and called again, at any time.
    ///
    /// # Errors
    /// [`Error::State`] for a cluster that is not secured; [`Error::Keys`]; as Kafka's own tool.
    pub async fn renew_broker_password(&self) -> Result<Vec<NodeId>> {
        let keys = self.require_keys()?;
        let login = keys.broker_login()?;
        if !login.changing {
            self.replace_password(&keys, login.other()).await?;
            keys.switch_broker_login()?;
            keys.publish()?;
        }
        let login = keys.broker_login()?;
        let mut old = self.spec().broker_nodes();
        old.retain(|&node| self.life(node) != Life::Ended && !self.logs_in_by(node, &login));
        if old.is_empty() {
            self.replace_password(&keys, login.other()).await?;
            keys.settle_broker_login()?;
            keys.publish()?;
        }
        Ok(old)
    }

    /// Writes a new password into the keys, and into the cluster where it runs.
    async fn replace_password(&self, keys: &Keys, principal: &str) -> Result<()> {
        keys.renew_password(principal)?;
        if self.running().is_empty() {
            return Ok(());
        }
        self.write_passwords().await
    }

    /// Whether the broker was started with this login: its settings are written when it starts.
    fn logs_in_by(&self, node: NodeId, login: &BrokerLogin) -> bool {
        let settings = self.spec().settings_file(node);
        std::fs::read_to_string(settings).is_ok_and(|settings| login.is_in(&settings))
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
