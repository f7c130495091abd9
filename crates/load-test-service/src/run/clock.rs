//! The one clock of a run: nanoseconds since it began, and the wall time that belongs to them.

use std::time::Instant;

use jiff::Timestamp;

/// A monotonic clock with a known wall time at its start. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    origin_ms: i64,
}

impl Clock {
    /// Starts at zero.
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
            origin_ms: Timestamp::now().as_millisecond(),
        }
    }

    /// Nanoseconds since the start.
    pub fn now_ns(self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The wall time of a moment of this clock, in milliseconds since 1970.
    pub fn epoch_ms(self, ns: u64) -> i64 {
        self.origin_ms
            .saturating_add(i64::try_from(ns / 1_000_000).unwrap_or(i64::MAX))
    }

    /// The wall time of a moment of this clock.
    pub fn timestamp(self, ns: u64) -> Timestamp {
        Timestamp::from_millisecond(self.epoch_ms(ns)).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_advances_with_the_clock() {
        let clock = Clock::start();
        let later = clock.timestamp(1_500_000_000).as_millisecond();
        assert_eq!(later - clock.timestamp(0).as_millisecond(), 1_500);
    }
}
