//! Records: bounded reads of a topic, and producing one. For people who look with `curl`; a consumer is
//! the tool for everything else.

mod read;
mod view;
mod write;

pub use read::{Page, Start, Wanted, read};
pub use view::RecordView;
pub use write::{NewRecord, ProduceError, RecordWriter, Written};
