//! Asks one ZooKeeper node how it is, in plain text or by TLS.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use secure_stream::{ConnectError, Stream, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::pace::{Outcome, Pace};
use super::srvr;
use crate::moment::Moment;
use crate::snapshot::{CheckFailure, NodeCheck, Store};

const DEADLINE: Duration = Duration::from_secs(2);
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// An answer has some 300 bytes.
const LARGEST_ANSWER: u64 = 8 * 1024;

pub(super) async fn run(
    address: String,
    tls: Option<Tls>,
    store: Arc<Store>,
    interval: Duration,
    stop: CancellationToken,
) {
    let pace = Pace::every(interval, AFTER_FAILURE);
    let attempt = || async {
        let check = check(&address, tls.as_ref()).await;
        let outcome = match &check.outcome {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        };
        store.update(|snapshot| {
            if let Some(node) = snapshot.zookeeper.get_mut(&address) {
                node.record(check);
            }
        });
        outcome
    };
    pace.repeat(&stop, attempt).await;
}

async fn check(address: &str, tls: Option<&Tls>) -> NodeCheck {
    let began = Moment::now();
    let mut figures = None;
    let outcome = match tokio::time::timeout(DEADLINE, ask(address, tls)).await {
        Err(_) => Err(failure(format!(
            "no answer within {} s",
            DEADLINE.as_secs()
        ))),
        Ok(Err(error)) => Err(of_error(&error)),
        Ok(Ok(answer)) => {
            figures = srvr::figures(&answer);
            srvr::parse(&answer).map_err(failure)
        }
    };
    NodeCheck {
        began,
        ended: Moment::now(),
        outcome,
        figures,
    }
}

async fn ask(address: &str, tls: Option<&Tls>) -> Result<String, ConnectError> {
    let (host, port) = host_and_port(address)?;
    let mut stream = Stream::connect(host, port, tls).await?;
    stream.write_all(b"srvr").await?;
    let mut answer = Vec::new();
    stream.take(LARGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// An IPv6 address stands in brackets.
fn host_and_port(address: &str) -> io::Result<(&str, u16)> {
    let parsed = address.rsplit_once(':').and_then(|(host, port)| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some((host, port.parse().ok()?))
    });
    parsed.ok_or_else(|| ErrorKind::InvalidInput.into())
}

fn of_error(error: &ConnectError) -> CheckFailure {
    match error {
        ConnectError::Unreachable(reason) if reason.kind() == ErrorKind::ConnectionRefused => {
            CheckFailure {
                message: "connection refused".to_owned(),
                refused: true,
                distrusted: false,
            }
        }
        _ => CheckFailure {
            distrusted: error.is_distrust(),
            ..failure(error.to_string())
        },
    }
}

fn failure(message: String) -> CheckFailure {
    CheckFailure {
        message,
        refused: false,
        distrusted: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_no_refused_connection() {
        let refused = ConnectError::Unreachable(ErrorKind::ConnectionRefused.into());
        assert!(of_error(&refused).refused);
        for (error, said, distrusted) in [
            (ConnectError::Expired, "certificate has expired", true),
            (
                ConnectError::UnknownAuthority("self-signed certificate"),
                "certificate of an unknown CA (self-signed certificate)",
                true,
            ),
            (
                ConnectError::Unreachable(ErrorKind::HostUnreachable.into()),
                "not reachable: host unreachable",
                false,
            ),
        ] {
            let expected = CheckFailure {
                distrusted,
                ..failure(said.to_owned())
            };
            assert_eq!(of_error(&error), expected);
        }
    }

    #[test]
    fn an_address_is_split_at_its_port() {
        let of = |address| host_and_port(address).unwrap();
        assert_eq!(of("zookeeper-1:2181"), ("zookeeper-1", 2181));
        assert_eq!(of("[::1]:2181"), ("::1", 2181));
        assert!(host_and_port("zookeeper-1").is_err());
    }
}
