//! What was there before offsets were moved or removed, so that it can be restored: on disk where the
//! service has a folder, until its restart otherwise. A deleted group is not kept: it is gone for good, and the
//! answer and the audit have what it had committed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use kafka_cluster::TopicPartition;
use serde::{Deserialize, Serialize};
use service_kit::Journal;

/// Changes that are kept, over all groups. One of 100 partitions is some 6 kB.
const MOST_KEPT: usize = 1_000;
const FILE: &str = "offset-changes.jsonl";

/// The commits of a group on some partitions, as they were before a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Names this change among all.
    pub id: u64,
    /// When.
    #[serde(with = "service_kit::time::millis")]
    pub time: Timestamp,
    /// Whose.
    pub group_id: String,
    /// What was done then: `reset`, `delete_offsets`.
    pub action: String,
    /// The commits before it; null where there was none.
    pub before: Vec<KeptOffset>,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptOffset {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// The committed offset; null where there was none.
    pub offset: Option<i64>,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Kept(Kept),
    /// The change of this id was taken back.
    Undone(u64),
}

/// The kept changes. Clones share them.
#[derive(Clone)]
pub struct History {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    journal: Option<Journal<Line>>,
    by_group: BTreeMap<String, Vec<Kept>>,
    next_id: u64,
}

impl History {
    /// Reads what is kept in `folder`; without one nothing outlives the service.
    ///
    /// # Errors
    /// The file cannot be read or written, or another process has it.
    pub fn open(folder: Option<&Path>) -> anyhow::Result<Self> {
        let (journal, lines) = Journal::open_in(folder, FILE, MOST_KEPT)?;
        let mut inner = Inner {
            journal,
            by_group: BTreeMap::new(),
            next_id: 1,
        };
        lines.into_iter().for_each(|line| inner.take_in(line));
        Ok(Self {
            inner: Arc::new(Mutex::new(inner)),
        })
    }

    /// Whether what is kept outlives the service.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.with(|inner| inner.journal.is_some())
    }

    /// Keeps `before`; returns once that is on the disk, where there is one. Blocks on the disk.
    ///
    /// # Errors
    /// It could not be written: then nothing should be changed.
    pub fn keep(
        &self,
        group_id: &str,
        action: &str,
        before: &BTreeMap<TopicPartition, Option<i64>>,
    ) -> std::io::Result<u64> {
        self.with(|inner| {
            let id = inner.next_id;
            let before = before.iter().map(|(partition, offset)| KeptOffset {
                topic: partition.topic.clone(),
                partition: partition.partition,
                offset: *offset,
            });
            inner.write(Line::Kept(Kept {
                id,
                time: service_kit::time::now(),
                group_id: group_id.to_owned(),
                action: action.to_owned(),
                before: before.collect(),
            }))?;
            Ok(id)
        })
    }

    /// The newest change to a group that was not taken back.
    #[must_use]
    pub fn last(&self, group_id: &str) -> Option<Kept> {
        self.with(|inner| inner.by_group.get(group_id)?.last().cloned())
    }

    /// Forgets the change `id`: it was taken back, or never made. Blocks on the disk.
    ///
    /// # Errors
    /// It could not be written.
    pub fn forget(&self, id: u64) -> std::io::Result<()> {
        self.with(|inner| inner.write(Line::Undone(id)))
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Inner) -> T) -> T {
        // Lines are taken in as a whole: a panic cannot leave it half changed.
        use_it(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn write(&mut self, line: Line) -> std::io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.append(&line)?;
        }
        self.take_in(line);
        Ok(())
    }

    fn take_in(&mut self, line: Line) {
        match line {
            Line::Kept(kept) => {
                self.next_id = self.next_id.max(kept.id + 1);
                let of_group = self.by_group.entry(kept.group_id.clone()).or_default();
                of_group.push(kept);
                if of_group.len() > MOST_KEPT {
                    of_group.remove(0);
                }
            }
            Line::Undone(id) => {
                for kept in self.by_group.values_mut() {
                    kept.retain(|kept| kept.id != id);
                }
                self.by_group.retain(|_, kept| !kept.is_empty());
            }
        }
    }
}

impl Kept {
    /// What is to be restored.
    #[must_use]
    pub fn offsets(&self) -> BTreeMap<TopicPartition, Option<i64>> {
        let before = self.before.iter();
        before
            .map(|kept| {
                let partition = TopicPartition::new(&kept.topic, kept.partition);
                (partition, kept.offset)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(offset: Option<i64>) -> BTreeMap<TopicPartition, Option<i64>> {
        BTreeMap::from([(TopicPartition::new("a", 0), offset)])
    }

    #[test]
    fn the_newest_change_that_was_not_taken_back_is_the_last() {
        let history = History::open(None).unwrap();
        history.keep("g", "reset", &offsets(Some(5))).unwrap();
        let second = history.keep("g", "delete_offsets", &offsets(None)).unwrap();
        assert_eq!(history.last("g").unwrap().offsets(), offsets(None));
        history.forget(second).unwrap();
        assert_eq!(history.last("g").unwrap().offsets(), offsets(Some(5)));
        assert_eq!(history.last("other"), None);
        assert!(!history.is_durable());
    }

    #[test]
    fn what_is_kept_in_a_folder_outlives_the_service() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(Some(folder.path())).unwrap();
        let first = history.keep("g", "reset", &offsets(Some(5))).unwrap();
        history.keep("h", "reset", &offsets(None)).unwrap();
        history.forget(first).unwrap();
        drop(history);
        let history = History::open(Some(folder.path())).unwrap();
        assert_eq!(history.last("g"), None);
        assert_eq!(history.last("h").unwrap().offsets(), offsets(None));
        assert!(history.keep("g", "reset", &offsets(None)).unwrap() > first);
        assert!(history.is_durable());
    }
}
