//! How a cluster's brokers are connected to, read from librdkafka's property names, so that a service
//! is told once and both ways of talking to brokers follow it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::sasl::{Login, Mechanism, authenticate};
use crate::{ConnectError, Stream, Tls};

/// Properties that would change whom we trust or who we are, and that are not read here. Ignoring
/// them would end in an error that misleads.
const NOT_READ: [&str; 5] = [
    "ssl.ca.pem",
    "ssl.certificate.pem",
    "ssl.key.pem",
    "ssl.key.password",
    "ssl.keystore.location",
];
/// Values that turn off what is always on here.
const ALWAYS_ON: [(&str, &str); 2] = [
    ("enable.ssl.certificate.verification", "false"),
    ("ssl.endpoint.identification.algorithm", "none"),
];

/// Whether brokers are spoken to by TLS, and who logs in. Plain text by default. Cheap to clone;
/// `Debug` shows no password.
#[derive(Debug, Clone, Default)]
pub struct BrokerSecurity {
    tls: Option<Tls>,
    login: Option<Login>,
}

/// Properties that this crate does not speak. Messages show no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecurityError {
    /// A protocol or mechanism of librdkafka's that is not spoken here.
    #[error("{property}={value} is not supported here")]
    UnsupportedValue {
        /// The property.
        property: &'static str,
        /// Its value, which is the name of something.
        value: String,
    },
    /// A property that is not read here; its value may be a secret.
    #[error("property {0} is not supported here")]
    UnsupportedProperty(&'static str),
    /// A property that the others need.
    #[error("property {0} is missing")]
    Missing(&'static str),
}

impl BrokerSecurity {
    /// Neither TLS nor a login.
    #[must_use]
    pub fn plaintext() -> Self {
        Self::default()
    }

    /// Reads `security.protocol` (`plaintext`, `ssl`, `sasl_plaintext`, `sasl_ssl`); with TLS
    /// `ssl.ca.location` (a file; the system's CAs without it), `ssl.certificate.location` and
    /// `ssl.key.location` (without it the key is in the certificate's file); with SASL
    /// `sasl.mechanisms` or `sasl.mechanism` (`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`),
    /// `sasl.username` and `sasl.password`. Opens no file.
    /// Source: librdkafka `CONFIGURATION.md`.
    ///
    /// # Errors
    /// The first property that is missing or not supported.
    pub fn from_properties(properties: &BTreeMap<String, String>) -> Result<Self, SecurityError> {
        const PROTOCOL: &str = "security.protocol";
        let protocol = value(properties, PROTOCOL).unwrap_or("plaintext");
        let (by_tls, with_login) = match protocol.to_ascii_lowercase().as_str() {
            "plaintext" => (false, false),
            "ssl" => (true, false),
            "sasl_plaintext" => (false, true),
            "sasl_ssl" => (true, true),
            _ => return Err(unsupported(PROTOCOL, protocol)),
        };
        Ok(Self {
            tls: by_tls.then(|| tls(properties)).transpose()?,
            login: with_login.then(|| login(properties)).transpose()?,
        })
    }

    /// The TLS below the login; `None` in plain text.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Connects to a broker (a name, or an IP address without brackets) and logs in, ready for any
    /// call. Has no deadline.
    ///
    /// # Errors
    /// Each of [`ConnectError`].
    pub async fn connect(&self, host: &str, port: u16) -> Result<Stream, ConnectError> {
        let mut stream = Stream::connect(host, port, self.tls.as_ref()).await?;
        if let Some(login) = &self.login {
            authenticate(&mut stream, login).await?;
        }
        Ok(stream)
    }
}

fn tls(properties: &BTreeMap<String, String>) -> Result<Tls, SecurityError> {
    let is_set = |name: &&str| value(properties, name).is_some();
    if let Some(name) = NOT_READ.into_iter().find(is_set) {
        return Err(SecurityError::UnsupportedProperty(name));
    }
    for (name, off) in ALWAYS_ON {
        if value(properties, name).is_some_and(|value| value.eq_ignore_ascii_case(off)) {
            return Err(unsupported(name, off));
        }
    }
    let tls = match value(properties, "ssl.ca.location") {
        Some(file) => Tls::with_authorities(file),
        None => Tls::with_system_authorities(),
    };
    let file = |name| value(properties, name).map(PathBuf::from);
    match (file("ssl.certificate.location"), file("ssl.key.location")) {
        (Some(certificate), key) => Ok(tls.with_certificate(certificate, key)),
        (None, None) => Ok(tls),
        (None, Some(_)) => Err(SecurityError::Missing("ssl.certificate.location")),
    }
}

/// librdkafka's own mechanism is GSSAPI where none is named.
fn login(properties: &BTreeMap<String, String>) -> Result<Login, SecurityError> {
    const MECHANISMS: &str = "sasl.mechanisms";
    let name = value(properties, MECHANISMS).or_else(|| value(properties, "sasl.mechanism"));
    let name = name.unwrap_or("GSSAPI");
    let mechanism = Mechanism::of_name(name).ok_or_else(|| unsupported(MECHANISMS, name))?;
    let required = |name| {
        let value = value(properties, name).map(str::to_owned);
        value.ok_or(SecurityError::Missing(name))
    };
    Ok(Login {
        mechanism,
        username: required("sasl.username")?,
        password: required("sasl.password")?,
    })
}

/// To librdkafka an empty value is none.
fn value<'a>(properties: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    let value = properties.get(name)?.as_str();
    (!value.is_empty()).then_some(value)
}

