//! What can be wrong with keys. No message holds a secret.

use std::io;
use std::path::PathBuf;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One error for the whole crate; each message names the file and, where there is one, the next
/// step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read or write what is secret.
    #[error(
        "{} has mode {mode:04o}, so others can get at it: chmod {wanted:o} {}",
        path.display(),
        path.display()
    )]
    Mode {
        /// The file or directory.
        path: PathBuf,
        /// The mode that it has.
        mode: u32,
        /// The mode that it has to have.
        wanted: u32,
    },
    /// A file that the manifest lists is gone.
    #[error("{} is missing, so these keys are incomplete: restore it, or make all keys anew", .0.display())]
    Missing(PathBuf),
    /// A name that has no password here.
    #[error("{name:?} has no password here: there are {known}")]
    NoPrincipal {
        /// The name.
        name: String,
        /// Those that have one.
        known: String,
    },
    /// A password that cannot be replaced under the brokers that use it.
    #[error(
        "brokers log in to each other as {0}, which is in use: ./setup.sh --renew kafka-broker renews it"
    )]
    InUse(String),
    /// A directory that no finished run left.
    #[error("{} holds no manifest.json, so it was not finished or is not one of keys: remove it, and it is made anew", .0.display())]
    HalfMade(PathBuf),
    /// A file that is not what it should be.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate that ended.
    #[error("the certificate {} ended on {ended}: ./setup.sh --renew certificates makes new ones", path.display())]
    Ended {
        /// The certificate.
        path: PathBuf,
        /// Its last day.
        ended: String,
    },
    /// A certificate that begins later: two clocks differ.
    #[error("the certificate {} begins on {begins}, which this machine's clock has not reached: set the clock right", path.display())]
    NotYet {
        /// The certificate.
        path: PathBuf,
        /// Its first moment.
        begins: String,
    },
    /// OpenSSL could not do something that only fails when it is broken.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}
