//! Settings of topics and brokers: read, merged and replaced, one write at a time to each, and read back.
//!
//! In ZooKeeper mode Kafka reads, modifies and writes settings without a version, so that of two writers
//! at once one can be lost: those that go through this service take turns.

mod difference;
mod documented;
#[cfg(test)]
pub(crate) mod fixtures;
mod request;
mod reversal;
mod target;
mod value;
pub mod view;
mod writer;

pub use difference::{Difference, difference};
pub use documented::holds_no_secret;
pub use request::{ConfigWrite, Extent, IfMatch};
pub use reversal::{NotRevertible, Reversal};
pub use target::ConfigTarget;
pub use value::same_value;
pub use writer::{ConfigError, ConfigWriter, Written};
