//! What deleted topics looked like, so that their shells can be made again: on disk where the service
//! has a folder, until its restart otherwise.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use service_kit::Journal;

use super::{PartitionCount, ReplicationFactor, TopicName, TopicSpec};

/// Deletions that are kept.
const MOST_KEPT: usize = 1_000;
const FILE: &str = "deleted-topics.jsonl";

/// A topic just before it was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    /// When it was recorded.
    #[serde(with = "service_kit::time::millis")]
    pub time: Timestamp,
    /// Its name.
    pub topic_name: String,
    /// Number of partitions.
    pub partitions: i32,
    /// Copies of each.
    pub replication_factor: i32,
    /// The settings that it had of its own.
    pub configs: BTreeMap<String, String>,
    /// Why it was deleted, where somebody said so.
    pub reason: Option<String>,
}

/// The recorded shapes. Clones share them.
#[derive(Clone)]
pub struct Shapes {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    journal: Option<Journal<Shape>>,
    latest: BTreeMap<String, Shape>,
}

impl Shapes {
    /// Reads what is kept in `folder`; without one nothing outlives the service.
    ///
    /// # Errors
    /// The file cannot be read or written, or another process has it.
    pub fn open(folder: Option<&Path>) -> anyhow::Result<Self> {
        let (journal, shapes) = Journal::open_in(folder, FILE, MOST_KEPT)?;
        let latest = shapes
            .into_iter()
            .map(|shape: Shape| (shape.topic_name.clone(), shape))
            .collect();
        Ok(Self {
            inner: Arc::new(Mutex::new(Inner { journal, latest })),
        })
    }

    /// Records a topic; returns once that is on the disk, where there is one. Blocks on the disk.
    ///
    /// # Errors
    /// It could not be written: then it should not be deleted.
    pub fn record(&self, topic: &TopicSpec, reason: Option<String>) -> std::io::Result<Shape> {
        let shape = Shape {
            time: service_kit::time::now(),
            topic_name: topic.name.to_string(),
            partitions: topic.partitions.get(),
            replication_factor: topic.replication_factor.get(),
            configs: topic.configs.clone(),
            reason,
        };
        self.with(|inner| {
            if let Some(journal) = &mut inner.journal {
                journal.append(&shape)?;
            }
            let name = shape.topic_name.clone();
            inner.latest.insert(name, shape.clone());
            if inner.latest.len() > MOST_KEPT {
                let oldest = inner.latest.values().min_by_key(|shape| shape.time);
                let oldest = oldest.map(|shape| shape.topic_name.clone());
                oldest.and_then(|name| inner.latest.remove(&name));
            }
            Ok(shape)
        })
    }

    /// The latest topic of this name that was deleted, with the time.
    #[must_use]
    pub fn latest(&self, name: &TopicName) -> Option<(TopicSpec, Timestamp)> {
        let shape = self.with(|inner| inner.latest.get(name.as_str()).cloned())?;
        let spec = TopicSpec {
            name: name.clone(),
            partitions: PartitionCount::new(shape.partitions.into()).ok()?,
            replication_factor: ReplicationFactor::new(shape.replication_factor.into()).ok()?,
            configs: shape.configs,
        };
        Some((spec, shape.time))
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Inner) -> T) -> T {
        // Whole shapes are put in: a panic cannot leave it half changed.
        use_it(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::Document;

    fn topic(partitions: i32) -> TopicSpec {
        let text = format!(
            "topics:\n  - {{name: a, partitions: {partitions}, replicationFactor: 3, \
             configs: {{retention.ms: 5}}}}\n"
        );
        Document::parse(&text).unwrap().topics.remove(0)
    }

    #[test]
    fn the_latest_shape_of_a_name_is_the_one_that_is_kept() {
        let shapes = Shapes::open(None).unwrap();
        assert_eq!(shapes.latest(&topic(1).name), None);
        shapes.record(&topic(1), None).unwrap();
        shapes.record(&topic(2), Some("moved".to_owned())).unwrap();
        assert_eq!(shapes.latest(&topic(1).name).unwrap().0, topic(2));
    }

    #[test]
    fn what_is_recorded_in_a_folder_outlives_the_service() {
        let folder = tempfile::tempdir().unwrap();
        let shapes = Shapes::open(Some(folder.path())).unwrap();
        shapes.record(&topic(2), None).unwrap();
        drop(shapes);
        let shapes = Shapes::open(Some(folder.path())).unwrap();
        assert_eq!(shapes.latest(&topic(1).name).unwrap().0, topic(2));
    }
}
