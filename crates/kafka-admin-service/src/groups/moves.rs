//! Where an offset is moved to: a pure function of what a partition holds and what is wanted.

use std::str::FromStr;

use jiff::Timestamp;

use crate::topic::TopicName;

/// Where offsets are moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetTo {
    /// The first record that is still there.
    Earliest,
    /// After the last record.
    Latest,
    /// The first record at or after a time; after the last record when there is none.
    Time(Timestamp),
    /// This offset, or the nearest that is there.
    Offset(i64),
    /// This many records on from the commit, or back when negative, as far as there are any.
    Shift(i64),
}

/// Which partitions are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All that the group has committed on.
    Committed,
    /// All partitions of some topics, or some partitions.
    Items(Vec<ScopeItem>),
}

/// A topic, or one of its partitions: `orders`, `orders:3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeItem {
    /// The topic.
    pub topic: TopicName,
    /// One partition; all when `None`.
    pub partition: Option<i32>,
}

impl FromStr for ScopeItem {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (topic, partition) = match text.split_once(':') {
            Some((topic, partition)) => {
                let id = partition.parse().ok().filter(|id| *id >= 0);
                let wrong = || format!("{partition:?} is no partition");
                (topic, Some(id.ok_or_else(wrong)?))
            }
            None => (text, None),
        };
        Ok(Self {
            topic: TopicName::parse(topic).map_err(|error| error.to_string())?,
            partition,
        })
    }
}

/// What a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The first record that is still there.
    pub earliest: i64,
    /// One past the last record.
    pub latest: i64,
    /// The first record at or after the time that was asked for; `None` when none is that young.
    pub at_time: Option<i64>,
}

/// The offset that `to` comes to.
///
/// # Errors
/// Why there is none.
pub fn target_offset(to: ResetTo, committed: Option<i64>, ends: Ends) -> Result<i64, &'static str> {
    let within = |offset: i64| offset.clamp(ends.earliest, ends.latest.max(ends.earliest));
    match to {
        ResetTo::Earliest => Ok(ends.earliest),
        ResetTo::Latest => Ok(ends.latest),
        ResetTo::Time(_) => Ok(within(ends.at_time.unwrap_or(ends.latest))),
        ResetTo::Offset(offset) => Ok(within(offset)),
        ResetTo::Shift(by) => match committed {
            Some(committed) => Ok(within(committed.saturating_add(by))),
            None => Err("the group has not committed here, so there is nothing to shift"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends = Ends {
        earliest: 10,
        latest: 100,
        at_time: Some(40),
    };

    #[test]
    fn each_way_of_saying_where_comes_to_an_offset() {
        let now = Timestamp::now();
        let to = |to| target_offset(to, Some(50), ENDS).unwrap();
        assert_eq!(to(ResetTo::Earliest), 10);
        assert_eq!(to(ResetTo::Latest), 100);
        assert_eq!(to(ResetTo::Time(now)), 40);
        assert_eq!(to(ResetTo::Offset(60)), 60);
        assert_eq!(to(ResetTo::Shift(-5)), 45);
    }

    #[test]
    fn what_is_beyond_the_records_comes_to_the_nearest() {
        let to = |to| target_offset(to, Some(50), ENDS).unwrap();
        assert_eq!(to(ResetTo::Offset(3)), 10);
        assert_eq!(to(ResetTo::Offset(i64::MAX)), 100);
        assert_eq!(to(ResetTo::Shift(i64::MIN)), 10);
        assert_eq!(to(ResetTo::Shift(i64::MAX)), 100);
        let young = Ends {
            at_time: None,
            ..ENDS
        };
        let time = ResetTo::Time(Timestamp::now());
        assert_eq!(target_offset(time, None, young), Ok(100));
    }

    #[test]
    fn nothing_can_be_shifted_without_a_commit() {
        assert!(target_offset(ResetTo::Shift(1), None, ENDS).is_err());
    }

    #[test]
    fn a_scope_is_a_topic_or_one_of_its_partitions() {
        let item: ScopeItem = "orders:3".parse().unwrap();
        assert_eq!((item.topic.as_str(), item.partition), ("orders", Some(3)));
        assert_eq!("orders".parse::<ScopeItem>().unwrap().partition, None);
        for wrong in ["orders:", "orders:-1", "orders:x", ":1", "a/b"] {
            assert!(wrong.parse::<ScopeItem>().is_err(), "{wrong}");
        }
    }
}
