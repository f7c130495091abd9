//! Names and passwords that change while a client lives.
//!
//! A broker asks for the password at each new connection only, so that a client with an old one goes
//! on until it has to connect again: hours later, perhaps. Whoever keeps a client looks at the file
//! from time to time and tells it.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::client::Client;
use rdkafka::{ClientConfig, ClientContext};

use crate::{Connection, native};

/// A file is looked at once in this time.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who a client is, by SASL. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `sasl.username`.
    pub username: String,
    /// `sasl.password`.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// Those of a properties file; `None` when it cannot be read or has none, as in the moment of its
    /// replacement by other means than a rename.
    pub(crate) fn read(file: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(file).ok()?;
        let read = Connection::new("").with_property_lines(&text).ok()?;
        Self::of(|name| read.properties.get(name).map(String::as_str))
    }

    fn of<'a>(property: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        Some(Self {
            username: property("sasl.username")?.to_owned(),
            password: property("sasl.password")?.to_owned(),
        })
    }
}

/// Looks after the credentials of one client.
#[derive(Debug)]
pub struct CredentialsWatch {
    connection: Connection,
    known: Option<Credentials>,
    next_look: Instant,
}

impl CredentialsWatch {
    /// For a client that was made with this connection and these settings of it: the file may have
    /// changed since.
    #[must_use]
    pub fn new(connection: &Connection, config: &ClientConfig) -> Self {
        Self {
            connection: connection.clone(),
            known: Credentials::of(|name| config.get(name)),
            next_look: Instant::now() + LOOK_EVERY,
        }
    }

    /// Tells `client` when its file has others; at most one look a second.
    pub fn look<C: ClientContext>(&mut self, client: &Client<C>) {
        let now = Instant::now();
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_EVERY;
        if let Some(new) = self.renewed() {
            match native::set_credentials(client, &new) {
                Ok(()) => tracing::info!(username = new.username, "new credentials are taken up"),
                Err(error) => tracing::warn!(%error, "new credentials are not taken"),
            }
            self.known = Some(new);
        }
    }

    fn renewed(&self) -> Option<Credentials> {
        let now = self.connection.credentials()?;
        (Some(&now) != self.known.as_ref()).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn write(file: &mut tempfile::NamedTempFile, password: &str) {
        file.as_file_mut().set_len(0).unwrap();
        std::io::Seek::rewind(file).unwrap();
        write!(file, "sasl.username=u\nsasl.password={password}\n").unwrap();
    }

    #[test]
    fn a_new_password_is_found_and_a_file_that_is_gone_changes_nothing() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write(&mut file, "first");
        let connection = Connection::new("a:1").renewed_from(file.path());
        let watch = CredentialsWatch::new(&connection, &connection.admin_config());
        assert_eq!(watch.renewed(), None);
        write(&mut file, "second");
        assert_eq!(watch.renewed().unwrap().password, "second");
        let config = connection.admin_config();
        assert_eq!(config.get("sasl.password"), Some("second"));
        file.close().unwrap();
        assert_eq!(watch.renewed(), None);
    }

    #[test]
    fn a_connection_without_a_file_never_changes() {
        let connection = Connection::new("a:1")
            .with_property_lines("sasl.username=u\nsasl.password=p")
            .unwrap();
        let watch = CredentialsWatch::new(&connection, &connection.admin_config());
        assert_eq!(watch.renewed(), None);
        assert!(!format!("{watch:?}").contains("password: \"p\""));
    }

    #[test]
    fn debug_output_has_no_password() {
        let credentials = Credentials {
            username: "u".to_owned(),
            password: "hunter2".to_owned(),
        };
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}
