//! Why a broker and this client do not come together. librdkafka has one sentence for an unknown CA, a
//! certificate that has ended, and one for somebody else, and says it once in a while only; a connection of
//! our own tells them apart, and tells as well when it is over.

use std::time::Duration;

use crate::{BrokerAddress, Connection, ErrorKind, KafkaCluster, KafkaError, codes, wire};

/// A handshake and a login on a busy machine take some 50 ms, a login that is refused 100 ms more
/// (`connection.failed.authentication.delay.ms`). Calls that are explained end this much after their
/// deadline at most.
const DEADLINE: Duration = Duration::from_millis(500);
/// Kafka's port where an address names none.
const DEFAULT_PORT: u16 = 9092;

impl KafkaCluster {
    /// The same error; one that tells of a refusal, which may have been another broker's, as `broker`
    /// itself has it.
    pub async fn explain_at(&self, error: KafkaError, broker: &BrokerAddress) -> KafkaError {
        if error.kind != ErrorKind::Unauthenticated {
            return error;
        }
        match try_connection(self.connection(), error.operation, broker).await {
            Ok(()) => KafkaError::of_read(
                error.operation,
                codes::LOCAL_TIMED_OUT,
                "no answer, though a new connection is accepted",
            ),
            Err(why) if cannot_try(&why) => error,
            Err(why) => why,
        }
    }
}

/// Connects to `broker` as the client's properties say, and hangs up.
pub(crate) async fn try_connection(
    connection: &Connection,
    operation: &'static str,
    broker: &BrokerAddress,
) -> Result<(), KafkaError> {
    wire::try_connection(connection, operation, broker, DEADLINE).await
}

/// Whether only librdkafka could try: by a mechanism of its own, say.
fn cannot_try(error: &KafkaError) -> bool {
    matches!(
        error.code,
        codes::LOCAL_UNSUPPORTED_FEATURE | codes::LOCAL_INVALID_ARG
    )
}

/// The broker that librdkafka's error callback names at the beginning of its words
/// (`sasl_ssl://host:port/id: ...`), or else the first bootstrap server.
pub(crate) fn accused(reason: &str, connection: &Connection) -> Option<BrokerAddress> {
    let named = reason.split_once("://").and_then(|(_, rest)| {
        let (server, rest) = rest.split_once('/')?;
        let id = rest.split(':').next()?.parse().unwrap_or(-1);
        Some(BrokerAddress {
            id,
            ..address(server)
        })
    });
    named.or_else(|| connection.bootstrap_servers.split(',').next().map(address))
}

/// The words of a login that a broker refused. Kafka's own do not say what is meant by credentials.
pub(crate) fn of_login(said: String) -> String {
    if said.contains("invalid credentials") {
        format!("wrong name or password: {said}")
    } else {
        said
    }
}

/// A bootstrap server; its id is not known yet.
fn address(server: &str) -> BrokerAddress {
    let server = server.trim();
    let server = server.split_once("://").map_or(server, |(_, rest)| rest);
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (server, None),
    };
    BrokerAddress {
        id: -1,
        host: host.trim_matches(['[', ']']).to_owned(),
        port: port.unwrap_or(DEFAULT_PORT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bootstrap_servers_are_read_as_librdkafka_reads_them() {
        for (text, host, port) in [
            ("a:1", "a", 1),
            (" a ", "a", 9092),
            ("SSL://a:2", "a", 2),
            ("[::1]:3", "::1", 3),
            ("[::1]", "::1", 9092),
        ] {
            let read = address(text);
            assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
        }
    }

    #[test]
    fn who_refuses_is_read_from_librdkafkas_words() {
        let connection = Connection::new("first:1,second:2");
        let of = |reason: &str| accused(reason, &connection).unwrap();
        let broker = of("sasl_ssl://kafka-2:9092/2: SSL handshake failed: ...");
        assert_eq!(
            (broker.id, &*broker.host, broker.port),
            (2, "kafka-2", 9092)
        );
        let bootstrap = of("ssl://[::1]:9093/bootstrap: SSL handshake failed: ...");
        assert_eq!(
            (bootstrap.id, &*bootstrap.host, bootstrap.port),
            (-1, "::1", 9093)
        );
        let nobody = of("GroupCoordinator: SASL authentication error");
        assert_eq!((&*nobody.host, nobody.port), ("first", 1));
    }

    #[test]
    fn a_wrong_password_is_called_that() {
        let said = "Authentication failed during authentication due to invalid credentials";
        assert_eq!(
            of_login(said.to_owned()),
            format!("wrong name or password: {said}")
        );
        let other = "Unsupported SASL mechanism";
        assert_eq!(of_login(other.to_owned()), other);
    }
}
