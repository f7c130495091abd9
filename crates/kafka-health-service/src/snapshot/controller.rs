//! Who the controller is, as brokers tell, and in which rack each broker stands.

use std::collections::BTreeMap;

use crate::moment::Moment;

/// The controller, and how often it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Its broker; `None`: the broker that was asked knows of none.
    pub id: Option<i32>,
    /// First seen so.
    pub since: Moment,
    /// How often another broker became it, as far as this service saw.
    pub changes: u64,
    /// The last that there was.
    last: Option<i32>,
    /// `broker.rack` of the brokers that have one.
    pub racks: BTreeMap<i32, String>,
}

impl Controller {
    /// What follows from an answer that was asked for at `at`. Racks are kept of brokers that are away.
    #[must_use]
    pub fn next(
        before: Option<&Self>,
        id: Option<i32>,
        racks: BTreeMap<i32, String>,
        at: Moment,
    ) -> Self {
        let Some(before) = before else {
            return Self {
                id,
                since: at,
                changes: 0,
                last: id,
                racks,
            };
        };
        let changed = id.is_some() && before.last.is_some() && id != before.last;
        let mut all = before.racks.clone();
        all.extend(racks);
        Self {
            id,
            since: if id == before.id { before.since } else { at },
            changes: before.changes + u64::from(changed),
            last: id.or(before.last),
            racks: all,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_change_is_counted_once_though_there_is_none_for_a_while() {
        let start = Moment::now();
        let later = |seconds| start.plus(Duration::from_secs(seconds));
        let mut seen = Controller::next(None, Some(1), BTreeMap::new(), start);
        for (second, id) in [
            (2, Some(1)),
            (4, None),
            (6, None),
            (8, Some(2)),
            (10, Some(2)),
        ] {
            seen = Controller::next(Some(&seen), id, BTreeMap::new(), later(second));
        }
        assert_eq!((seen.id, seen.changes, seen.since), (Some(2), 1, later(8)));
        let same = Controller::next(Some(&seen), None, BTreeMap::new(), later(12));
        let back = Controller::next(Some(&same), Some(2), BTreeMap::new(), later(14));
        assert_eq!(back.changes, 1, "it is the same one");
    }

    #[test]
    fn the_rack_of_a_broker_that_is_away_is_remembered() {
        let rack = |id: i32| BTreeMap::from([(id, format!("rack-{id}"))]);
        let now = Moment::now();
        let first = Controller::next(None, None, rack(1), now);
        let second = Controller::next(Some(&first), None, rack(2), now);
        assert_eq!(second.racks.len(), 2);
    }
}
