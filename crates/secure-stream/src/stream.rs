//! A connection that is read and written alike, whether TLS lies over it or not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::{ConnectError, Tls};

/// A connection, plain or by TLS.
///
/// An error of reading tells more as a [`ConnectError`], by `From`. A peer that hangs up without
/// closing TLS is at its end, as on a plain connection: what is read here says itself how long it is.
#[derive(Debug)]
pub enum Stream {
    /// Plain TCP.
    Plain(TcpStream),
    /// TLS over TCP; the peer is verified.
    Tls(Box<SslStream<TcpStream>>),
}

impl Stream {
    /// Connects to `host` (a name, or an IP address without brackets), by TLS where `tls` is given.
    /// Has no deadline.
    ///
    /// # Errors
    /// As [`Tls::connect`].
    pub async fn connect(host: &str, port: u16, tls: Option<&Tls>) -> Result<Self, ConnectError> {
        match tls {
            Some(tls) => tls.connect(host, port).await,
            None => Ok(Self::Plain(tcp(host, port).await?)),
        }
    }
}

impl Stream {
    /// The certificate that the peer showed, in DER; `None` on a plain connection.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<Vec<u8>> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.ssl().peer_certificate()?.to_der().ok(),
        }
    }

    /// When that certificate ends, in seconds since 1970.
    #[must_use]
    pub fn peer_not_after(&self) -> Option<i64> {
        let Self::Tls(stream) = self else {
            return None;
        };
        unix(stream.ssl().peer_certificate()?.not_after())
    }
}

/// In seconds since 1970.
pub(crate) fn unix(time: &Asn1TimeRef) -> Option<i64> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    Some(i64::from(since.days) * 86_400 + i64::from(since.secs))
}

/// Small messages go out at once: they are asked and answered in turn.
pub(crate) async fn tcp(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(context),
        }
    }
}
