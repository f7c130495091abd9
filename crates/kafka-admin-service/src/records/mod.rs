//! Records: bounded reads of a topic, reads that go on, and producing one. For people who look with
//! `curl`; a consumer is the tool for everything else.

mod follow;
mod read;
mod view;
mod write;

use std::time::Duration;

/// One read ends after this at the latest.
pub const LONGEST_READ: Duration = Duration::from_secs(10);
/// Bytes of keys and values that one read looks at, whether they match or not.
pub const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// Memory for records that one read fetches ahead, in KiB.
pub const BUFFER_KIB: u32 = 4 * 1024;

pub use follow::{FollowerPlace, Followers, follow};
pub use read::{Page, Start, Wanted, ranges, read};
pub use view::RecordView;
pub use write::{NewRecord, ProduceError, RecordWriter, Written};
