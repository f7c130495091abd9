//! Files of certificates and keys. Each error names the file.

use std::io;
use std::path::Path;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use crate::ConnectError;
use crate::stream::unix;

/// When the first of the certificates in a file (PEM) ends, in seconds since 1970.
///
/// # Errors
/// [`ConnectError::File`].
pub async fn not_after(file: &Path) -> Result<i64, ConnectError> {
    let certificates = certificates(file).await?;
    let ends = certificates.iter().map(|one| unix(one.not_after()));
    let first = ends.collect::<Option<Vec<_>>>();
    first
        .and_then(|ends| ends.into_iter().min())
        .ok_or_else(|| unusable(file, "holds a certificate whose end cannot be read"))
}

/// All certificates in a file, in its order; at least one. What else is there is passed over.
pub(crate) async fn certificates(file: &Path) -> Result<Vec<X509>, ConnectError> {
    let text = read(file).await?;
    X509::stack_from_pem(&text)
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| unusable(file, "holds no certificate (PEM)"))
}

/// The first key in a file. The empty passphrase keeps OpenSSL from asking for one on the terminal.
pub(crate) async fn key(file: &Path) -> Result<PKey<Private>, ConnectError> {
    let text = read(file).await?;
    PKey::private_key_from_pem_passphrase(&text, b"")
        .map_err(|_| unusable(file, "holds no key without a passphrase (PEM)"))
}

async fn read(file: &Path) -> Result<Vec<u8>, ConnectError> {
    tokio::fs::read(file)
        .await
        .map_err(|source| ConnectError::File {
            path: file.to_owned(),
            source,
        })
}

pub(crate) fn unusable(file: &Path, why: &str) -> ConnectError {
    ConnectError::File {
        path: file.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_authority::{Authority, HOUR, Subject};

    #[tokio::test]
    async fn a_file_ends_with_the_first_of_its_certificates() {
        let authority = Authority::new("a");
        let issue = |until| {
            authority.issue(&Subject {
                name: "DNS:a",
                from: -HOUR,
                until,
            })
        };
        let (soon, late) = (issue(HOUR), issue(2 * HOUR));
        let text = |file: &Path| std::fs::read(file).unwrap();
        let both = soon.both.with_file_name("chain.pem");
        let chain = [text(&late.certificate), text(&soon.certificate)].concat();
        std::fs::write(&both, chain).unwrap();
        let of = async |file: &Path| not_after(file).await.unwrap();
        assert_eq!(of(&late.both).await - of(&soon.both).await, HOUR);
        assert_eq!(of(&both).await, of(&soon.certificate).await);
        assert!(not_after(&soon.key).await.is_err());
    }
}
