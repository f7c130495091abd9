//! TLS to a peer whose certificate and name are verified, always: there is no way to turn that off.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslVerifyMode, SslVersion,
};
use openssl::x509::verify::X509CheckFlags;
use tokio_openssl::SslStream;

use crate::error::CERT_HAS_EXPIRED;
use crate::stream::{tcp, unix};
use crate::{ConnectError, Stream, pem};

/// Whom to trust, and who this client is. Holds the names of files, not what is in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    authorities: Option<PathBuf>,
    identity: Option<Identity>,
}

/// Files of the client's certificate and of its key; they may be the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
}

impl Tls {
    /// Trusts the CAs in this file (PEM) and no other.
    #[must_use]
    pub fn with_authorities(file: impl Into<PathBuf>) -> Self {
        Self {
            authorities: Some(file.into()),
            identity: None,
        }
    }

    /// Trusts the CAs that the operating system trusts.
    #[must_use]
    pub fn with_system_authorities() -> Self {
        Self {
            authorities: None,
            identity: None,
        }
    }

    /// Shows the certificate in this file (PEM; those of CAs between may follow it) to a peer that
    /// asks for one. Its key, without a passphrase, is in `key`, or else in the same file.
    #[must_use]
    pub fn with_certificate(mut self, certificate: PathBuf, key: Option<PathBuf>) -> Self {
        let key = key.unwrap_or_else(|| certificate.clone());
        self.identity = Some(Identity { certificate, key });
        self
    }

    /// Connects to `host` (a name, or an IP address without brackets) by TLS 1.2 or later; its
    /// certificate must be for that name or address. Has no deadline.
    ///
    /// # Errors
    /// Each of [`ConnectError`] but those of a login.
    pub async fn connect(&self, host: &str, port: u16) -> Result<Stream, ConnectError> {
        handshake(&self.builder().await?.build(), host, port).await
    }

    /// When the certificate ends that `host` shows, in seconds since 1970; of one that is refused for
    /// having ended (or for its CA's having ended), when that was. Has no deadline.
    ///
    /// # Errors
    /// As [`Tls::connect`], but for [`ConnectError::Expired`].
    pub async fn peer_not_after(&self, host: &str, port: u16) -> Result<i64, ConnectError> {
        let ended = Arc::new(Mutex::new(None));
        let mut builder = self.builder().await?;
        let seen = ended.clone();
        builder.set_verify_callback(SslVerifyMode::PEER, move |accepted, chain| {
            if chain.error().as_raw() == CERT_HAS_EXPIRED
                && let Some(certificate) = chain.current_cert()
            {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                *seen = unix(certificate.not_after());
            }
            accepted
        });
        let unreadable = || ConnectError::Certificate("its end cannot be read");
        match handshake(&builder.build(), host, port).await {
            Ok(stream) => stream.peer_not_after().ok_or_else(unreadable),
            Err(ConnectError::Expired) => {
                let ended = ended.lock().unwrap_or_else(PoisonError::into_inner).take();
                ended.ok_or_else(unreadable)
            }
            Err(error) => Err(error),
        }
    }

    async fn builder(&self) -> Result<SslContextBuilder, ConnectError> {
        let mut builder = SslContext::builder(SslMethod::tls_client())?;
        builder.set_verify(SslVerifyMode::PEER);
        builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
        builder.set_options(SslOptions::IGNORE_UNEXPECTED_EOF);
        match &self.authorities {
            Some(file) => {
                for authority in pem::certificates(file).await? {
                    builder.cert_store_mut().add_cert(authority)?;
                }
            }
            None => builder.set_default_verify_paths()?,
        }
        if let Some(identity) = &self.identity {
            identity.show(&mut builder).await?;
        }
        Ok(builder)
    }
}

