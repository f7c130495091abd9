//! The partition grid: a row for each topic, a square for each partition.

use std::fmt::Write;

use crate::rules::{Judgement, TopicVerdict};
use crate::snapshot::{Partition, Snapshot};

/// Topics and squares that are drawn; what is in trouble comes first, the rest is counted.
const TOPICS: usize = 40;
const SQUARES: usize = 120;

/// The grid.
pub(super) struct Grid {
    pub rows: Vec<Row>,
    /// Topics that are not drawn.
    pub more: usize,
}

/// One topic.
pub(super) struct Row {
    pub topic: String,
    pub internal: bool,
    pub squares: Vec<Square>,
    /// Partitions that are not drawn.
    pub more: usize,
    /// What is wrong, in words; empty when nothing is.
    pub trouble: String,
}

/// One partition.
pub(super) struct Square {
    /// The class of the style.
    pub tone: &'static str,
    /// Everything about it.
    pub title: String,
}

impl Grid {
    pub(super) fn of(snapshot: &Snapshot, judgement: &Judgement) -> Self {
        let Some(seen) = &snapshot.topics.seen else {
            return Self {
                rows: Vec::new(),
                more: 0,
            };
        };
        let mut topics: Vec<_> = judgement.topics.iter().collect();
        topics.sort_by_key(|(name, verdict)| {
            (
                verdict.under_replicated + verdict.offline == 0,
                verdict.internal,
                *name,
            )
        });
        let rows = topics.iter().take(TOPICS).filter_map(|(name, verdict)| {
            let topic = seen.value.by_name.get(*name)?;
            let squares = topic.partitions.iter().take(SQUARES);
            Some(Row {
                topic: (*name).clone(),
                internal: verdict.internal,
                squares: squares.map(|one| square(name, one)).collect(),
                more: topic.partitions.len().saturating_sub(SQUARES),
                trouble: trouble(verdict),
            })
        });
        Self {
            rows: rows.collect(),
            more: topics.len().saturating_sub(TOPICS),
        }
    }
}

fn square(topic: &str, partition: &Partition) -> Square {
    let about = &partition.metadata;
    let tone = if about.leader.is_none() {
        "off"
    } else if about.under_replicated() {
        "short"
    } else {
        "full"
    };
    let leader = about.leader.map_or("none".to_owned(), |id| id.to_string());
    Square {
        tone,
        title: format!(
            "{topic}-{}: leader {leader}, in sync {} of {}",
            about.id,
            ids(&about.in_sync_replicas),
            ids(&about.replicas)
        ),
    }
}

fn ids(brokers: &[i32]) -> String {
    let ids: Vec<_> = brokers.iter().map(ToString::to_string).collect();
    if ids.is_empty() {
        "none".to_owned()
    } else {
        ids.join(",")
    }
}

fn trouble(verdict: &TopicVerdict) -> String {
    let mut words = String::new();
    let mut add = |count: usize, what: &str| {
        if count > 0 {
            let comma = if words.is_empty() { "" } else { ", " };
            let _ = write!(words, "{comma}{count} {what}");
        }
    };
    add(verdict.offline, "without leader");
    add(verdict.under_replicated, "under-replicated");
    add(verdict.under_min_in_sync.unwrap_or(0), "refuse writes");
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Cluster, topic};
    use crate::rules::{Limits, judge};

    #[test]
    fn topics_in_trouble_come_first_and_each_square_tells_of_its_partition() {
        let mut cluster = Cluster::healthy();
        cluster.show(&[
            topic("a", &[(Some(1), &[1, 2, 3], &[1, 2, 3])]),
            topic(
                "b",
                &[(Some(2), &[1, 2, 3], &[2, 3]), (None, &[1, 2, 3], &[])],
            ),
        ]);
        let judgement = judge(&cluster.snapshot, cluster.now, &Limits::default());
        let grid = Grid::of(&cluster.snapshot, &judgement);
        let names: Vec<_> = grid.rows.iter().map(|row| row.topic.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
        let tones: Vec<_> = grid.rows[0].squares.iter().map(|one| one.tone).collect();
        assert_eq!(tones, ["short", "off"]);
        assert_eq!(
            grid.rows[0].squares[0].title,
            "b-0: leader 2, in sync 2,3 of 1,2,3"
        );
        assert_eq!(grid.rows[1].trouble, "");
        assert!(grid.rows[0].trouble.starts_with("1 without leader"));
    }
}
