//! `Idempotency-Key`: a creating call that is sent again with the same key is answered as the first
//! time, and creates nothing again.

mod layer;
mod replies;

pub use layer::{describe, layer};
pub use replies::{Refused, Replies, Reply, Turn};
