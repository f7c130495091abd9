//! The canary: a few records a second through a partition led by each broker, acknowledged by all replicas
//! in sync, read back and accounted for. It proves what metadata only promises: that records can be written
//! and read.
//!
//! It writes to a topic of its own and reassigns nothing: a broker that leads none of its partitions has no
//! canary until leaders are given back.

mod metrics;
mod reader;
mod run;
mod tally;
mod topic;

pub use metrics::CanaryMetrics;
pub use run::{Canary, run};
