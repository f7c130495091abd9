//! The topics that the cluster is meant to have: read from a file, applied once at start, compared
//! ever after.
//!
//! What is missing at start is made; what differs is reported; nothing is altered or deleted.

mod apply;
mod diff;
mod document;
mod published;
mod report;

pub use apply::Applier;
pub use diff::Difference;
pub use document::{Document, DocumentError};
pub use published::Declared;
pub use report::{DeclaredReport, DeclaredState, DeclaredTopicReport};
