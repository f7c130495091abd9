//! How long each step of a call may take. Together they bound every request: a read by about 6 s, a
//! write by 29 s (below the usual request time-out of 30 s), and either by 4 s when no broker can
//! be reached.

use std::time::Duration;

use tokio::time::Instant;

/// Waiting for one of the places that limit how many requests are worked on at once.
pub const ADMISSION: Duration = Duration::from_secs(1);

/// Asking any broker for metadata. All brokers down is told within this time: every call begins
/// with such a question.
pub const METADATA: Duration = Duration::from_secs(3);

/// Asking for a topic's offsets and settings once its metadata is known.
pub const DETAIL: Duration = Duration::from_secs(2);

/// Waiting for another write to the same topic to end.
pub const TOPIC_LOCK: Duration = Duration::from_secs(5);

/// A write, up to the controller's answer. Thousands of partitions take the controller seconds.
pub const WRITE: Duration = Duration::from_secs(15);

/// Waiting until every live broker shows what was written. A broker killed without notice counts
/// as live until its ZooKeeper session ends (9 s in this cluster's settings).
pub const SETTLE: Duration = Duration::from_secs(10);

/// Looking whether a write happened whose answer was lost; what is kept of the whole for that.
pub const LOOK: Duration = Duration::from_secs(4);

/// Waiting until the audit topic has the intent of a write. The first one opens connections to brokers
/// that may just have started.
pub const INTENT: Duration = Duration::from_secs(6);

/// After this without an acknowledgement it is asked whether any broker answers at all.
pub const INTENT_ALONE: Duration = Duration::from_millis(500);

/// A write from its first question to its last.
pub const WHOLE_WRITE: Duration = Duration::from_secs(19);

/// Applying a document: a hundred topics take some ten seconds, a thousand some minutes.
pub const APPLY: Duration = Duration::from_secs(300);

/// The moment by which several steps together have to end.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// Ends `time` from now.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// The same, with `time` left after it.
    #[must_use]
    pub fn earlier_by(self, time: Duration) -> Self {
        Self(self.0.checked_sub(time).unwrap_or(self.0))
    }

    /// `limit`, or what is left if that is less.
    #[must_use]
    pub fn at_most(self, limit: Duration) -> Duration {
        limit.min(self.0.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_ends_before_the_usual_request_time_out() {
        // Calls of librdkafka may report half a second after their deadline.
        let late = Duration::from_millis(500);
        let longest = ADMISSION + INTENT + WHOLE_WRITE + late + DETAIL + late;
        assert!(longest < Duration::from_secs(30), "{longest:?}");
    }

    #[test]
    fn no_broker_at_all_is_told_within_five_seconds() {
        assert!(ADMISSION + INTENT_ALONE + METADATA < Duration::from_secs(5));
    }

    #[test]
    fn a_step_gets_no_more_than_what_is_left_of_the_whole() {
        let plenty = Deadline::within(Duration::from_secs(3600));
        assert_eq!(plenty.at_most(WRITE), WRITE);
        let little = Deadline::within(Duration::from_secs(5));
        assert!(little.at_most(SETTLE) <= Duration::from_secs(5));
        assert!(little.earlier_by(LOOK).at_most(SETTLE) <= Duration::from_secs(1));
        assert_eq!(
            Deadline::within(Duration::ZERO).at_most(SETTLE),
            Duration::ZERO
        );
    }
}
