//! Runs made of several: the highest rate that holds an objective, and two plans side by side.
//!
//! What to measure next and what it means ([`limit`], [`difference`], [`signed_rank`]) are plain
//! functions over what was measured; they are tested on systems made up for it, and know nothing of
//! Kafka. [`Sweep`] and [`Compare`] make the runs.

mod compare;
pub mod difference;
pub mod limit;
pub mod signed_rank;
mod sweep;

pub use compare::{Compare, CompareRequest, ComparisonReport};
pub use sweep::{Sweep, SweepReport, SweepRequest};
