//! The keys of the Compose stack: what each container is to see.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use crate::authority::Names;
use crate::bundle::{self, GRAFANA, Part, USER};
use crate::error::{Error, Result};
use crate::files;
use crate::principals::{BROKER, HEALTH, PRINCIPALS, SUPER};
use crate::store::{Keys, Wanted};

const BROKERS: [&str; 4] = ["kafka-1", "kafka-2", "kafka-3", "kafka-4"];
const ZOOKEEPERS: [&str; 3] = ["zookeeper-1", "zookeeper-2", "zookeeper-3"];
/// It writes in a broker's place.
const PASSWORDS_CERTIFICATE: Part = Part::Certificate(BROKERS[0]);
const LISTENERS: [&str; 2] = ["internal", "external"];

/// Makes the keys in `dir` and a bundle for each container in `dir/containers`. Brokers answer under
/// their container's name, `localhost` and `external_host`; `network` is the Compose network, which is in
/// the names that addresses are resolved to. `seen_at` is where people find `dir`.
///
/// # Errors
/// As [`Keys::ensure`].
pub fn ensure(dir: &Path, seen_at: PathBuf, external_host: &str, network: &str) -> Result<Keys> {
    let keys = Keys::ensure(dir, &wanted(seen_at, external_host, network))?;
    keys.check_periods()?;
    write_bundles(&keys)?;
    Ok(keys)
}

/// Gives everything but what the containers see to `owner`: the person who started the stack.
///
/// # Errors
/// A file cannot be given.
pub fn give(keys: &Keys, owner: u32) -> Result<()> {
    let mut directories = vec![keys.dir().to_owned()];
    while let Some(dir) = directories.pop() {
        bundle::give(&dir, owner)?;
        let failed = |source| Error::Io {
            path: dir.clone(),
            source,
        };
        for entry in std::fs::read_dir(&dir).map_err(failed)?.flatten() {
            let path = entry.path();
            if path == keys.dir().join("containers") {
                bundle::give(&path, owner)?;
            } else if path.is_dir() {
                directories.push(path);
            } else {
                bundle::give(&path, owner)?;
            }
        }
    }
    Ok(())
}

/// Copies what the containers see again: after a renewal.
///
/// # Errors
/// A file cannot be read or written.
pub fn write_bundles(keys: &Keys) -> Result<()> {
    let dir = keys.dir().join("containers");
    files::make_dir(&dir)?;
    let write =
        |name: &str, user: u32, parts: &[Part]| bundle::write(keys, &dir, name, user, parts);
    for name in BROKERS {
        let parts = [
            Part::Authority,
            Part::Certificate(name),
            Part::BrokerLogin(&LISTENERS),
            // Kafka's own tools in the container.
            Part::JavaClient("operator", "client.java.properties"),
            // A broker may everything anyway.
            Part::JavaClient(SUPER, "super.java.properties"),
        ];
        write(name, USER, &parts)?;
    }
    for name in ZOOKEEPERS {
        write(name, USER, &[Part::Authority, Part::Certificate(name)])?;
    }
    let service = |name: &'static str| {
        vec![
            Part::Authority,
            Part::Client(name, "client.properties"),
            Part::Tokens,
        ]
    };
    write("kafka-admin-service", USER, &service("kafka-admin-service"))?;
    let mut health = service(HEALTH);
    health.push(Part::Certificate(HEALTH));
    write(HEALTH, USER, &health)?;
    let mut load_test = service("load-test-service");
    load_test.push(Part::Client("log-processor", "log-processor.properties"));
    write("load-test-service", USER, &load_test)?;
    write_passwords(keys)?;
    let rights = [Part::Authority, Part::Client(SUPER, "client.properties")];
    write("rights", USER, &rights)?;
    let kafka_ui = [Part::Authority, Part::KafkaUi("kafka-ui")];
    write("kafka-ui", USER, &kafka_ui)?;
    write("grafana", GRAFANA, &[Part::Own("password")])?;
    // The pages' own passwords once more, for people: a container's directory is its user's alone.
    let pages = keys.dir().join("pages");
    files::make_dir(&pages)?;
    for page in ["grafana", "kafka-ui"] {
        let password = files::read(&dir.join(page).join("password"))?;
        files::write(&pages.join(page), &password)?;
    }
    Ok(())
}

/// Copies the certificates that containers show, and nothing else: a password may be renewed that ZooKeeper does
/// not have yet.
///
/// # Errors
/// A file cannot be read or written.
pub fn write_certificates(keys: &Keys) -> Result<()> {
    let dir = keys.dir().join("containers");
    for name in BROKERS.into_iter().chain(ZOOKEEPERS).chain([HEALTH]) {
        bundle::write(keys, &dir, name, USER, &[Part::Certificate(name)])?;
    }
    bundle::write(keys, &dir, "passwords", USER, &[PASSWORDS_CERTIFICATE])
}

/// Copies the digests of the tokens for the services, and nothing else, for the same reason.
///
/// # Errors
/// A file cannot be read or written.
pub fn write_tokens(keys: &Keys) -> Result<()> {
    let dir = keys.dir().join("containers");
    let mut services = ["kafka-admin-service", HEALTH, "load-test-service"].into_iter();
    services.try_for_each(|name| bundle::write(keys, &dir, name, USER, &[Part::Tokens]))
}

