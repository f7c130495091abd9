//! What happened: changes of the status, and incidents with their start, end and evidence.
//!
//! A [`Tracker`] compares each judgement with the last, the [`Record`] keeps what came of it, in memory
//! and on disk, and tells it to whoever listens.

mod incident;
mod keeper;
mod lag;
mod recorder;
mod tracker;

pub use incident::{Incident, StatusChange};
pub use keeper::{Counts, Event, Record};
pub use lag::{LagCourse, LagHistory};
pub use recorder::run;
pub use tracker::Tracker;
