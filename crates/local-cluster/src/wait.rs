//! Waiting for something that has to be asked for: no test and no command sleeps and hopes.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::error::{Error, Result};

/// How often a condition is asked for; short against the second that a start takes.
const INTERVAL: Duration = Duration::from_millis(50);

/// Asks `condition` until it answers `Ok`, at most for `limit`. Its `Err` is the status so far;
/// the last one is in the message when the time is up. A condition that itself takes too long is
/// cut off at the limit.
///
/// # Errors
/// [`Error::TimedOut`] naming `what`, the limit and the last status.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::time::Duration;
/// let limit = Duration::from_secs(1);
/// let seven = local_cluster::wait_for_condition("seven", limit, || async { Ok::<_, String>(7) });
/// assert_eq!(seven.await.unwrap(), 7);
/// # }
/// ```
pub async fn wait_for_condition<T, S, F>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> F,
) -> Result<T>
where
    S: Display,
    F: Future<Output = Result<T, S>>,
{
    let end = Instant::now() + limit;
    let mut last = String::from("no answer yet");
    loop {
        match timeout_at(end, condition()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(status)) => last = status.to_string(),
            Err(_) => last.push_str(" (and the next answer took too long)"),
        }
        if Instant::now() + INTERVAL >= end {
            return Err(Error::TimedOut {
                what: what.to_owned(),
                limit,
                last,
            });
        }
        sleep(INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_message_carries_the_last_status() {
        let mut asked = 0;
        let waited = wait_for_condition("a leader", Duration::from_millis(220), || {
            asked += 1;
            let status = format!("asked {asked} times");
            async move { Err::<(), _>(status) }
        });
        let message = waited.await.unwrap_err().to_string();
        assert!(message.contains("a leader; last seen: asked"), "{message}");
    }

    #[tokio::test]
    async fn a_condition_that_hangs_is_cut_off() {
        let hang = || std::future::pending::<Result<(), String>>();
        let waited = wait_for_condition("nothing", Duration::from_millis(100), hang);
        assert!(matches!(waited.await, Err(Error::TimedOut { .. })));
    }
}
