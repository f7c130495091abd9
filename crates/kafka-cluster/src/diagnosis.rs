//! Why a broker and this client do not come together over TLS. librdkafka has one sentence for an
//! unknown CA, a certificate that has ended, and one for somebody else; a connection of our own tells
//! them apart.

use std::time::Duration;

use crate::{BrokerAddress, KafkaCluster, KafkaError, codes, wire};

/// A handshake on a busy machine takes some 20 ms. Calls that are explained end this much after their
/// deadline at most.
const DEADLINE: Duration = Duration::from_millis(500);
/// Kafka's port where an address names none.
const DEFAULT_PORT: u16 = 9092;

impl KafkaCluster {
    /// The same error; one of TLS with what is wrong with the certificate of `broker`, if that can be
    /// found out.
    pub async fn explain(&self, error: KafkaError, broker: &BrokerAddress) -> KafkaError {
        if error.code != codes::LOCAL_SSL {
            return error;
        }
        match wire::try_connection(self.connection(), error.operation, broker, DEADLINE).await {
            Err(why) if why.code == codes::LOCAL_SSL => why,
            _ => error,
        }
    }

    /// The same of the first bootstrap server.
    pub(crate) async fn explain_first(&self, error: KafkaError) -> KafkaError {
        let servers = &self.connection().bootstrap_servers;
        match servers.split(',').next().map(address) {
            Some(first) => self.explain(error, &first).await,
            None => error,
        }
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
}
