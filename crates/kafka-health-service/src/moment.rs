//! A point in time that can be both told and measured: wall-clock time for people, the monotonic
//! clock for ages, so that a clock that is set back never makes old data look fresh.

use std::time::{Duration, Instant};

use jiff::{Timestamp, Unit};

/// When something was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    instant: Instant,
    time: Timestamp,
}

impl Moment {
    /// This moment; wall-clock time to the millisecond.
    #[must_use]
    pub fn now() -> Self {
        let now = Timestamp::now();
        Self {
            instant: Instant::now(),
            time: now.round(Unit::Millisecond).unwrap_or(now),
        }
    }

    /// Wall-clock time, for reports.
    #[must_use]
    pub fn time(self) -> Timestamp {
        self.time
    }

    /// On the monotonic clock.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.instant
    }

    /// How old this moment is at `now`; zero when it is not in the past.
    #[must_use]
    pub fn age(self, now: Self) -> Duration {
        now.instant.saturating_duration_since(self.instant)
    }

    /// The moment `later` after this one.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self {
            instant: self.instant + later,
            time: self.time.saturating_add(later).unwrap_or(Timestamp::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_the_time_between_two_moments_and_never_negative() {
        let first = Moment::now();
        let second = first.plus(Duration::from_secs(3));
        assert_eq!(first.age(second), Duration::from_secs(3));
        assert_eq!(second.age(first), Duration::ZERO);
        assert_eq!(
            second.time().duration_since(first.time()).as_millis(),
            3_000
        );
    }
}
