//! Files of certificates and keys. Each error names the file.

use std::io;
use std::path::Path;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use crate::ConnectError;

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
