//! Who did what: each write leaves two records in the audit topic, an intent that is acknowledged before
//! anything is changed, and an outcome after it.
//!
//! Without an acknowledged intent nothing is changed, unless somebody breaks the glass with a reason. An
//! intent without an outcome reads as unknown. A write that is refused for who sends it leaves both as well.

mod about;
mod backwards;
mod entry;
mod evidence;
mod joined;
mod kept;
mod layer;
mod read;
mod refusals;
mod trail;

pub use entry::{AuditPage, Entry, Intent, Outcome, WriteResult};
pub use evidence::Evidence;
pub use layer::{describe, layer};
pub use read::{Cursor, Filter, read, read_one};
pub use refusals::{Refusals, layer as refusals_layer};
pub use trail::Trail;
