//! When each record should be sent: the schedule that latency is measured against.
//!
//! An open loop: the time of a record does not depend on how its predecessors fared, so a stall of
//! the cluster shows in every record that should have been sent meanwhile.

use std::num::NonZeroU64;

const SECOND_NS: u64 = 1_000_000_000;

/// Intended send times, in nanoseconds since the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Each record as soon as the one before it was taken.
    AsFastAsPossible,
    /// So many records a second, evenly spaced.
    Paced(NonZeroU64),
}

impl Schedule {
    /// A schedule from the rate that a plan has or has not.
    pub fn from_rate(rate: Option<u64>) -> Self {
        rate.and_then(NonZeroU64::new)
            .map_or(Self::AsFastAsPossible, Self::Paced)
    }

    /// When record `index` should be sent; `None` where only the moment decides.
    ///
    /// Exact for every index below 2^34 seconds' worth of records: whole seconds and the rest are
    /// computed apart, so that no rounding adds up.
    pub fn intended_ns(self, index: u64) -> Option<u64> {
        match self {
            Self::AsFastAsPossible => None,
            Self::Paced(rate) => {
                let (seconds, rest) = (index / rate, index % rate);
                Some(seconds * SECOND_NS + rest * SECOND_NS / rate)
            }
        }
    }
}

/// Which records of a schedule belong to one of several producers: every so many-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Number of the producer, from 0.
    pub number: u16,
    /// How many there are.
    pub of: u16,
}

impl Share {
    /// The whole schedule.
    pub const WHOLE: Self = Self { number: 0, of: 1 };

    /// The place in the schedule of this producer's record of this number.
    pub fn index(self, sequence: u64) -> u64 {
        sequence * u64::from(self.of) + u64::from(self.number)
    }

    /// How many of `count` records are this producer's.
    pub fn part_of(self, count: u64) -> u64 {
        count
            .saturating_sub(u64::from(self.number))
            .div_ceil(u64::from(self.of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paced_schedule_spaces_records_evenly_and_never_drifts() {
        let schedule = Schedule::from_rate(Some(3));
        let times: Vec<_> = (0..4).filter_map(|i| schedule.intended_ns(i)).collect();
        assert_eq!(times, [0, 333_333_333, 666_666_666, 1_000_000_000]);
        assert_eq!(schedule.intended_ns(3_000_000), Some(1_000_000 * SECOND_NS));
    }

    #[test]
    fn the_largest_plan_does_not_overflow() {
        let slow = Schedule::from_rate(Some(1));
        assert_eq!(slow.intended_ns(10_000_000), Some(10_000_000 * SECOND_NS));
        let fast = Schedule::from_rate(Some(1_000_000));
        assert_eq!(fast.intended_ns(9_999_999), Some(9_999_999_000));
    }

    #[test]
    fn the_shares_of_several_producers_are_the_whole_schedule() {
        let shares = [0, 1, 2].map(|number| Share { number, of: 3 });
        let mut places: Vec<u64> = shares
            .iter()
            .flat_map(|share| (0..share.part_of(100)).map(|sequence| share.index(sequence)))
            .collect();
        places.sort_unstable();
        assert_eq!(places, (0..100).collect::<Vec<_>>());
        assert_eq!(Share::WHOLE.part_of(7), 7);
    }

    #[test]
    fn without_a_rate_the_moment_decides() {
        assert_eq!(Schedule::from_rate(None).intended_ns(5), None);
    }
}
