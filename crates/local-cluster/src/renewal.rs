//! New certificates and passwords for a secured cluster, while it runs.
//!
//! No node is restarted, but each broker for the brokers' own password. ZooKeepers look at their files themselves, and brokers show ZooKeeper the
//! certificate that is there when they connect. For its clients a broker loads its certificate
//! again when it is told something about it.

use std::time::Duration;

use cluster_keys::{BROKER_LOGINS, Keys};

use crate::ensemble::{Cluster, names};
use crate::error::{Error, Result};
use crate::node::NodeId;
use crate::process::Life;
use crate::security::{SUPER, wanted};
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
        if !self.running().is_empty() {
            // One whose renewal was interrupted has been told to its clients by now.
            self.write_passwords().await?;
        }
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
                "every certificate is new, but these brokers do not show theirs yet, and do after a restart: \
                 ./rolling-restart.sh --fresh {}",
                names(&late).replace(", ", " ")
            )));
        }
        let running = self.running().into_iter();
        for node in running.filter(|&node| self.life(node) == Life::Running) {
            self.wait_node(node, LONGEST).await?;
        }
        Ok(())
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
        self.replace_password(&keys, principal).await
    }

    /// Makes new bearer tokens, which the services read by themselves.
    ///
    /// # Errors
    /// [`Error::State`] for a cluster that is not secured; [`Error::Keys`].
    pub fn renew_tokens(&self) -> Result<Keys> {
        self.require_secured()?;
        // Nothing but these: a client may have a password that ZooKeeper does not have yet.
        let keys = Keys::open(&self.spec().keys_dir())?;
        keys.renew_tokens()?;
        Ok(keys)
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
            self.require_known_login(login.other())?;
            self.replace_password(&keys, login.other()).await?;
            keys.switch_broker_login()?;
        }
        let old = self.brokers_without(&keys.broker_jaas()?);
        if old.is_empty() {
            let replaced = keys.broker_login()?;
            self.replace_password(&keys, replaced.other()).await?;
            keys.settle_broker_login()?;
        }
        Ok(old)
    }

    /// Writes a new password into the keys, and into the cluster where it runs, and tells its clients.
    async fn replace_password(&self, keys: &Keys, principal: &str) -> Result<()> {
        keys.renew_password(principal)?;
        if self.running().is_empty() {
            return Ok(keys.publish()?);
        }
        self.write_passwords().await
    }

    /// Brokers that were started by an older version of this would refuse the others under this name.
    fn require_known_login(&self, name: &str) -> Result<()> {
        let old = self.brokers_without(&format!("User:{name}"));
        if old.is_empty() {
            return Ok(());
        }
        Err(Error::State(format!(
            "{} do not know the name {name} yet, and do after a restart: ./rolling-restart.sh, then this again",
            names(&old)
        )))
    }

    /// The brokers that run and were started with settings, written then, that lack these words.
    fn brokers_without(&self, words: &str) -> Vec<NodeId> {
        let has = |node| {
            let settings = std::fs::read_to_string(self.spec().settings_file(node));
            settings.is_ok_and(|settings| settings.contains(words))
        };
        let mut brokers = self.spec().broker_nodes();
        brokers.retain(|&node| self.life(node) != Life::Ended && !has(node));
        brokers
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

    /// The keys, with those that an older version of this did not make.
    fn require_keys(&self) -> Result<Keys> {
        self.require_secured()?;
        let spec = self.spec();
        Ok(Keys::ensure(&spec.keys_dir(), &wanted(spec))?)
    }

    fn require_secured(&self) -> Result<()> {
        if self.spec().secure {
            return Ok(());
        }
        let none = "this cluster is not secured: it has no keys to renew";
        Err(Error::State(none.to_owned()))
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
