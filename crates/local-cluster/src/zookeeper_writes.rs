//! What is written into a secured cluster's ZooKeeper before there is a broker to be asked: whose its own
//! nodes are, and the principals' passwords. By Kafka's own tools, which show a broker's certificate.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use cluster_keys::{Keys, PRINCIPALS};

use crate::ensemble::Cluster;
use crate::error::{Error, Result, io_error};
use crate::java::Java;
use crate::security::{ZOOKEEPER_CLIENT, is_marked, places};
use crate::tool;

/// The tool that writes passwords.
pub(crate) const CONFIGS: &str = "kafka.admin.ConfigCommand";
/// `zookeeper-shell` of Kafka's own distribution.
const SHELL: &str = "org.apache.zookeeper.ZooKeeperMainWithTlsSupportForKafka";
/// Which passwords ZooKeeper has, by their digests; lies with the data and is wiped with them. Tells that they are
/// a secured cluster's.
pub(crate) const PASSWORDS_WRITTEN: &str = "passwords-written";
/// Which `kafka/zookeeper-acls.txt` ZooKeeper was told; lies there as well.
const ACLS_WRITTEN: &str = "zookeeper-acls-written";

impl Cluster {
    /// What a ZooKeeper has to be told before its first broker: that its own nodes are the brokers', since left
    /// alone anybody with a certificate may write to its root, and everybody's password. All by one Java
    /// machine, at the first start only, in 1 s.
    pub(crate) async fn begin_zookeeper(&self) -> Result<()> {
        let Some(keys) = self.keys() else {
            return Ok(());
        };
        let java = self.java().await?;
        let acls = java.layout().zookeeper_acls_file();
        let acls = std::fs::read_to_string(&acls)
            .map_err(io_error(format!("commands {}", acls.display())))?;
        let acls_written = self.spec().data_dir(ACLS_WRITTEN);
        let protects = !std::fs::read_to_string(&acls_written).is_ok_and(|before| before == acls);
        let passwords_written = self.spec().data_dir(PASSWORDS_WRITTEN);
        let knows_nobody = !is_marked(self.spec());
        let mut commands = String::new();
        if protects {
            commands += &acls;
        }
        let mut stored = BTreeMap::new();
        if knows_nobody {
            stored = keys.stored_passwords()?;
            commands += &cluster_keys::zookeeper_commands(&stored);
        }
        if commands.is_empty() {
            return Ok(());
        }
        let answer = self.tell_zookeeper(&keys, java, &commands).await?;
        if protects {
            let asked = acls.lines().filter(|line| line.starts_with("getAcl "));
            let brokers = answer.lines().filter(|line| line.starts_with("'x509,"));
            if brokers.count() != asked.count() {
                // The rest of the answer may hold what passwords are checked by.
                let rights: Vec<_> = answer.lines().filter(|line| line.contains('\'')).collect();
                return Err(Error::State(format!(
                    "ZooKeeper did not make its own nodes the brokers': {}",
                    rights.join("; ")
                )));
            }
            std::fs::write(&acls_written, &acls)
                .map_err(io_error(format!("mark {}", acls_written.display())))?;
        }
        if knows_nobody {
            // One that was there already may be an older one: it is written again.
            let is_there = |node: &str| answer.lines().any(|line| line == node);
            let lines = stored.iter().filter(|(_, node)| is_there(node));
            let lines: Result<Vec<_>> = lines
                .map(|(principal, _)| written_line(&keys, principal))
                .collect();
            cluster_keys::write_secret(&passwords_written, lines?.concat().as_bytes())?;
        }
        Ok(())
    }

