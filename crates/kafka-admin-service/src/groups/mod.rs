//! Consumer groups: what they have read and how far they are behind; moving and removing their offsets
//! with a way back.

mod deletion;
mod history;
mod locate;
mod moves;
mod plan;
mod reading;
pub mod view;
mod writer;

pub use history::{History, Kept};
pub use locate::{GroupError, locate};
pub use moves::{Ends, ResetTo, Scope, ScopeItem, target_offset};
pub use plan::{Became, Plan, Step, Target};
pub use reading::{Partitions, Reading, read_groups, read_offsets};
pub use writer::GroupWriter;
