//! What one reading of a group alone cannot tell: since when a commit has not moved, and how the lag
//! went.

use std::collections::{BTreeMap, VecDeque};

use kafka_cluster::TopicPartition;

use crate::moment::Moment;

/// Measurements of the lag that are looked back upon.
const SAMPLES: usize = 24;

/// The course of one group so far.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// The commit on each partition, and the reading that first showed it.
    pub commits: BTreeMap<TopicPartition, Commit>,
    /// Known lag by time, oldest first.
    pub lags: VecDeque<(Moment, u64)>,
}

/// One commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// Offset.
    pub offset: i64,
    /// First seen there.
    pub since: Moment,
}

impl Course {
    /// The course that goes on with a reading of commits and of the lag, asked for at `at`.
    pub(super) fn next<'a>(
        earlier: Option<&Self>,
        commits: impl Iterator<Item = (&'a TopicPartition, i64)>,
        lag: Option<u64>,
        at: Moment,
    ) -> Self {
        let before = |partition| earlier.and_then(|course| course.commits.get(partition));
        let commits = commits.map(|(partition, offset)| {
            let commit = match before(partition) {
                Some(commit) if commit.offset == offset => *commit,
                _ => Commit { offset, since: at },
            };
            (partition.clone(), commit)
        });
        let mut lags = earlier
            .map(|course| course.lags.clone())
            .unwrap_or_default();
        lags.extend(lag.map(|lag| (at, lag)));
        while lags.len() > SAMPLES {
            lags.pop_front();
        }
        Self {
            commits: commits.collect(),
            lags,
        }
    }
}