    /// What Kafka's ZooKeeper shell answers to these commands, some of which hold what passwords are checked by.
    async fn tell_zookeeper(&self, keys: &Keys, java: &Java, commands: &str) -> Result<String> {
        let connection = self.write_zookeeper_client(keys, java)?;
        let file = connection.with_file_name("zookeeper-commands.txt");
        let lines = commands.lines().filter(|line| !line.starts_with('#'));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        cluster_keys::write_secret(&file, text.as_bytes())?;
        let input = File::open(&file).map_err(io_error(format!("commands {}", file.display())));
        let _ = std::fs::remove_file(&file);
        let servers = self.spec().zookeeper_connect();
        let connection = connection.display().to_string();
        let arguments = ["-zk-tls-config-file", &connection, "-server", &servers];
        tool::run_on(java, SHELL, &arguments, input?.into()).await
    }

    /// Writes the passwords that ZooKeeper does not have yet, renewed ones, and tells their clients: without its own
    /// a broker cannot talk to the others. 1 s for each, two at a time.
    pub(crate) async fn write_passwords(&self) -> Result<()> {
        let Some(keys) = self.keys() else {
            return Ok(());
        };
        let file = self.spec().data_dir(PASSWORDS_WRITTEN);
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        let mut lines = BTreeMap::new();
        for principal in PRINCIPALS {
            lines.insert(principal, written_line(&keys, principal)?);
        }
        let is_written = |wanted: &str| written.lines().any(|line| line == wanted.trim_end());
        let missing: Vec<_> = lines
            .iter()
            .filter(|(_, wanted)| !is_written(wanted))
            .map(|(principal, _)| *principal)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        tracing::info!("writing the passwords of {}", missing.join(", "));
        let java = self.java().await?;
        let connection = self.write_zookeeper_client(&keys, java)?;
        for pair in missing.chunks(2) {
            let both = pair
                .iter()
                .map(|principal| self.write_password(java, &keys, &connection, principal));
            futures_util::future::try_join_all(both).await?;
        }
        let text: Vec<_> = lines.into_values().collect();
        cluster_keys::write_secret(&file, text.concat().as_bytes())?;
        // Whoever renewed them may have been interrupted before.
        Ok(keys.publish()?)
    }

    /// How a tool talks to ZooKeeper in a broker's place: the lines of a broker's settings about it.
    fn write_zookeeper_client(&self, keys: &Keys, java: &Java) -> Result<PathBuf> {
        let file = self.spec().dir.join("conf/zookeeper-client.properties");
        let common = java.layout().broker_secure_properties();
        let text = std::fs::read_to_string(&common)
            .map_err(io_error(format!("settings {}", common.display())))?;
        let about = text.lines().filter(|line| {
            line.starts_with("zookeeper.ssl.") || line.starts_with("zookeeper.clientCnxnSocket")
        });
        let mut lines: Vec<_> = about.map(|line| format!("{line}\n")).collect();
        let first = self.spec().broker_nodes()[0].to_string();
        let places = places(keys, &first, &ZOOKEEPER_CLIENT).into_iter();
        lines.extend(places.map(|(name, value)| format!("{name}={value}\n")));
        cluster_keys::write_secret(&file, lines.concat().as_bytes())?;
        Ok(file)
    }

    async fn write_password(
        &self,
        java: &Java,
        keys: &Keys,
        connection: &Path,
        principal: &str,
    ) -> Result<()> {
        let file = connection.with_file_name(format!("{principal}.password.properties"));
        cluster_keys::write_secret(&file, keys.password_config(principal)?.as_bytes())?;
        let servers = self.spec().zookeeper_connect();
        let (connection, password) = (connection.display().to_string(), file.display().to_string());
        let arguments = [
            "--zookeeper",
            &servers,
            "--zk-tls-config-file",
            &connection,
            "--alter",
            "--entity-type",
            "users",
            "--entity-name",
            principal,
            "--add-config-file",
            &password,
        ];
        let answer = tool::run(java, CONFIGS, &arguments).await;
        let _ = std::fs::remove_file(&file);
        answer.map(|_| ())
    }
}

/// How [`PASSWORDS_WRITTEN`] tells that ZooKeeper has the present password of `principal`.
fn written_line(keys: &Keys, principal: &str) -> Result<String> {
    Ok(format!(
        "{principal} {}\n",
        keys.password_digest(principal)?
    ))
}
