//! What librdkafka does with memory that it has freed.

use std::ffi::c_int;

/// Batches are a megabyte each and live for milliseconds.
const KEPT: c_int = 64 * 1024 * 1024;
/// From this size on memory is mapped for each piece alone: more than any batch or request.
const MAPPED_ALONE: c_int = 32 * 1024 * 1024;
/// What the C library keeps unless told otherwise.
/// Source: `mallopt(3)`, `M_TRIM_THRESHOLD`.
const KEPT_BY_DEFAULT: c_int = 128 * 1024;

/// While this lives, memory that was freed is kept for the next batch, 64 MB of it at most, and not
/// given back to the kernel, which would clear it again page by page. It is given back at the end.
///
/// Taken away from a producer at full speed that was a tenth of its CPU time. Other C libraries than
/// GNU's are left as they are.
#[derive(Debug)]
pub struct KeptMemory(());

impl KeptMemory {
    /// From now on.
    #[must_use]
    pub fn begin() -> Self {
        #[cfg(target_env = "gnu")]
        // SAFETY: sets two numbers of the allocator, under its own lock; a refused one changes nothing.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_ALONE);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        }
        Self(())
    }
}

impl Drop for KeptMemory {
    fn drop(&mut self) {
        #[cfg(target_env = "gnu")]
        // SAFETY: as above; trimming touches free memory only.
        unsafe {
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BY_DEFAULT);
            libc::malloc_trim(0);
        }
    }
}
