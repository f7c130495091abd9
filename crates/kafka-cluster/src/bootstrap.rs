//! Giving a client its bootstrap brokers back.
//!
//! A broker that has just started can answer a metadata request with no brokers at all. librdkafka
//! 2.12.1 then drops every broker it knows, the configured ones included
//! (`rd_kafka_metadata_decommission_unavailable_brokers`), and asks nobody ever again: seen after all
//! brokers were restarted, with either `metadata.recovery.strategy`. Adding the bootstrap servers
//! again ends that.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::Client;

use crate::{Connection, native};

/// First pause between two additions, and the longest: it doubles, since each addition to a client
/// that is in trouble for another reason costs a thread for each server until the next metadata.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));
/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_millis(200);

/// Watches over one client that may have lost all its brokers.
#[derive(Debug)]
pub struct BootstrapGuard {
    servers: String,
    pause: Duration,
    next: Option<Instant>,
}

impl BootstrapGuard {
    /// For clients of this connection.
    #[must_use]
    pub fn new(connection: &Connection) -> Self {
        Self {
            servers: connection.bootstrap_servers.clone(),
            pause: PAUSES.0,
            next: None,
        }
    }

    /// The client was answered: nothing is the matter.
    pub fn answered(&mut self) {
        (self.pause, self.next) = (PAUSES.0, None);
    }

    /// The client reaches nobody. Once that has lasted, and a bootstrap server accepts connections,
    /// they are all added again. Blocks for 200 ms per server at most.
    pub fn reaches_nobody<C: ClientContext>(&mut self, client: &Client<C>) {
        let now = Instant::now();
        let next = *self.next.get_or_insert(now + self.pause);
        if now < next || !self.someone_listens() {
            return;
        }
        tracing::info!(
            servers = self.servers,
            "bootstrap servers are taken up again"
        );
        native::add_brokers(client, &self.servers);
        self.pause = (self.pause * 2).min(PAUSES.1);
        self.next = Some(now + self.pause);
    }

    fn someone_listens(&self) -> bool {
        self.servers
            .split(',')
            .filter_map(|server| server.trim().to_socket_addrs().ok())
            .flatten()
            .any(|address| TcpStream::connect_timeout(&address, CONNECT).is_ok())
    }
}
