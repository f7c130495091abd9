//! Why no connection came about, told apart, because each reason has another remedy.

use std::io;
use std::path::PathBuf;

use openssl::error::ErrorStack;
use openssl::ssl;
use openssl::x509::X509VerifyResult;

// What verifying a certificate comes to. Source: OpenSSL's `x509_vfy.h`, `X509_V_ERR_*`.
const UNABLE_TO_GET_ISSUER_CERT: i32 = 2;
const CERT_SIGNATURE_FAILURE: i32 = 7;
const CERT_NOT_YET_VALID: i32 = 9;
pub(crate) const CERT_HAS_EXPIRED: i32 = 10;
const DEPTH_ZERO_SELF_SIGNED_CERT: i32 = 18;
const SELF_SIGNED_CERT_IN_CHAIN: i32 = 19;
const UNABLE_TO_GET_ISSUER_CERT_LOCALLY: i32 = 20;
const UNABLE_TO_VERIFY_LEAF_SIGNATURE: i32 = 21;
const HOSTNAME_MISMATCH: i32 = 62;
const IP_ADDRESS_MISMATCH: i32 = 64;

/// An alert of the peer is this and its number. Source: OpenSSL's `ssl.h`, `SSL_AD_REASON_OFFSET`.
const ALERT: i32 = 1000;
/// Source: OpenSSL's `sslerr.h`, `SSL_R_UNEXPECTED_EOF_WHILE_READING`.
const UNEXPECTED_EOF: i32 = 294;

/// Why a connection could not be opened, or why it broke.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens there, its name is not known, or it hung up.
    #[error("not reachable: {0}")]
    Unreachable(#[source] io::Error),
    /// The peer's certificate leads to no CA that is trusted.
    #[error("certificate of an unknown CA ({0})")]
    UnknownAuthority(&'static str),
    /// The peer's certificate, or one that it leads to, is no longer valid.
    #[error("certificate has expired")]
    Expired,
    /// The peer's certificate, or one that it leads to, is not valid before a later time.
    #[error("certificate is not yet valid")]
    NotYetValid,
    /// The peer's certificate is somebody else's.
    #[error("certificate is not for {host}")]
    NameMismatch {
        /// The name or address that was connected to.
        host: String,
    },
    /// The peer's certificate is not accepted for another reason.
    #[error("certificate is not accepted: {0}")]
    Certificate(&'static str),
    /// The peer does not accept the certificate of this client, or misses one.
    #[error("the peer refuses this client's certificate: {0}")]
    ClientCertificate(String),
    /// No TLS came about: the peer does not speak it, or no version and cipher that both take.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// A file of certificates or keys cannot be used.
    #[error("file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The broker does not take this login; the broker's words where it had any.
    #[error("login refused: {0}")]
    AuthenticationFailed(String),
    /// What answered the login is no broker.
    #[error("does not answer as Kafka does: {0}")]
    Protocol(String),
}

impl ConnectError {
    /// Whether somebody is there, and the two do not trust each other: by certificate, by login, or since
    /// a file that it takes cannot be used.
    #[must_use]
    pub fn is_distrust(&self) -> bool {
        !matches!(self, Self::Unreachable(_) | Self::Protocol(_))
    }

    /// Why a handshake with `host` failed, where verifying its certificate came to `verified`.
    pub(crate) fn of_handshake(error: ssl::Error, verified: X509VerifyResult, host: &str) -> Self {
        match verified.as_raw() {
            _ if verified == X509VerifyResult::OK => Self::of_tls(error),
            UNABLE_TO_GET_ISSUER_CERT
            | CERT_SIGNATURE_FAILURE
            | DEPTH_ZERO_SELF_SIGNED_CERT
            | SELF_SIGNED_CERT_IN_CHAIN
            | UNABLE_TO_GET_ISSUER_CERT_LOCALLY
            | UNABLE_TO_VERIFY_LEAF_SIGNATURE => Self::UnknownAuthority(verified.error_string()),
            CERT_HAS_EXPIRED => Self::Expired,
            CERT_NOT_YET_VALID => Self::NotYetValid,
            HOSTNAME_MISMATCH | IP_ADDRESS_MISMATCH => Self::NameMismatch {
                host: host.to_owned(),
            },
            _ => Self::Certificate(verified.error_string()),
        }
    }

    fn of_tls(error: ssl::Error) -> Self {
        let error = match error.into_io_error() {
            Ok(error) => return Self::Unreachable(error),
            Err(error) => error,
        };
        match error.ssl_error() {
            Some(stack) => Self::of_stack(stack),
            None => hung_up(),
        }
    }

    fn of_stack(stack: &ErrorStack) -> Self {
        let Some(first) = stack.errors().first() else {
            return Self::Tls(stack.to_string());
        };
        let reason = first
            .reason()
            .map_or_else(|| first.to_string(), str::to_owned);
        match first.reason_code() - ALERT {
            // Of a certificate: bad, unsupported, revoked, expired, unknown, of an unknown CA, missing.
            // Source: RFC 8446, section 6.2.
            42..=46 | 48 | 116 => {
                let alert = reason
                    .split_once("alert ")
                    .map_or(&*reason, |(_, alert)| alert);
                Self::ClientCertificate(alert.to_owned())
            }
            _ if first.reason_code() == UNEXPECTED_EOF => hung_up(),
            _ => Self::Tls(reason),
        }
    }
}

/// What breaks while a [`Stream`](crate::Stream) is used. With TLS 1.3 a client learns only from its
/// first read that its certificate is refused; that is told apart here, too.
impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<ssl::Error>() {
            Ok(error) => Self::of_tls(error),
            Err(error) => Self::Unreachable(error),
        }
    }
}

impl From<ErrorStack> for ConnectError {
    fn from(stack: ErrorStack) -> Self {
        Self::of_stack(&stack)
    }
}

fn hung_up() -> ConnectError {
    ConnectError::Unreachable(io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "hung up during TLS",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_network_stays_what_it_is() {
        let refused = ConnectError::from(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert!(
            matches!(&refused, ConnectError::Unreachable(error) if error.kind() == io::ErrorKind::ConnectionRefused)
        );
        assert!(refused.to_string().starts_with("not reachable: "));
        assert!(!refused.is_distrust());
        assert!(ConnectError::Expired.is_distrust());
    }

    #[test]
    fn a_file_is_named() {
        let error = ConnectError::File {
            path: "ca.pem".into(),
            source: io::ErrorKind::NotFound.into(),
        };
        assert!(error.to_string().starts_with("file ca.pem: "), "{error}");
    }
}
