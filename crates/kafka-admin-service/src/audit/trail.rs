//! Writes the records.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kafka_cluster::Connection;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Intent, Outcome};
use crate::records::{NewRecord, ProduceError, RecordWriter};
use crate::time_limits;

/// How long librdkafka tries to write a record: a broker may be restarting. Nobody waits for so long; what
/// was given up here and tried again could be there twice.
const PATIENCE: Duration = Duration::from_secs(120);
/// Attempts at an outcome that is known not to be there.
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
    pub fn new(connection: Connection, topic: &str) -> Self {
        let process = RandomState::new().hash_one(std::process::id());
        Self {
            records: RecordWriter::new(connection).with_patience(PATIENCE),
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
            Ok(written) => written.map_err(|error| error.to_string()),
            Err(_) => Err(format!(
                "no acknowledgement within {:?}",
                time_limits::INTENT
            )),
        }
    }

    /// Writes an outcome, again where it is known not to be there. Without it the write reads as unknown,
    /// which is what it is for whoever reads the log.
    pub async fn conclude(&self, outcome: Outcome) {
        for attempt in 1..=OUTCOME_ATTEMPTS {
            match self.write(&outcome.audit_id, "outcome", &outcome).await {
                Ok(()) => return,
                Err(why) => {
                    let id = &outcome.audit_id;
                    tracing::warn!(id, attempt, %why, "the outcome of a write is not in the audit log");
                    if let ProduceError::Unknown(_) = why {
                        return;
                    }
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Keyed uniquely: compaction never erases a record, and writing one twice leaves one.
    async fn write(
        &self,
        id: &str,
        kind: &str,
        record: &impl Serialize,
    ) -> Result<(), ProduceError> {
        let mut value = json!({"kind": kind});
        // Plain data: numbers, texts, and what came as JSON.
        let fields = serde_json::to_value(record).unwrap_or_default();
        if let (Some(value), Value::Object(fields)) = (value.as_object_mut(), fields) {
            value.extend(fields);
        }
        let record = NewRecord {
            topic: self.topic.to_string(),
            partition: None,
            key: Some(format!("{id}:{kind}")),
            value: value.to_string(),
        };
        self.records.produce(record).await.map(drop)
    }
}
