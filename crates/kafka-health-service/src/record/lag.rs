//! How the lag of each group went, for as long as the service runs: enough to draw it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::moment::Moment;
use crate::snapshot::Groups;

/// Measurements of one group that are kept: an hour at one in thirty seconds, ten minutes at one in five.
const SAMPLES: usize = 120;
/// Groups that are kept, those with the largest lag first.
const GROUPS: usize = 500;

/// Lag by group and time.
#[derive(Debug, Default)]
pub struct LagHistory {
    groups: Mutex<BTreeMap<String, LagCourse>>,
}

/// One group's measurements, oldest first.
#[derive(Debug, Clone, Default)]
pub struct LagCourse {
    /// When, and the known lag, in records; `None`: it is known of no partition.
    pub samples: VecDeque<(Timestamp, Option<u64>)>,
    newest: Option<Moment>,
}

impl LagHistory {
    /// Takes in measurements that are newer than those it has, and forgets groups that are gone.
    pub fn take_in(&self, groups: &Groups) {
        let mut courses = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        courses.retain(|id, _| groups.by_id.contains_key(id));
        for (id, group) in &groups.by_id {
            let Some(at) = group.measured_at else {
                continue;
            };
            if !courses.contains_key(id) && courses.len() >= GROUPS {
                continue;
            }
            let course = courses.entry(id.clone()).or_default();
            if course.newest.is_some_and(|newest| newest >= at) {
                continue;
            }
            course.newest = Some(at);
            course.samples.push_back((at.time(), group.known_lag()));
            if course.samples.len() > SAMPLES {
                course.samples.pop_front();
            }
        }
    }

    /// The groups whose lag was largest, `most` of them, by id.
    #[must_use]
    pub fn largest(&self, most: usize) -> BTreeMap<String, LagCourse> {
        let courses = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_peak: Vec<_> = courses.iter().collect();
        by_peak.sort_by_key(|(_, course)| {
            let known = course.samples.iter().filter_map(|(_, lag)| *lag);
            std::cmp::Reverse(known.max())
        });
        by_peak
            .into_iter()
            .take(most)
            .map(|(id, course)| (id.clone(), course.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fixtures::Cluster;

    #[test]
    fn each_measurement_is_kept_once_and_a_group_that_is_gone_is_forgotten() {
        let cluster = Cluster::healthy();
        let mut groups = Groups::clone(&cluster.snapshot.groups.seen.as_ref().unwrap().value);
        let history = LagHistory::default();
        history.take_in(&groups);
        history.take_in(&groups);
        assert_eq!(history.largest(4)["log-processor"].samples.len(), 1);

        let group = groups.by_id.get_mut("log-processor").unwrap();
        for second in 1..200 {
            group.measured_at = Some(cluster.now.plus(Duration::from_secs(second)));
            history.take_in(&groups_of(group.clone()));
        }
        assert_eq!(history.largest(4)["log-processor"].samples.len(), SAMPLES);

        history.take_in(&Groups::default());
        assert!(history.largest(4).is_empty());
    }

    fn groups_of(group: crate::snapshot::Group) -> Groups {
        Groups {
            by_id: BTreeMap::from([("log-processor".to_owned(), group)]),
            complete_at: None,
        }
    }
}
