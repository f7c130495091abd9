//! Names that no other test, and no other run, uses.

use std::sync::atomic::{AtomicU32, Ordering};

/// `PREFIX-PID-N`.
#[must_use]
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}
