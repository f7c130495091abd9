//! A secured cluster: which keys it has, and which settings of its nodes come of them.
//!
//! Brokers speak TLS and SCRAM-SHA-512 with everybody, each other included, and allow nothing that
//! no ACL allows. ZooKeeper speaks TLS only, and only with who shows a certificate. All brokers
//! show it the same name: what one of them writes there the others have to change.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

pub use cluster_keys::{BROKER, SUPER};
use cluster_keys::{HEALTH, Keys, Names, PRINCIPALS, Wanted};

use crate::ensemble::Cluster;
use crate::error::{Result, io_error};
use crate::java::Java;
use crate::spec::ClusterSpec;
use crate::tool;

/// The tool that writes passwords before there is a broker to be asked.
pub(crate) const CONFIGS: &str = "kafka.admin.ConfigCommand";
/// Which passwords ZooKeeper has, by their digests; lies with the data and is wiped with them.
const WRITTEN: &str = "passwords-written";

/// The keys that a cluster needs.
#[must_use]
pub fn wanted(spec: &ClusterSpec) -> Wanted {
    let of_node = |name: String, common: String| {
        let names = Names {
            common,
            dns: vec![name.clone(), "localhost".to_owned()],
            addresses: vec![IpAddr::V4(spec.address)],
        };
        (name, names)
    };
    let nodes = spec.nodes().into_iter().map(|node| {
        let common = if node.is_broker() {
            BROKER
        } else {
            "zookeeper"
        };
        of_node(node.to_string(), common.to_owned())
    });
    let health = of_node(HEALTH.to_owned(), HEALTH.to_owned());
    Wanted {
        certificates: nodes.chain([health]).collect(),
        principals: PRINCIPALS.map(str::to_owned).into(),
        seen_at: spec.keys_dir(),
    }
}

/// What a broker's settings have beside `kafka/broker-secure.properties`. One line holds a password.
///
/// # Errors
/// When its password cannot be read.
pub fn broker(keys: &Keys, name: &str) -> Result<BTreeMap<String, String>> {
    let mut own = places(keys, name, &ZOOKEEPER_CLIENT);
    own.extend(places(
        keys,
        name,
        &["ssl.keystore.location", "ssl.truststore.location"],
    ));
    let login = "listener.name.external.scram-sha-512.sasl.jaas.config";
    own.insert(login.to_owned(), keys.scram_login(BROKER)?);
    Ok(own)
}

/// What a ZooKeeper's settings have beside `kafka/zookeeper-secure.properties` and its port.
#[must_use]
pub fn zookeeper(keys: &Keys, name: &str) -> BTreeMap<String, String> {
    let mut own = places(
        keys,
        name,
        &["ssl.keyStore.location", "ssl.trustStore.location"],
    );
    own.extend(places(
        keys,
        name,
        &[
            "ssl.quorum.keyStore.location",
            "ssl.quorum.trustStore.location",
        ],
    ));
    own
}

/// Where a broker, or a tool in its place, has its keys for ZooKeeper.
const ZOOKEEPER_CLIENT: [&str; 2] = [
    "zookeeper.ssl.keystore.location",
    "zookeeper.ssl.truststore.location",
];

/// A certificate's place and the authority's, by these names.
fn places(keys: &Keys, name: &str, names: &[&str; 2]) -> BTreeMap<String, String> {
    let [own, authority] = *names;
    BTreeMap::from([
        (own.to_owned(), keys.certificate(name).display().to_string()),
        (authority.to_owned(), keys.authority().display().to_string()),
    ])
}

impl Cluster {
    /// The keys of a secured cluster.
    #[must_use]
    pub fn keys(&self) -> Option<Keys> {
        self.spec().keys()
    }

    /// Makes the keys that are missing, and refuses those that cannot be used.
    pub(crate) fn prepare_keys(&self) -> Result<()> {
        let spec = self.spec();
        if spec.secure {
            Keys::ensure(&spec.keys_dir(), &wanted(spec))?.check_periods()?;
        }
        Ok(())
    }

    /// Writes the passwords that ZooKeeper does not have yet: without its own a broker cannot talk
    /// to the others. 1 s for each, two at a time.
    pub(crate) async fn write_passwords(&self) -> Result<()> {
        let Some(keys) = self.keys() else {
            return Ok(());
        };
        let file = self.spec().data_dir(WRITTEN);
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        let mut lines = BTreeMap::new();
        for principal in PRINCIPALS {
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
        let connection = self
            .spec()
            .dir
            .join("conf")
            .join("zookeeper-client.properties");
        self.write_zookeeper_client(&keys, java, &connection)?;
        for pair in missing.chunks(2) {
            let both = pair
                .iter()
                .map(|principal| self.write_password(java, &keys, &connection, principal));
            futures_util::future::try_join_all(both).await?;
        }
        let text: Vec<_> = lines.values().map(|line| format!("{line}\n")).collect();
        cluster_keys::write_secret(&file, text.concat().as_bytes())?;
        Ok(())
    }

    /// How a tool talks to ZooKeeper in a broker's place: the lines of a broker's settings about it.
    fn write_zookeeper_client(&self, keys: &Keys, java: &Java, file: &Path) -> Result<()> {
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
        Ok(cluster_keys::write_secret(file, lines.concat().as_bytes())?)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ClusterSpec {
        let mut spec = ClusterSpec::new(Path::new("/x"), Path::new("/y"));
        spec.secure = true;
        spec
    }

    #[test]
    fn every_node_has_a_certificate_and_all_brokers_have_one_name() {
        let wanted = wanted(&spec());
        let names: Vec<_> = wanted.certificates.keys().map(String::as_str).collect();
        let expected = [
            "kafka-1",
            "kafka-2",
            "kafka-3",
            "kafka-health-service",
            "zookeeper-1",
            "zookeeper-2",
            "zookeeper-3",
        ];
        assert_eq!(names, expected);
        assert_eq!(wanted.certificates["kafka-1"].common, BROKER);
        assert_eq!(wanted.certificates["kafka-3"].common, BROKER);
        assert_eq!(
            wanted.certificates["kafka-1"].addresses,
            [IpAddr::from([127, 0, 0, 1])]
        );
    }

    #[test]
    fn zookeepers_show_certificates_to_clients_and_to_each_other() {
        let own = zookeeper(&Keys::at(Path::new("/k")), "zookeeper-2");
        for scope in ["ssl", "ssl.quorum"] {
            let certificate = &own[&format!("{scope}.keyStore.location")];
            assert_eq!(certificate, "/k/certificates/zookeeper-2.pem");
            assert_eq!(own[&format!("{scope}.trustStore.location")], "/k/ca.pem");
        }
    }

    #[test]
    fn a_broker_has_its_own_keys_and_the_brokers_login() {
        let dir = tempfile::tempdir().unwrap();
        let spec = ClusterSpec {
            dir: dir.path().to_owned(),
            ..spec()
        };
        let keys = Keys::ensure(&spec.keys_dir(), &wanted(&spec)).unwrap();
        let own = broker(&keys, "kafka-2").unwrap();
        for name in ["ssl.keystore.location", "zookeeper.ssl.keystore.location"] {
            assert!(own[name].ends_with("/certificates/kafka-2.pem"), "{own:?}");
        }
        assert!(
            own.values()
                .any(|value| value.contains("username=\"kafka-broker\""))
        );
    }
}
