//! Files that hold secrets: one that others than its owner can get at is refused at the start, before
//! anybody relies on it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, ensure};

/// What belongs to a file's group and to all others.
const OTHERS: u32 = 0o077;
/// How a private key begins in PEM, of whichever kind.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";
/// How the names of librdkafka's secret properties end.
/// Source: librdkafka `CONFIGURATION.md`.
const SECRETS: [&str; 4] = [
    ".password",
    ".secret",
    "ssl.key.pem",
    "sasl.oauthbearer.config",
];

/// Refuses a file that others can get at.
///
/// # Errors
/// One line with the file, its mode and the command that mends it; or it is not there.
pub fn require_private(file: &Path) -> anyhow::Result<()> {
    let shown = file.display();
    let metadata = std::fs::metadata(file).with_context(|| format!("cannot look at {shown}"))?;
    let mode = metadata.permissions().mode() & 0o777;
    ensure!(
        mode & OTHERS == 0,
        "{shown} has mode {mode:04o}, so others can get at the secret in it: chmod 600 {shown}"
    );
    Ok(())
}

/// Refuses a file that holds a private key and that others can get at. One that cannot be read is left
/// to whoever needs it.
///
/// # Errors
/// As [`require_private`].
pub fn require_private_key(file: &Path) -> anyhow::Result<()> {
    match std::fs::read(file) {
        Ok(text) if String::from_utf8_lossy(&text).contains(PRIVATE_KEY) => require_private(file),
        _ => Ok(()),
    }
}

/// Whether a librdkafka property is a secret.
pub(super) fn is_secret(property: &str) -> bool {
    SECRETS.iter().any(|end| property.ends_with(end))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::io::Write;

    use super::*;

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        std::fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        for mode in [0o640, 0o604, 0o660] {
            let open = file("secret", mode);
            let path = open.path().display();
            let expected = format!(
                "{path} has mode {mode:04o}, so others can get at the secret in it: chmod 600 {path}"
            );
            let message = require_private(open.path()).unwrap_err().to_string();
            assert_eq!(message, expected);
        }
        for mode in [0o600, 0o400] {
            require_private(file("secret", mode).path()).unwrap();
        }
    }

    #[test]
    fn a_certificate_is_for_everybody_and_a_key_is_not() {
        let certificate = "-----BEGIN CERTIFICATE-----\n";
        require_private_key(file(certificate, 0o644).path()).unwrap();
        for key in [
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN EC PRIVATE KEY-----",
        ] {
            let both = format!("{certificate}{key}\n");
            assert!(require_private_key(file(&both, 0o644).path()).is_err());
            require_private_key(file(&both, 0o600).path()).unwrap();
        }
        require_private_key(Path::new("no/such/file")).unwrap();
    }

    #[test]
    fn secret_properties_are_known_by_their_names() {
        for name in ["sasl.password", "ssl.key.password", "ssl.key.pem"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["sasl.username", "ssl.ca.location", "client.rack"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
