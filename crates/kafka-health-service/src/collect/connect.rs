//! A bare TCP connection, which tells "not listening" from "not answering".

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::net::{TcpStream, ToSocketAddrs};

use crate::snapshot::Connect;

/// Connects and hangs up. The name is resolved each time: an address may have changed.
pub(super) async fn connect(address: impl ToSocketAddrs, deadline: Duration) -> Connect {
    match tokio::time::timeout(deadline, TcpStream::connect(address)).await {
        Err(_) => Connect::NoReply,
        Ok(Ok(_)) => Connect::Accepted,
        Ok(Err(error)) => of_error(&error),
    }
}

fn of_error(error: &io::Error) -> Connect {
    match error.kind() {
        ErrorKind::ConnectionRefused => Connect::Refused,
        ErrorKind::TimedOut => Connect::NoReply,
        _ => Connect::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_is_a_refusal() {
        let of = |kind: ErrorKind| of_error(&kind.into());
        assert_eq!(of(ErrorKind::ConnectionRefused), Connect::Refused);
        assert_eq!(of(ErrorKind::TimedOut), Connect::NoReply);
        assert!(matches!(of(ErrorKind::HostUnreachable), Connect::Failed(_)));
    }
}
