//! Writes the records.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{Intent, Outcome};
use crate::records::{NewRecord, RecordWriter};
use crate::time_limits;

/// An outcome is written by a task of its own, so that nobody waits for it who is gone.
const OUTCOME_ATTEMPTS: u32 = 5;

/// The audit topic. Cheap to clone.
#[derive(Clone)]
pub struct Trail {
    records: RecordWriter,
    topic: Arc<str>,
    /// Tells this process from others that were started in the same millisecond.
    process: u32,
    numbered: Arc<AtomicU64>,
}

impl Trail {
    /// Writes to `topic`.
    #[must_use]
    pub fn new(records: RecordWriter, topic: &str) -> Self {
        let process = RandomState::new().hash_one(std::process::id());
        Self {
            records,
            topic: topic.into(),
            process: u32::try_from(process & u64::from(u32::MAX)).unwrap_or_default(),
            numbered: Arc::default(),
        }
    }

    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// An id for a write that begins at `at`.
    #[must_use]
    pub fn next_id(&self, at: Timestamp) -> String {
        let number = self.numbered.fetch_add(1, Ordering::Relaxed);
        format!(
            "{:013}-{:08x}-{number:06}",
            at.as_millisecond(),
            self.process
        )
    }

    /// Writes an intent and waits until all replicas in sync have it.
    ///
    /// # Errors
    /// It is not known to be there, and why.
    pub async fn intend(&self, intent: &Intent) -> Result<(), String> {
        let written = self.write(&intent.audit_id, "intent", intent);
        match tokio::time::timeout(time_limits::INTENT, written).await {
            Ok(written) => written,
            Err(_) => Err(format!(
                "no acknowledgement within {:?}",
                time_limits::INTENT
            )),
        }
    }

    /// Writes an outcome, again where that fails. Without it the write reads as unknown, which is what it
    /// is for whoever reads the log.
    pub async fn conclude(&self, outcome: Outcome) {
        for attempt in 1..=OUTCOME_ATTEMPTS {
            match self.write(&outcome.audit_id, "outcome", &outcome).await {
                Ok(()) => return,
                Err(why) => {
                    let id = &outcome.audit_id;
                    tracing::warn!(
                        id,
                        attempt,
                        why,
                        "the outcome of a write is not in the audit log"
                    );
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Keyed uniquely: compaction never erases a record, and writing one twice leaves one.
    async fn write(&self, id: &str, kind: &str, record: &impl Serialize) -> Result<(), String> {
        let mut value = json!({"kind": kind});
        let fields = serde_json::to_value(record).map_err(|error| error.to_string())?;
        if let (Some(value), Some(fields)) = (value.as_object_mut(), fields.as_object()) {
            value.extend(fields.clone());
        }
        let record = NewRecord {
            topic: self.topic.to_string(),
            partition: None,
            key: Some(format!("{id}:{kind}")),
            value: value.to_string(),
        };
        let written = self.records.produce(record).await;
        written.map(drop).map_err(|error| error.to_string())
    }
}
