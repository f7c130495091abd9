//! A tokio runtime sized for a service that mostly waits: few threads, so little memory.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Threads that run tasks. A service waits for Kafka; two are enough for its answers.
const WORKER_THREADS: usize = 2;

/// Threads for blocking calls (librdkafka, files), made on demand and given up when idle.
const MAX_BLOCKING_THREADS: usize = 32;

/// An unused blocking thread is given up after this time.
const BLOCKING_KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How long a blocking call may outlive the service's own end.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// A runtime with two worker threads and at most 32 for blocking calls.
///
/// # Errors
/// The operating system gave no thread.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .thread_keep_alive(BLOCKING_KEEP_ALIVE)
        .enable_all()
        .build()
}

/// Runs a service's whole life on a [`runtime`]; does not wait for blocking calls that are still
/// running at its end for longer than a second.
///
/// # Errors
/// The operating system gave no thread.
pub fn block_on<F: Future>(main: F) -> io::Result<F::Output> {
    let runtime = runtime()?;
    let output = runtime.block_on(main);
    runtime.shutdown_timeout(SHUTDOWN_GRACE);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_blocking_call_that_hangs_does_not_hold_up_the_end() {
        let begun = Instant::now();
        let answer = block_on(async {
            tokio::task::spawn_blocking(|| std::thread::park_timeout(Duration::from_secs(60)));
            tokio::task::yield_now().await;
            7
        });
        assert_eq!(answer.unwrap(), 7);
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
