//! Records: bounded reads of a topic, reads that go on, and producing one. For people who look with
//! `curl`; a consumer is the tool for everything else.

mod follow;
mod read;
mod view;
mod write;

/// Memory for records that one read fetches ahead.
const BUFFER_KIB: u32 = 4 * 1024;

pub use follow::{FollowerPlace, Followers, follow};
pub use read::{Page, Start, Wanted, ranges, read};
pub use view::RecordView;
pub use write::{NewRecord, ProduceError, RecordWriter, Written};