impl Identity {
    async fn show(&self, builder: &mut SslContextBuilder) -> Result<(), ConnectError> {
        let certificates = pem::certificates(&self.certificate).await?;
        for (index, certificate) in certificates.into_iter().enumerate() {
            if index == 0 {
                builder.set_certificate(&certificate)?;
            } else {
                builder.add_extra_chain_cert(certificate)?;
            }
        }
        let key = pem::key(&self.key).await?;
        builder
            .set_private_key(&key)
            .and_then(|()| builder.check_private_key())
            .map_err(|_| pem::unusable(&self.key, "is not the key of the certificate"))
    }
}

async fn handshake(context: &SslContext, host: &str, port: u16) -> Result<Stream, ConnectError> {
    let ssl = verifying(context, host)?;
    let mut stream = SslStream::new(ssl, tcp(host, port).await?)?;
    match Pin::new(&mut stream).connect().await {
        Ok(()) => Ok(Stream::Tls(Box::new(stream))),
        Err(error) => {
            let verified = stream.ssl().verify_result();
            Err(ConnectError::of_handshake(error, verified, host))
        }
    }
}

/// A handshake that takes only a certificate for `host`.
fn verifying(context: &SslContext, host: &str) -> Result<Ssl, ConnectError> {
    let mut ssl = Ssl::new(context)?;
    if let Ok(address) = host.parse::<IpAddr>() {
        ssl.param_mut().set_ip(address)?;
        return Ok(ssl);
    }
    if host.is_empty() {
        // To OpenSSL an empty name means that any will do.
        let error = io::Error::new(io::ErrorKind::InvalidInput, "the name is empty");
        return Err(ConnectError::Unreachable(error));
    }
    ssl.set_hostname(host)?;
    let verification = ssl.param_mut();
    verification.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
    verification.set_host(host)?;
    Ok(ssl)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::test_authority::{Authority, HOUR, Server, Subject};

    const NOW: Subject = Subject {
        name: "IP:127.0.0.1",
        from: -HOUR,
        until: HOUR,
    };

    /// Connects to a server of that certificate, trusting `trusted`.
    async fn connect(
        issuer: &Authority,
        subject: &Subject,
        trusted: &Tls,
    ) -> Result<Stream, ConnectError> {
        let server = Server::start(&issuer.issue(subject), None).await;
        trusted.connect("127.0.0.1", server.port).await
    }

    #[tokio::test]
    async fn a_peer_of_a_known_ca_is_connected_to_and_answers() {
        let authority = Authority::new("a");
        let mut stream = connect(&authority, &NOW, &authority.trusted())
            .await
            .unwrap();
        stream.write_all(b"srvr").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "srvr");
    }

    #[tokio::test]
    async fn a_peer_of_another_ca_is_refused_even_of_the_same_name() {
        let authority = Authority::new("a");
        for other in ["b", "a"] {
            let error = connect(&authority, &NOW, &Authority::new(other).trusted()).await;
            assert!(
                matches!(error, Err(ConnectError::UnknownAuthority(_))),
                "{error:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_certificate_that_expired_or_is_not_valid_yet_is_told() {
        let authority = Authority::new("a");
        let past = Subject {
            from: -2 * HOUR,
            until: -HOUR,
            ..NOW
        };
        let error = connect(&authority, &past, &authority.trusted()).await;
        assert!(matches!(error, Err(ConnectError::Expired)), "{error:?}");
        let future = Subject {
            from: HOUR,
            until: 2 * HOUR,
            ..NOW
        };
        let error = connect(&authority, &future, &authority.trusted()).await;
        assert!(matches!(error, Err(ConnectError::NotYetValid)), "{error:?}");
    }

    #[tokio::test]
    async fn the_end_of_a_certificate_is_read_of_one_that_has_ended_as_well() {
        let authority = Authority::new("a");
        for until in [-HOUR, HOUR] {
            let issued = authority.issue(&Subject {
                from: -2 * HOUR,
                until,
                ..NOW
            });
            let server = Server::start(&issued, None).await;
            let tls = authority.trusted();
            let shown = tls.peer_not_after("127.0.0.1", server.port).await.unwrap();
            assert_eq!(shown, pem::not_after(&issued.certificate).await.unwrap());
            let other = Authority::new("b").trusted();
            let error = other.peer_not_after("127.0.0.1", server.port).await;
            assert!(error.is_err(), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_certificate_of_another_address_or_name_is_refused() {
        let authority = Authority::new("a");
        for name in ["IP:127.0.0.2", "DNS:kafka-1", "DNS:127.0.0.1"] {
            let other = Subject { name, ..NOW };
            let error = connect(&authority, &other, &authority.trusted()).await;
            assert!(
                matches!(&error, Err(ConnectError::NameMismatch { host }) if host == "127.0.0.1"),
                "{name}: {error:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_peer_reached_by_its_name_shows_that_name() {
        let authority = Authority::new("a");
        for (name, expected) in [("DNS:localhost", true), ("IP:127.0.0.1", false)] {
            let server = Server::start(&authority.issue(&Subject { name, ..NOW }), None).await;
            let stream = authority.trusted().connect("localhost", server.port).await;
            assert_eq!(stream.is_ok(), expected, "{name}: {stream:?}");
        }
    }

    #[tokio::test]
    async fn a_peer_that_wants_a_certificate_gets_it_from_one_file_or_two() {
        let authority = Authority::new("a");
        let server = Server::start(&authority.issue(&NOW), Some(&authority)).await;
        let own = authority.issue(&Subject {
            name: "DNS:client",
            ..NOW
        });
        for tls in [
            authority.trusted().with_certificate(own.both.clone(), None),
            authority
                .trusted()
                .with_certificate(own.certificate.clone(), Some(own.key.clone())),
        ] {
            let mut stream = tls.connect("127.0.0.1", server.port).await.unwrap();
            stream.write_all(b"srvr").await.unwrap();
            assert_eq!(stream.read(&mut [0; 4]).await.unwrap(), 4);
        }
    }

    #[tokio::test]
    async fn a_client_without_the_certificate_that_is_wanted_is_told_so() {
        let authority = Authority::new("a");
        let server = Server::start(&authority.issue(&NOW), Some(&authority)).await;
        let refused = async {
            let mut stream = authority
                .trusted()
                .connect("127.0.0.1", server.port)
                .await?;
            stream.read_u8().await?;
            Ok::<_, ConnectError>(())
        };
        let error = refused.await;
        assert!(
            matches!(error, Err(ConnectError::ClientCertificate(_))),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_is_named() {
        let authority = Authority::new("a");
        let (one, other) = (authority.issue(&NOW), authority.issue(&NOW));
        let trusted = authority.trusted();
        for (tls, named) in [
            (Tls::with_authorities("/nowhere/ca.pem"), "/nowhere/ca.pem"),
            (
                Tls::with_authorities(one.key.clone()),
                "holds no certificate",
            ),
            (
                trusted
                    .clone()
                    .with_certificate(one.certificate.clone(), None),
                "holds no key",
            ),
            (
                trusted.with_certificate(one.certificate, Some(other.key)),
                "is not the key",
            ),
        ] {
            let error = tls.connect("127.0.0.1", 1).await.unwrap_err();
            assert!(matches!(error, ConnectError::File { .. }), "{error:?}");
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[tokio::test]
    async fn nobody_there_and_a_peer_without_tls_are_told_apart() {
        let authority = Authority::new("a");
        let trusted = authority.trusted();
        let error = trusted.connect("127.0.0.1", 1).await;
        assert!(
            matches!(error, Err(ConnectError::Unreachable(_))),
            "{error:?}"
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
            stream
        };
        let (error, _stream) = tokio::join!(trusted.connect("127.0.0.1", port), answer);
        assert!(matches!(error, Err(ConnectError::Tls(_))), "{error:?}");
    }

    #[tokio::test]
    async fn an_empty_name_is_not_any_name() {
        let authority = Authority::new("a");
        let error = authority.trusted().connect("", 1).await;
        assert!(
            matches!(error, Err(ConnectError::Unreachable(_))),
            "{error:?}"
        );
    }
}
