//! Runs as things with a name: started, watched, cancelled, and found again after a restart.
//!
//! [`Runner`] does one at a time on a thread of its own. What it came to is a [`RunRecord`], kept by
//! [`Archive`] on disk; while it goes on, a [`checkpoint`] is, so that a service that is killed finds
//! at its next start what the run had.

mod archive;
pub mod checkpoint;
mod lab;
mod record;
mod runner;
mod running;
mod task;

pub use archive::Archive;
pub use lab::Lab;
pub use record::{Counted, Kind, ProgressView, RunRecord, RunState, RunSummary, Step};
pub use runner::{Ending, NotStarted, Runner, Seen, Started};
pub use running::Running;
pub use task::{Results, Task};

use std::fmt::Display;

use jiff::Timestamp;
use kafka_cluster::RunId;

/// Ids sort by time: 48 bits of milliseconds since 1970, then 16 that tell two services apart.
#[must_use]
pub fn new_run_id(now: Timestamp) -> RunId {
    let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let salt = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), milliseconds);
    RunId(milliseconds << 16 | salt >> 48)
}

/// What a report says that is not on the disk.
fn not_stored(error: impl Display) -> String {
    format!("not stored: {error}; this ends with the service")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_later_runs_are_greater() {
        let earlier = new_run_id(Timestamp::from_millisecond(1_763_831_160_042).unwrap());
        let later = new_run_id(Timestamp::from_millisecond(1_763_831_160_043).unwrap());
        assert!(later > earlier);
    }
}
