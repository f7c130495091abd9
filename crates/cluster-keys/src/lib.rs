//! The keys of a secured cluster in one directory: a private certificate authority, a certificate
//! for each node and for each service that has to show one, a password for each principal, a
//! bearer token for each role, and the client settings that are made of them.
//!
//! Everything secret is a file of mode 0600 in a directory of mode 0700. The directory appears as
//! a whole: it is filled under another name first, so that an interrupted run leaves nothing that
//! looks like keys. Keys are PEM for Java too (Kafka 2.7, ZooKeeper 3.5.5 and later read it): a
//! PKCS12 file needs a password, which would have to stand beside it in clear.
//!
//! Nothing here talks to a broker or to ZooKeeper.

mod authority;
mod broker_login;
mod bundle;
mod clients;
pub mod compose;
mod error;
mod files;
mod manifest;
mod period;
mod principals;
mod scram;
mod secret;
mod store;
mod tokens;

pub use authority::Names;
pub use broker_login::{BROKER_LOGIN_CHANGES, BrokerLogin};
pub use error::{Error, Result};
pub use files::{close_dir, write as write_secret};
pub use period::Period;
pub use principals::{BROKER, BROKER_LOGINS, HEALTH, PRINCIPALS, SUPER};
pub use scram::zookeeper_commands;
pub use store::{Keys, Wanted};
