//! What can go wrong while starting, watching or ending processes of this machine.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use secure_stream::ConnectError;

use crate::ports::Holder;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error for the whole crate; each message names the thing it is about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file, directory, socket or program could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the path or address.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A node could not be connected to, or the connection broke.
    #[error("{what}: {source}")]
    Connection {
        /// What was tried, with the address.
        what: String,
        /// Why not.
        source: ConnectError,
    },
    /// Somebody else listens where a node has to.
    #[error("port {address} of {owner} is taken by {holder}")]
    PortTaken {
        /// Address and port.
        address: std::net::SocketAddr,
        /// The node or service that needs it.
        owner: String,
        /// Who has it, as far as this user may see.
        holder: Holder,
    },
    /// A process ended that should have gone on.
    #[error("{name} ended: {reason} (log: {})", log.display())]
    Died {
        /// Node or service.
        name: String,
        /// The last error of its log.
        reason: String,
        /// Where the rest is.
        log: PathBuf,
    },
    /// A condition did not come true in time.
    #[error("waited {limit:?} for {what}; last seen: {last}")]
    TimedOut {
        /// The condition.
        what: String,
        /// How long was waited.
        limit: Duration,
        /// The last status before the time was up.
        last: String,
    },
    /// Another command is at work on the same cluster.
    #[error("another local-cluster command is at work in {}", .0.display())]
    Busy(PathBuf),
    /// A name that is no node of this cluster.
    #[error("{0}")]
    UnknownNode(String),
    /// Java or Maven is missing, or Maven could not copy the jars.
    #[error("{0}")]
    Prerequisite(String),
    /// A state file or a directory of data that cannot be used.
    #[error("{0}")]
    State(String),
    /// Keys that cannot be used.
    #[error(transparent)]
    Keys(#[from] cluster_keys::Error),
    /// One of Kafka's own tools said no.
    #[error("{class} ended with {status}: {output}")]
    Tool {
        /// The tool's class.
        class: String,
        /// Exit status.
        status: String,
        /// What it wrote, errors first.
        output: String,
    },
}

/// Adds to an I/O error what was being done; use with `map_err`.
pub fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let what = what.into();
    move |source| Error::Io { what, source }
}

/// Adds to a failed connection what was being done; use with `map_err`.
pub fn connect_error(what: impl Into<String>) -> impl FnOnce(ConnectError) -> Error {
    let what = what.into();
    move |source| Error::Connection { what, source }
}
