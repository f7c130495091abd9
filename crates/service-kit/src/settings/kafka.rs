//! How to reach Kafka: bootstrap servers and any librdkafka property, secrets by file.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use kafka_cluster::Connection;

use super::secret_file::{is_secret, require_private, require_private_key};

/// Where the cluster is and how to talk to it.
///
/// `Debug` shows no property, since any may be a secret.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "Kafka")]
pub struct KafkaSettings {
    /// Brokers to begin with: host:port,host:port
    #[arg(
        long,
        env = "KAFKA_BOOTSTRAP_SERVERS",
        default_value = "127.0.0.1:19092,127.0.0.1:19093,127.0.0.1:19094"
    )]
    pub bootstrap_servers: String,

    /// Any librdkafka property as name=value; repeat it, or separate by ';'. Secrets belong into
    /// the file, which no process list shows
    #[arg(
        long = "kafka-property",
        env = "KAFKA_PROPERTIES",
        hide_env_values = true,
        value_name = "NAME=VALUE",
        value_delimiter = ';'
    )]
    pub kafka_property: Vec<String>,

    /// File with a librdkafka property name=value on each line; --kafka-property wins over it. A new
    /// sasl.password in it is taken up without a restart
    #[arg(long, env = "KAFKA_PROPERTIES_FILE", value_name = "FILE")]
    pub kafka_properties_file: Option<PathBuf>,
}

impl KafkaSettings {
    /// The connection that these settings describe. Reads the properties file; asks no broker.
    ///
    /// # Errors
    /// A bootstrap server that cannot be one, a file that cannot be read, or that holds a secret and that
    /// others can get at (the properties file, or a key that they name), or a property that is not
    /// `name=value`, without the value in the message.
    pub fn connection(&self) -> anyhow::Result<Connection> {
        check_servers(&self.bootstrap_servers)?;
        let mut connection = Connection::new(self.bootstrap_servers.trim());
        if let Some(path) = &self.kafka_properties_file {
            connection = with_file(connection, path)?;
            let by_flag = self
                .kafka_property
                .iter()
                .any(|p| p.trim().starts_with("sasl."));
            if !by_flag && connection.properties.contains_key("sasl.password") {
                connection = connection.renewed_from(path);
            }
        }
        for (index, property) in self.kafka_property.iter().enumerate() {
            if property.trim().is_empty() {
                continue;
            }
            let (name, value) = split(property)
                .with_context(|| format!("Kafka property {} is not name=value", index + 1))?;
            connection
                .properties
                .insert(name.to_owned(), value.to_owned());
        }
        for name in ["ssl.key.location", "ssl.certificate.location"] {
            if let Some(file) = connection.properties.get(name) {
                require_private_key(Path::new(file))?;
            }
        }
        Ok(connection)
    }
}

impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSettings")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("kafka_properties_file", &self.kafka_properties_file)
            .finish_non_exhaustive()
    }
}

fn split(property: &str) -> Option<(&str, &str)> {
    let (name, value) = property.split_once('=')?;
    let name = name.trim();
    (!name.is_empty()).then_some((name, value.trim()))
}

/// The message gives the line's number only: librdkafka's properties are full of secrets.
fn with_file(connection: Connection, path: &Path) -> anyhow::Result<Connection> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read Kafka properties from {}", path.display()))?;
    match connection.with_property_lines(&text) {
        Ok(connection) => {
            if connection.properties.keys().any(|name| is_secret(name)) {
                require_private(path)?;
            }
            Ok(connection)
        }
        Err(error) => bail!(
            "{} line {}: expected name=value",
            path.display(),
            error.line
        ),
    }
}

