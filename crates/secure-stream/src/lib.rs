//! Connections to brokers and ZooKeepers for those who speak to them without librdkafka: plain TCP,
//! TLS that verifies the peer, and Kafka's logins (PLAIN, SCRAM).
//!
//! It opens connections and says why one did not come about ([`ConnectError`]). It knows no call of
//! Kafka's but the two of the login, keeps no connection, and has no deadlines: who connects sets one
//! around it (`tokio::time::timeout`).
//!
//! Files of certificates and keys are read at each connection, so that a renewed certificate is taken
//! up without a restart.

mod error;
mod frame;
mod pem;
mod sasl;
mod scram;
mod security;
mod stream;
#[cfg(test)]
mod test_authority;
mod tls;

pub use error::ConnectError;
pub use pem::not_after;
pub use security::{BrokerSecurity, SecurityError};
pub use stream::Stream;
pub use tls::Tls;
