//! Lag as a value: what is known, and why nothing is known otherwise.

/// How far a group is behind on one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// Records between the committed offset and the end of the log.
    Known(u64),
    /// The group never committed here; where it will start is its own business.
    NoCommit,
    /// The committed offset is before the first record that is still there: `lost` records were
    /// deleted unread, `readable` are left.
    BeforeLogStart {
        /// Records deleted before they were read.
        lost: u64,
        /// Records still there to read.
        readable: u64,
    },
    /// The partition is gone.
    Gone,
}

impl Lag {
    /// Compares a committed offset with the ends of a log. Take the commit first and the ends
    /// second: the other way round the lag of a busy group can be negative (it is 0 then).
    #[must_use]
    pub fn between(committed: Option<i64>, earliest: Option<i64>, latest: Option<i64>) -> Self {
        let Some(latest) = latest else {
            return Self::Gone;
        };
        let Some(committed) = committed else {
            return Self::NoCommit;
        };
        match earliest {
            Some(earliest) if committed < earliest => Self::BeforeLogStart {
                lost: earliest.abs_diff(committed),
                readable: non_negative(latest - earliest),
            },
            _ => Self::Known(non_negative(latest - committed)),
        }
    }

    /// Records that can still be read, where that is known.
    #[must_use]
    pub fn records(self) -> Option<u64> {
        match self {
            Self::Known(records)
            | Self::BeforeLogStart {
                readable: records, ..
            } => Some(records),
            Self::NoCommit | Self::Gone => None,
        }
    }
}

fn non_negative(difference: i64) -> u64 {
    u64::try_from(difference).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_at_the_end_has_no_lag() {
        assert_eq!(Lag::between(Some(10), Some(0), Some(10)), Lag::Known(0));
    }

    #[test]
    fn a_commit_read_after_the_end_offset_never_makes_lag_negative() {
        assert_eq!(Lag::between(Some(12), Some(0), Some(10)), Lag::Known(0));
    }

    #[test]
    fn no_commit_is_unknown_and_not_everything() {
        assert_eq!(Lag::between(None, Some(0), Some(10)), Lag::NoCommit);
        assert_eq!(Lag::NoCommit.records(), None);
    }

    #[test]
    fn records_deleted_unread_are_told_apart_from_lag() {
        assert_eq!(
            Lag::between(Some(3), Some(5), Some(10)),
            Lag::BeforeLogStart {
                lost: 2,
                readable: 5
            }
        );
    }

    #[test]
    fn a_partition_without_an_end_is_gone() {
        assert_eq!(Lag::between(Some(3), None, None), Lag::Gone);
    }
}
