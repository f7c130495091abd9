//! Topics: what they may be called and look like, how they are read, made and deleted.
//!
//! Nothing in here knows HTTP beyond the JSON shapes of [`view`].

mod create;
mod delete;
mod grow;
mod name;
mod read;
mod shape;
mod shapes;
mod truncate;
mod usage;
pub mod view;
mod writer;

pub use create::Created;
pub use delete::Deleted;
pub use grow::Grown;
pub use name::{TopicName, TopicNameError};
pub use read::describe;
pub use shape::{
    MAX_PARTITIONS, MAX_REPLICATION_FACTOR, OutOfRange, PartitionCount, ReplicationFactor,
    TopicSpec,
};
pub use shapes::{Shape, Shapes};
pub use truncate::{Before, Truncated, Truncation, Truncations};
pub use usage::{TopicReader, TopicUse};
pub use writer::{TopicWriter, WriteError, to_the_end};
