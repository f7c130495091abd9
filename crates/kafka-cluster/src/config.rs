//! How to reach a cluster: bootstrap servers and any librdkafka property, laid over the settings
//! that everything we run uses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rdkafka::ClientConfig;

use crate::credentials::Credentials;

/// Where a cluster is and how to talk to it. Cheap to clone.
///
/// `properties` takes anything librdkafka takes (`security.protocol`, `sasl.mechanism`,
/// `ssl.ca.location`, ...), so that TLS, SASL and KRaft clusters work; they win over our defaults.
#[derive(Debug, Clone)]
pub struct Connection {
    /// `host:port,host:port`.
    pub bootstrap_servers: String,
    /// librdkafka properties by name.
    /// Source: librdkafka `CONFIGURATION.md`.
    pub properties: BTreeMap<String, String>,
    /// A file that may get other credentials while clients live.
    credentials_file: Option<PathBuf>,
}

/// A property text that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected name=value, found {text:?}")]
pub struct PropertyError {
    /// 1-based line of the text.
    pub line: usize,
    /// What stood there, up to the first `=` or 40 characters, so that no secret is repeated.
    pub text: String,
}

impl Connection {
    /// A plain connection without further properties.
    #[must_use]
    pub fn new(bootstrap_servers: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into(),
            properties: BTreeMap::new(),
            credentials_file: None,
        }
    }

    /// Takes name and password of SASL from this properties file whenever a client is made, and for a
    /// [`CredentialsWatch`](crate::CredentialsWatch) later: they win over `properties`.
    #[must_use]
    pub fn renewed_from(self, file: &Path) -> Self {
        Self {
            credentials_file: Some(file.to_owned()),
            ..self
        }
    }

    /// Name and password as the file has them now; `None` without such a file.
    pub(crate) fn credentials(&self) -> Option<Credentials> {
        self.credentials_file.as_deref().and_then(Credentials::read)
    }

    /// All properties as they are now, name and password from the file.
    pub(crate) fn properties(&self) -> BTreeMap<String, String> {
        let mut properties = self.properties.clone();
        if let Some(Credentials { username, password }) = self.credentials() {
            properties.insert("sasl.username".to_owned(), username);
            properties.insert("sasl.password".to_owned(), password);
        }
        properties
    }

    /// Whether credentials may change while a client lives.
    pub(crate) fn may_be_renewed(&self) -> bool {
        self.credentials_file.is_some()
    }

    /// Reads `name=value` lines (`#` comments and blank lines are passed over) into `properties`.
    ///
    /// # Errors
    /// The first line that is not `name=value`.
    pub fn with_property_lines(mut self, text: &str) -> Result<Self, PropertyError> {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                return Err(PropertyError {
                    line: index + 1,
                    text: line.chars().take(40).collect(),
                });
            };
            self.properties
                .insert(name.trim().to_owned(), value.trim().to_owned());
        }
        Ok(self)
    }

    /// Settings for the long-lived client behind administration and probes.
    #[must_use]
    pub fn admin_config(&self) -> ClientConfig {
        let mut config = self.common_config("admin");
        config
            // A client that only administers reconnects fast: its callers wait for seconds.
            .set("reconnect.backoff.max.ms", "1000")
            // Never joined and never committed to: see `native::Client` on why it has one.
            .set("group.id", "kafka-cluster-client")
            .set("enable.auto.commit", "false");
        self.lay_over(config)
    }

    /// Settings for a producer; `name` shows in the brokers' request logs and quotas.
    #[must_use]
    pub fn producer_config(&self, name: &str) -> ClientConfig {
        let mut config = self.common_config(name);
        config.set("request.timeout.ms", "8000");
        self.lay_over(config)
    }

    /// Settings for a consumer that never commits by itself.
    #[must_use]
    pub fn consumer_config(&self, name: &str, group: &str) -> ClientConfig {
        let mut config = self.common_config(name);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false");
        self.lay_over(config)
    }

    /// What every client shares.
    ///
    /// With the default `socket.timeout.ms` of 60 s a paused leader meant 61 s without an
    /// acknowledgement, measured; with 10 s, 9.1 s.
    fn common_config(&self, name: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", name)
            .set("socket.timeout.ms", "10000")
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("reconnect.backoff.ms", "50")
            .set("allow.auto.create.topics", "false");
        config
    }

    fn lay_over(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in self.properties() {
            config.set(name, value);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn property_lines_win_over_our_defaults() {
        let connection = Connection::new("a:1")
            .with_property_lines("# tuned\n\nsocket.timeout.ms = 3000\nssl.ca.location=/ca.pem\n")
            .unwrap();
        let config = connection.admin_config();
        assert_eq!(config.get("socket.timeout.ms"), Some("3000"));
        assert_eq!(config.get("ssl.ca.location"), Some("/ca.pem"));
    }

    #[test]
    fn a_line_without_an_equals_sign_is_named_by_its_number() {
        let error = Connection::new("a:1")
            .with_property_lines("a=b\nnonsense")
            .unwrap_err();
        assert_eq!(error.line, 2);
        assert_eq!(
            error.to_string(),
            "line 2: expected name=value, found \"nonsense\""
        );
    }
}
