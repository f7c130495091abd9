//! Lag in time: how long unread records have waited, when the group will have caught up, and when retention
//! begins to delete what it has not read.

use std::time::Duration;

use jiff::Timestamp;

use crate::moment::Moment;
use crate::snapshot::{Group, TopicSettings};

/// Over how long the pace of catching up is looked at, at least and at most.
const PACE_OVER: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(60));

/// The lag of a group in time, as of its measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupTime {
    /// The oldest record that it has not read has waited at least so long; `None`: not known.
    pub at_least: Option<Duration>,
    /// And at most so long; `None`: not known, or longer than all that is known.
    pub at_most: Option<Duration>,
    /// When it will have caught up at its pace of the last minute; `None`: it does not get nearer.
    pub catch_up: Option<Duration>,
    /// When retention may begin to delete what it has not read, zero: at any time; `None`: nothing waits, or
    /// not known.
    pub retention_left: Option<Duration>,
}

/// The lag of `group` in time.
pub(super) fn time_of(group: &Group, settings: Option<&TopicSettings>) -> GroupTime {
    let (Some(lag), Some(measured_at)) = (group.known_lag(), group.measured_at) else {
        return GroupTime::default();
    };
    if lag == 0 {
        return GroupTime {
            at_least: Some(Duration::ZERO),
            at_most: Some(Duration::ZERO),
            catch_up: Some(Duration::ZERO),
            retention_left: None,
        };
    }
    let age = |came: Timestamp| {
        let age = measured_at.time().duration_since(came);
        Duration::try_from(age).unwrap_or_default()
    };
    let unread = group.unread.values();
    let at_least = unread
        .clone()
        .map(|unread| age(unread.arrival.not_after))
        .max();
    let oldest = unread.map(|unread| unread.arrival.not_before.map(age));
    // One that is not known makes the whole unknown.
    let at_most = oldest.collect::<Option<Vec<_>>>();
    let left = |(topic, unread): (&String, &crate::snapshot::Unread)| {
        let retention = settings?.by_topic.get(topic)?.retention?;
        Some(retention.saturating_sub(age(unread.arrival.not_before?)))
    };
    GroupTime {
        at_least,
        at_most: at_most.and_then(|ages| ages.into_iter().max()),
        catch_up: catch_up(group, lag, measured_at),
        retention_left: group.unread.iter().filter_map(left).min(),
    }
}

fn catch_up(group: &Group, lag: u64, measured_at: Moment) -> Option<Duration> {
    let (least, most) = PACE_OVER;
    let mut samples = group.course.lags.iter();
    let (at, before) = samples.find(|(at, _)| at.age(measured_at) <= most)?;
    let over = at.age(measured_at);
    let gained = before.checked_sub(lag).filter(|gained| *gained > 0)?;
    (over >= least).then(|| {
        let seconds = over.as_secs_f64() * lag as f64 / gained as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kafka_cluster::{GroupState, Lag, TopicPartition};

    use super::*;
    use crate::fixtures::RETENTION;
    use crate::snapshot::{Arrival, PartitionLag, TopicSetting, Unread};

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A group with records of `orders` unread, the oldest of which came between 30 and 20 s before.
    fn group(lag: u64, now: Moment) -> Group {
        let partition = TopicPartition::new("orders", 0);
        let before = |seconds| now.time().checked_sub(s(seconds)).unwrap();
        let unread = Unread {
            partition: 0,
            arrival: Arrival {
                not_before: Some(before(30)),
                not_after: before(20),
            },
        };
        Group {
            partitions: BTreeMap::from([(partition, PartitionLag::Measured(Lag::Known(lag)))]),
            measured_at: Some(now),
            unread: BTreeMap::from([("orders".to_owned(), unread)]),
            ..Group::in_state(GroupState::Stable)
        }
    }

    fn settings(retention: Option<Duration>) -> TopicSettings {
        let setting = TopicSetting {
            min_in_sync: 2,
            retention,
        };
        TopicSettings {
            by_topic: BTreeMap::from([("orders".to_owned(), setting)]),
        }
    }

    #[test]
    fn the_oldest_unread_record_tells_how_long_and_how_long_still() {
        let group = group(5, Moment::now());
        let time = time_of(&group, Some(&settings(Some(RETENTION))));
        assert_eq!((time.at_least, time.at_most), (Some(s(20)), Some(s(30))));
        assert_eq!(time.retention_left, Some(RETENTION - s(30)));
        let short = time_of(&group, Some(&settings(Some(s(25)))));
        assert_eq!(short.retention_left, Some(Duration::ZERO));
        let forever = time_of(&group, Some(&settings(None)));
        assert_eq!(forever.retention_left, None);
        assert_eq!(time_of(&group, None).retention_left, None);
    }

    #[test]
    fn an_age_without_a_bound_is_not_bounded_by_the_others() {
        let mut group = group(5, Moment::now());
        let mut ancient = group.unread["orders"].clone();
        ancient.arrival.not_before = None;
        group.unread.insert("payments".to_owned(), ancient);
        let time = time_of(&group, None);
        assert_eq!((time.at_least, time.at_most), (Some(s(20)), None));
    }

    #[test]
    fn nothing_unread_has_not_waited() {
        let time = time_of(&group(0, Moment::now()), None);
        assert_eq!(time.at_most, Some(Duration::ZERO));
        assert_eq!(time.catch_up, Some(Duration::ZERO));
        let unknown = Group::in_state(GroupState::Stable);
        assert_eq!(time_of(&unknown, None), GroupTime::default());
    }

    #[test]
    fn who_gets_nearer_will_have_caught_up() {
        let start = Moment::now();
        let catch_up = |lags: &[(u64, u64)]| {
            let (last, lag) = lags[lags.len() - 1];
            let mut group = group(lag, start.plus(s(last)));
            let lags = lags.iter().map(|(at, lag)| (start.plus(s(*at)), *lag));
            group.course.lags = lags.collect();
            time_of(&group, None).catch_up
        };
        assert_eq!(catch_up(&[(0, 300), (30, 100)]), Some(s(15)));
        assert_eq!(catch_up(&[(0, 900), (40, 300), (100, 100)]), Some(s(30)));
        assert_eq!(catch_up(&[(0, 100), (30, 100)]), None);
        assert_eq!(catch_up(&[(0, 100), (5, 10)]), None, "too short");
    }
}
