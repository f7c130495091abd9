//! A secured cluster: which keys it has, and which settings of its nodes come of them.
//!
//! Brokers speak TLS and SCRAM-SHA-512 with everybody, each other included, and allow nothing that
//! no ACL allows. ZooKeeper speaks TLS only, and only with who shows a certificate. All brokers
//! show it the same name: what one of them writes there the others have to change.

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use cluster_keys::{BROKER, SUPER};
use cluster_keys::{HEALTH, Keys, Names, PRINCIPALS, Wanted};

use crate::ensemble::Cluster;
use crate::error::Result;
use crate::spec::ClusterSpec;
use crate::zookeeper_writes::PASSWORDS_WRITTEN;

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
    own.insert(login.to_owned(), keys.broker_jaas()?);
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

/// Whether the data of `spec` are a secured cluster's, whatever it says of itself.
#[must_use]
pub fn is_marked(spec: &ClusterSpec) -> bool {
    spec.data_dir(PASSWORDS_WRITTEN).exists()
}

/// Where a broker, or a tool in its place, has its keys for ZooKeeper.
pub(crate) const ZOOKEEPER_CLIENT: [&str; 2] = [
    "zookeeper.ssl.keystore.location",
    "zookeeper.ssl.truststore.location",
];

/// A certificate's place and the authority's, by these names.
pub(crate) fn places(keys: &Keys, name: &str, names: &[&str; 2]) -> BTreeMap<String, String> {
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

    /// Makes the keys that are missing, and refuses those that cannot be used. Other users of this machine
    /// cannot enter where records, what ZooKeeper knows of passwords, and logs will be.
    pub(crate) fn prepare_keys(&self) -> Result<()> {
        let spec = self.spec();
        if spec.secure {
            let keys = Keys::ensure(&spec.keys_dir(), &wanted(spec))?;
            keys.check_periods()?;
            if keys.broker_login()?.changing {
                tracing::warn!("{}", cluster_keys::BROKER_LOGIN_CHANGES);
            }
            for part in ["data", "logs"] {
                cluster_keys::close_dir(&spec.dir.join(part))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
