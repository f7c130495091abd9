//! What one container is to see of the keys: a directory of its own with copies, so that mounting it
//! shows nothing of anybody else.

use std::path::Path;

use nix::unistd::{Gid, Uid};

use crate::error::{Error, Result};
use crate::store::Keys;
use crate::{clients, files, scram};

/// Where a container sees its bundle.
pub const SEEN_AT: &str = "/run/keys";
/// Whom the programs in most containers run as.
pub const USER: u32 = 1000;
/// Whom Grafana's own image runs it as. Source: Grafana documentation, "Run Grafana Docker image".
pub const GRAFANA: u32 = 472;

/// What is in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// `ca.pem`.
    Authority,
    /// The key and certificate of this name, as `certificate.pem`.
    Certificate(&'static str),
    /// Settings of librdkafka for this principal, in a file of this name.
    Client(&'static str, &'static str),
    /// Settings of Java for this principal, in a file of this name.
    JavaClient(&'static str, &'static str),
    /// The brokers' login for each of these listeners, as lines of their settings.
    BrokerLogin(&'static [&'static str]),
    /// [`Keys::password_config`] of every principal: `PRINCIPAL.password.properties`; and
    /// [`scram::zookeeper_commands`] for all of them: `first-passwords.txt`.
    Passwords,
    /// The digests of the tokens.
    Tokens,
    /// A secret of its own that is made once, in a file of this name.
    Own(&'static str),
    /// Kafka UI's settings: its connection and who may log in to itself.
    KafkaUi(&'static str),
}

/// Writes the bundle `name` below `dir` for `user`, replacing what is there file by file.
pub fn write(keys: &Keys, dir: &Path, name: &str, user: u32, parts: &[Part]) -> Result<()> {
    let bundle = dir.join(name);
    files::make_dir(&bundle)?;
    let authority = Path::new(SEEN_AT).join("ca.pem");
    for part in parts {
        for (file, text) in part.texts(keys, &bundle, &authority)? {
            files::write_for(&bundle.join(file), &text, Some(user))?;
        }
    }
    give(&bundle, user)
}

impl Part {
    fn texts(
        &self,
        keys: &Keys,
        bundle: &Path,
        authority: &Path,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        let one = |name: &str, text: String| vec![(name.to_owned(), text.into_bytes())];
        Ok(match self {
            Self::Authority => vec![("ca.pem".to_owned(), files::read(&keys.authority())?)],
            Self::Certificate(name) => {
                let text = files::read(&keys.certificate(name))?;
                vec![("certificate.pem".to_owned(), text)]
            }
            Self::Client(principal, file) => {
                let password = keys.password(principal)?;
                one(file, clients::librdkafka(principal, &password, authority))
            }
            Self::JavaClient(principal, file) => {
                let password = keys.password(principal)?;
                one(file, clients::java(principal, &password, authority))
            }
            Self::BrokerLogin(listeners) => {
                let login = keys.broker_jaas()?;
                let lines = listeners.iter().map(|listener| {
                    format!("listener.name.{listener}.scram-sha-512.sasl.jaas.config={login}\n")
                });
                one("login.properties", lines.collect())
            }
            Self::Passwords => {
                let mut files = one(
                    "first-passwords.txt",
                    scram::zookeeper_commands(&keys.stored_passwords()?),
                );
                for principal in keys.principals()? {
                    let text = keys.password_config(&principal)?;
                    files.extend(one(&format!("{principal}.password.properties"), text));
                }
                files
            }
            Self::Tokens => vec![("tokens.txt".to_owned(), files::read(&keys.tokens())?)],
            Self::Own(file) => one(file, own_secret(bundle, file)?),
            Self::KafkaUi(principal) => {
                let password = keys.password(principal)?;
                let own = own_secret(bundle, "password")?;
                let mut files = one("password", own.clone());
                let text = kafka_ui(principal, &password, &own, authority);
                files.extend(one("application.yml", text));
                files
            }
        })
    }
}

fn own_secret(bundle: &Path, file: &str) -> Result<String> {
    match std::fs::read_to_string(bundle.join(file)) {
        Ok(text) if !text.trim().is_empty() => Ok(text),
        _ => crate::secret::new(),
    }
}

/// Source: Kafka UI documentation, "Configuration file" and "Basic authentication".
fn kafka_ui(principal: &str, password: &str, own: &str, authority: &Path) -> String {
    let login = clients::scram_login(principal, password).replace('"', "\\\"");
    format!(
        "auth:\n  type: LOGIN_FORM\nspring:\n  security:\n    user:\n      name: admin\n      password: \"{own}\"\n\
         kafka:\n  clusters:\n    - name: kafka-log-streaming-cluster\n      \
         bootstrapServers: kafka-1:9092,kafka-2:9092,kafka-3:9092\n      readOnly: true\n      \
         metrics:\n        type: PROMETHEUS\n        port: 7071\n      properties:\n        \
         security.protocol: SASL_SSL\n        sasl.mechanism: SCRAM-SHA-512\n        \
         sasl.jaas.config: \"{login}\"\n        ssl.truststore.type: PEM\n        \
         ssl.truststore.location: {}\n",
        authority.display()
    )
}

/// Gives a file or directory to `user`, where this process may.
pub fn give(path: &Path, user: u32) -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let given = nix::unistd::chown(path, Some(Uid::from_raw(user)), Some(Gid::from_raw(user)));
    given.map_err(|error| Error::Io {
        path: path.to_owned(),
        source: error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafka_uis_settings_are_yaml_in_which_it_logs_in_as_its_principal() {
        let text = kafka_ui(
            "kafka-ui",
            "a password",
            "0123",
            Path::new("/run/keys/ca.pem"),
        );
        let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read["spring"]["security"]["user"]["password"], "0123");
        let properties = &read["kafka"]["clusters"][0]["properties"];
        assert_eq!(properties["security.protocol"], "SASL_SSL");
        let login = clients::scram_login("kafka-ui", "a password");
        assert_eq!(properties["sasl.jaas.config"], login);
        assert_eq!(properties["ssl.truststore.location"], "/run/keys/ca.pem");
    }
}