/// Finds typing errors at once, where librdkafka would go on looking for such a host for ever.
fn check_servers(servers: &str) -> anyhow::Result<()> {
    for server in servers.split(',') {
        let server = server.trim();
        ensure!(
            !server.is_empty(),
            "bootstrap servers {servers:?}: one of them is empty"
        );
        let address = server
            .split_once("://")
            .map_or(server, |(_, address)| address);
        let port = match address.rsplit_once(':') {
            // A bare IPv6 address in brackets has colons but no port.
            Some((_, port)) if !port.ends_with(']') => port,
            _ => continue,
        };
        let usable = port.parse::<u16>().is_ok_and(|port| port > 0);
        ensure!(
            usable,
            "bootstrap server {server:?}: {port:?} is not a port"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        kafka: KafkaSettings,
    }

    fn parse(arguments: &[&str]) -> KafkaSettings {
        Command::parse_from([&["service"], arguments].concat()).kafka
    }

    #[test]
    fn properties_are_repeated_or_separated_and_may_hold_equals_signs() {
        let settings = parse(&[
            "--kafka-property",
            "security.protocol=ssl",
            "--kafka-property",
            "sasl.password=a=b;client.rack=r1;",
        ]);
        let properties = settings.connection().unwrap().properties;
        assert_eq!(properties["security.protocol"], "ssl");
        assert_eq!(properties["sasl.password"], "a=b");
        assert_eq!(properties["client.rack"], "r1");
        assert_eq!(properties.len(), 3);
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "# secrets\nsasl.password=p\nclient.rack=r1").unwrap();
        let path = file.path().to_str().unwrap();
        let settings = parse(&[
            "--kafka-properties-file",
            path,
            "--kafka-property",
            "client.rack=r2",
        ]);
        let properties = settings.connection().unwrap().properties;
        assert_eq!(properties["sasl.password"], "p");
        assert_eq!(properties["client.rack"], "r2");
    }

    #[test]
    fn no_message_and_no_debug_output_repeats_a_value() {
        let settings = parse(&["--kafka-property", "hunter2"]);
        let message = format!("{:#}", settings.connection().unwrap_err());
        assert_eq!(message, "Kafka property 1 is not name=value");
        assert!(!format!("{settings:?}").contains("hunter2"));

        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "a=b\nhunter2").unwrap();
        let settings = parse(&["--kafka-properties-file", file.path().to_str().unwrap()]);
        let message = format!("{:#}", settings.connection().unwrap_err());
        assert!(
            message.ends_with("line 2: expected name=value"),
            "{message}"
        );
        assert!(!message.contains("hunter2"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let settings = parse(&["--kafka-properties-file", "no/such/file"]);
        let message = format!("{:#}", settings.connection().unwrap_err());
        assert!(message.contains("no/such/file"), "{message}");
    }

    #[test]
    fn a_file_with_a_password_or_a_key_that_others_can_read_is_refused() {
        let refusal = |text: &str, key_mode: u32| {
            let folder = tempfile::tempdir().unwrap();
            let (file, key) = (
                folder.path().join("client.properties"),
                folder.path().join("key.pem"),
            );
            let text = text.replace("KEY", &key.display().to_string());
            std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\n").unwrap();
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&key, Permissions::from_mode(key_mode)).unwrap();
            std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
            let settings = parse(&["--kafka-properties-file", file.to_str().unwrap()]);
            settings.connection().err().map(|error| error.to_string())
        };
        let password = refusal("sasl.password=hunter2\n", 0o600).unwrap();
        assert!(
            password.contains("client.properties has mode 0644"),
            "{password}"
        );
        assert!(!password.contains("hunter2"), "{password}");
        let key = refusal("ssl.key.location=KEY\n", 0o640).unwrap();
        assert!(key.contains("key.pem has mode 0640"), "{key}");
        assert!(key.contains("chmod 600 "), "{key}");
        assert_eq!(
            refusal("ssl.key.location=KEY\nclient.rack=r1\n", 0o600),
            None
        );
    }

    #[test]
    fn a_mistyped_bootstrap_server_is_named() {
        for good in [
            "a:1",
            "a",
            "a:1,b:2",
            "a:1, b:2",
            "[::1]:9092",
            "[::1]",
            "SSL://a:9093",
        ] {
            assert!(check_servers(good).is_ok(), "{good}");
        }
        for bad in ["", "a:1,", "a:b", "a:0", "a:70000", "a:"] {
            assert!(check_servers(bad).is_err(), "{bad}");
        }
    }
}