/// Copies the passwords for the container that writes them into ZooKeeper, and for no other: the others
/// follow by [`write_bundles`], once ZooKeeper has them.
///
/// # Errors
/// A file cannot be read or written.
pub fn write_passwords(keys: &Keys) -> Result<()> {
    let parts = [Part::Authority, PASSWORDS_CERTIFICATE, Part::Passwords];
    bundle::write(
        keys,
        &keys.dir().join("containers"),
        "passwords",
        USER,
        &parts,
    )
}

fn wanted(seen_at: PathBuf, external_host: &str, network: &str) -> Wanted {
    let of_node = |name: &str, common: &str| {
        let mut dns = vec![
            name.to_owned(),
            format!("{name}.{network}"),
            "localhost".to_owned(),
        ];
        let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        match external_host.parse() {
            Ok(address) => addresses.push(address),
            Err(_) => dns.push(external_host.to_owned()),
        }
        dns.dedup();
        addresses.dedup();
        let common = common.to_owned();
        let names = Names {
            common,
            dns,
            addresses,
        };
        (name.to_owned(), names)
    };
    let brokers = BROKERS.iter().map(|name| of_node(name, BROKER));
    let zookeepers = ZOOKEEPERS.iter().map(|name| of_node(name, "zookeeper"));
    Wanted {
        certificates: brokers
            .chain(zookeepers)
            .chain([of_node(HEALTH, HEALTH)])
            .collect(),
        principals: PRINCIPALS.map(str::to_owned).into(),
        seen_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_sees_its_own_keys_and_nobody_elses() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        let keys = ensure(&dir, dir.clone(), "192.0.2.7", "net").unwrap();
        let text = |path: &str| std::fs::read_to_string(dir.join("containers").join(path)).unwrap();
        assert!(text("kafka-2/login.properties").contains(&keys.password("kafka-broker").unwrap()));
        let client = text("kafka-health-service/client.properties");
        assert!(
            client.contains("ssl.ca.location=/run/keys/ca.pem"),
            "{client}"
        );
        let files: Vec<_> = std::fs::read_dir(dir.join("containers/zookeeper-1"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(files.len(), 2, "{files:?}");
        let ui = text("kafka-ui/application.yml");
        assert!(ui.contains("username=\\\"kafka-ui\\\""), "{ui}");
    }

    /// The services refuse a file of theirs that others can get at.
    #[test]
    fn every_file_that_a_container_sees_is_its_users_alone() {
        use std::os::unix::fs::MetadataExt;
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        ensure(&dir, dir.clone(), "localhost", "net").unwrap();
        let mut files = 0;
        for bundle in std::fs::read_dir(dir.join("containers")).unwrap() {
            let bundle = bundle.unwrap();
            let mode = |entry: &std::fs::DirEntry| entry.metadata().unwrap().mode() & 0o777;
            assert_eq!(mode(&bundle), 0o700, "{:?}", bundle.path());
            for file in std::fs::read_dir(bundle.path()).unwrap() {
                let file = file.unwrap();
                assert_eq!(mode(&file), 0o600, "{:?}", file.path());
                files += 1;
            }
        }
        assert!(files > 20, "{files}");
    }

    /// ZooKeeper can mix up the old and the new when it is told of two files at once: `files::write`.
    #[test]
    fn renewed_certificates_are_the_only_file_that_changes_for_a_zookeeper() {
        use std::os::unix::fs::MetadataExt;
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        let keys = ensure(&dir, dir.clone(), "localhost", "net").unwrap();
        let open =
            |name| std::fs::File::open(dir.join("containers/zookeeper-1").join(name)).unwrap();
        let inode = |file: &std::fs::File| file.metadata().unwrap().ino();
        let before = ["ca.pem", "certificate.pem"].map(open);
        keys.renew_certificates().unwrap();
        write_certificates(&keys).unwrap();
        let after = ["ca.pem", "certificate.pem"].map(open);
        assert_eq!(inode(&before[0]), inode(&after[0]));
        assert_ne!(inode(&before[1]), inode(&after[1]));
    }

    /// Until ZooKeeper has it, its client would be refused.
    #[test]
    fn a_new_password_is_not_told_by_the_renewal_of_something_else() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        let keys = ensure(&dir, dir.clone(), "localhost", "net").unwrap();
        let service = dir.join("containers/load-test-service");
        let read = |name| std::fs::read_to_string(service.join(name)).unwrap();
        let (client, tokens) = (read("client.properties"), read("tokens.txt"));
        keys.renew_password("load-test-service").unwrap();
        keys.renew_tokens().unwrap();
        keys.renew_certificates().unwrap();
        write_tokens(&keys).unwrap();
        write_certificates(&keys).unwrap();
        assert_ne!(read("tokens.txt"), tokens);
        assert_eq!(read("client.properties"), client);
        write_bundles(&keys).unwrap();
        assert_ne!(read("client.properties"), client);
    }

    #[test]
    fn a_second_run_keeps_the_passwords_of_pages() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        let password = dir.join("containers/grafana/password");
        ensure(&dir, dir.clone(), "localhost", "net").unwrap();
        let first = std::fs::read(&password).unwrap();
        ensure(&dir, dir.clone(), "localhost", "net").unwrap();
        assert_eq!(std::fs::read(&password).unwrap(), first);
    }
}
