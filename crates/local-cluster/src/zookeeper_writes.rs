//! What is written into a secured cluster's ZooKeeper before there is a broker to be asked: whose its own
//! nodes are, and the principals' passwords. By Kafka's own tools, which show a broker's certificate.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use cluster_keys::{Keys, PRINCIPALS};

use crate::ensemble::Cluster;
use crate::error::{Error, Result, io_error};
use crate::java::Java;
use crate::security::{ZOOKEEPER_CLIENT, places};
use crate::tool;

/// The tool that writes passwords.
pub(crate) const CONFIGS: &str = "kafka.admin.ConfigCommand";
/// `zookeeper-shell` of Kafka's own distribution.
const SHELL: &str = "org.apache.zookeeper.ZooKeeperMainWithTlsSupportForKafka";
/// Which passwords ZooKeeper has, by their digests; lies with the data and is wiped with them.
const PASSWORDS_WRITTEN: &str = "passwords-written";
/// Which `kafka/zookeeper-acls.txt` ZooKeeper was told; lies there as well.
const ACLS_WRITTEN: &str = "zookeeper-acls-written";

impl Cluster {
    /// Makes ZooKeeper's own nodes the brokers': left alone, anybody with a certificate may write to its
    /// root. 1 s, at the first start only.
    pub(crate) async fn take_zookeepers_nodes(&self) -> Result<()> {
        let Some(keys) = self.keys() else {
            return Ok(());
        };
        let java = self.java().await?;
        let file = java.layout().zookeeper_acls_file();
        let said = std::fs::read_to_string(&file)
            .map_err(io_error(format!("commands {}", file.display())))?;
        let written = self.spec().data_dir(ACLS_WRITTEN);
        if std::fs::read_to_string(&written).is_ok_and(|before| before == said) {
            return Ok(());
        }
        let connection = self.write_zookeeper_client(&keys, java)?;
        let commands: String = said
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| format!("{line}\n"))
            .collect();
        let input = self.spec().dir.join("conf").join("zookeeper-acls.txt");
        let open = std::fs::write(&input, &commands)
            .and_then(|()| File::open(&input))
            .map_err(io_error(format!("commands {}", input.display())))?;
        let servers = self.spec().zookeeper_connect();
        let connection = connection.display().to_string();
        let arguments = ["-zk-tls-config-file", &connection, "-server", &servers];
        let answer = tool::run_on(java, SHELL, &arguments, open.into()).await?;
        let asked = commands.lines().filter(|line| line.starts_with("getAcl "));
        let brokers = answer.lines().filter(|line| line.starts_with("'x509,"));
        if brokers.count() != asked.count() {
            return Err(Error::State(format!(
                "ZooKeeper did not make its own nodes the brokers': {}",
                answer.trim()
            )));
        }
        std::fs::write(&written, &said).map_err(io_error(format!("mark {}", written.display())))?;
        Ok(())
    }

    /// Writes the passwords that ZooKeeper does not have yet: without its own a broker cannot talk
    /// to the others. 1 s for each, two at a time; so that of the brokers' two names the one that nobody uses is left
    /// out until it is `renewed` for the first time.
    pub(crate) async fn write_passwords(&self, renewed: Option<&str>) -> Result<()> {
        let Some(keys) = self.keys() else {
            return Ok(());
        };
        let file = self.spec().data_dir(PASSWORDS_WRITTEN);
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        let login = keys.broker_login()?;
        let is_unused = |principal: &str| {
            let known = format!("{principal} ");
            !login.changing
                && principal == login.other()
                && renewed != Some(principal)
                && !written.lines().any(|line| line.starts_with(&known))
        };
        let mut lines = BTreeMap::new();
        for principal in PRINCIPALS {
            if is_unused(principal) {
                continue;
            }
            let digest = keys.password_digest(principal)?;
            lines.insert(principal, format!("{principal} {digest}"));
        }
        let missing: Vec<_> = lines
            .iter()
            .filter(|(_, wanted)| !written.lines().any(|line| line == wanted.as_str()))
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
        let text: Vec<_> = lines.values().map(|line| format!("{line}\n")).collect();
        Ok(cluster_keys::write_secret(&file, text.concat().as_bytes())?)
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
        let password = keys.password(principal)?;
        let line = format!("SCRAM-SHA-512=iterations=4096,password={password}\n");
        cluster_keys::write_secret(&file, line.as_bytes())?;
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