fn unsupported(property: &'static str, value: &str) -> SecurityError {
    SecurityError::UnsupportedValue {
        property,
        value: value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(&str, &str)]) -> Result<BrokerSecurity, SecurityError> {
        let owned = lines
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        BrokerSecurity::from_properties(&owned.collect())
    }

    fn message(lines: &[(&str, &str)]) -> String {
        read(lines).unwrap_err().to_string()
    }

    const SCRAM: [(&str, &str); 4] = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.username", "admin"),
        ("sasl.password", "hunter2"),
    ];

    #[test]
    fn without_a_protocol_it_is_plain_text() {
        let plain = read(&[("ssl.ca.location", "/ca.pem")]).unwrap();
        assert!(plain.tls.is_none() && plain.login.is_none());
    }

    #[test]
    fn a_secured_cluster_is_read_and_its_password_never_shown() {
        let security = read(&[&SCRAM[..], &[("ssl.ca.location", "/ca.pem")]].concat()).unwrap();
        assert_eq!(security.tls, Some(Tls::with_authorities("/ca.pem")));
        let login = security.login.as_ref().unwrap();
        assert_eq!(login.mechanism, Mechanism::ScramSha512);
        assert_eq!(login.password, "hunter2");
        assert!(!format!("{security:?}").contains("hunter2"));
    }

    #[test]
    fn a_certificate_may_hold_its_key() {
        let lines = [
            ("security.protocol", "ssl"),
            ("ssl.certificate.location", "/both.pem"),
        ];
        let both = PathBuf::from("/both.pem");
        let expected = Tls::with_system_authorities().with_certificate(both.clone(), Some(both));
        assert_eq!(read(&lines).unwrap().tls, Some(expected));
    }

    #[test]
    fn what_is_not_spoken_is_named() {
        let sasl = ("security.protocol", "sasl_plaintext");
        let ssl = ("security.protocol", "ssl");
        for (lines, named) in [
            (
                vec![("security.protocol", "kerberos")],
                "security.protocol=kerberos is not",
            ),
            (vec![sasl], "sasl.mechanisms=GSSAPI is not"),
            (
                vec![sasl, ("sasl.mechanisms", "OAUTHBEARER")],
                "sasl.mechanisms=OAUTHBEARER is not",
            ),
            (
                vec![sasl, ("sasl.mechanism", "PLAIN")],
                "sasl.username is missing",
            ),
            (
                vec![ssl, ("enable.ssl.certificate.verification", "False")],
                "verification=false is not",
            ),
            (
                vec![ssl, ("ssl.key.location", "/key.pem")],
                "ssl.certificate.location is missing",
            ),
        ] {
            let message = message(&lines);
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn a_property_that_may_be_a_secret_is_named_without_its_value() {
        let lines = [
            ("security.protocol", "ssl"),
            ("ssl.key.password", "hunter2"),
        ];
        assert_eq!(
            message(&lines),
            "property ssl.key.password is not supported here"
        );
    }
}
