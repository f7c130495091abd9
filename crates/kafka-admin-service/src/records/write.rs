//! Producing one record and waiting for its acknowledgement.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kafka_cluster::{
    Connection, Delivery, DeliveryObserver, KafkaError, Persistence, RecordProducer, SendError,
    codes,
};
use tokio::sync::oneshot;

use crate::time_limits;

/// librdkafka gives a record up after this; below the usual request time-out.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// Its report comes a little later.
const REPORT_MARGIN: Duration = Duration::from_secs(2);

/// A record to be produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Topic.
    pub topic: String,
    /// Partition; by key, or any, when `None`.
    pub partition: Option<i32>,
    /// Key.
    pub key: Option<String>,
    /// Value.
    pub value: String,
}

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Partition.
    pub partition: i32,
    /// Offset; unknown where the broker recognised a retry of what it had already.
    pub offset: Option<i64>,
}

/// Why a record was not acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProduceError {
    /// Too many are under way.
    #[error("too many records are under way")]
    QueueFull,
    /// It is not in the log.
    #[error(transparent)]
    NotWritten(KafkaError),
    /// It may be in the log: the answer was lost.
    #[error("it may have been written: {0}")]
    Unknown(KafkaError),
}

/// Produces records one by one. Cheap to clone; connects with the first record.
#[derive(Clone)]
pub struct RecordWriter {
    connection: Connection,
    patience: Duration,
    producer: Arc<Mutex<Option<Arc<RecordProducer<Waiting>>>>>,
    waiting: Arc<Waiting>,
}

type Outcome = Result<Written, ProduceError>;

/// Who waits for which record.
#[derive(Default)]
struct Waiting {
    by_token: Mutex<HashMap<usize, oneshot::Sender<Outcome>>>,
    next: AtomicUsize,
}

impl Waiting {
    fn register(&self) -> (usize, oneshot::Receiver<Outcome>) {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(token, sender);
        (token, receiver)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<usize, oneshot::Sender<Outcome>>> {
        // Entries are put in and taken out whole.
        self.by_token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeliveryObserver for Waiting {
    fn delivered(&self, token: usize, delivery: &Delivery) {
        let outcome = match delivery {
            Delivery::Acknowledged { partition, offset } => Ok(Written {
                partition: *partition,
                offset: *offset,
            }),
            Delivery::Failed { persistence, error } => Err(match persistence {
                Persistence::NotPersisted => ProduceError::NotWritten(error.clone()),
                Persistence::PossiblyPersisted => ProduceError::Unknown(error.clone()),
            }),
        };
        if let Some(sender) = self.lock().remove(&token) {
            // Whoever asked may be gone.
            let _ = sender.send(outcome);
        }
    }
}

impl RecordWriter {
    /// Produces through `connection`.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            patience: DELIVERY_TIMEOUT,
            producer: Arc::default(),
            waiting: Arc::default(),
        }
    }

    /// Gives a record up only after `patience`, 10 s unless told.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Produces `record` and waits until all replicas in sync have it.
    ///
    /// # Errors
    /// See [`ProduceError`].
    pub async fn produce(&self, record: NewRecord) -> Outcome {
        let producer = self.producer().map_err(ProduceError::NotWritten)?;
        let outcome = match self.send(&producer, &record).await {
            Err(ProduceError::NotWritten(error)) if is_unknown(&error) => {
                // librdkafka looks for partitions that were added every five minutes by itself.
                let topic = record.topic.clone();
                let known = producer.clone();
                let looked = move || known.warm_up(&topic, time_limits::DETAIL);
                match tokio::task::spawn_blocking(looked).await {
                    Ok(looked) => looked.map_err(ProduceError::NotWritten)?,
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                };
                self.send(&producer, &record).await
            }
            outcome => outcome,
        };
        outcome.map_err(|error| match error {
            ProduceError::QueueFull => error,
            ProduceError::NotWritten(error) => ProduceError::NotWritten(producer.explain(error)),
            ProduceError::Unknown(error) => ProduceError::Unknown(producer.explain(error)),
        })
    }

    async fn send(&self, producer: &RecordProducer<Waiting>, record: &NewRecord) -> Outcome {
        let (token, outcome) = self.waiting.register();
        let key = record.key.as_deref().map(str::as_bytes);
        let value = record.value.as_bytes();
        let sent = producer.send(&record.topic, record.partition, key, value, token);
        if let Err(error) = sent {
            self.waiting.lock().remove(&token);
            return Err(match error {
                SendError::QueueFull => ProduceError::QueueFull,
                SendError::Refused(error) => ProduceError::NotWritten(error),
            });
        }
        match tokio::time::timeout(self.patience + REPORT_MARGIN, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => {
                self.waiting.lock().remove(&token);
                let code = codes::LOCAL_TIMED_OUT;
                let error = KafkaError::of_write("Produce", code, "no delivery report in time");
                Err(ProduceError::Unknown(error))
            }
        }
    }

    fn producer(&self) -> Result<Arc<RecordProducer<Waiting>>, KafkaError> {
        let mut slot = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = &*slot {
            match producer.fatal_error() {
                None => return Ok(producer.clone()),
                Some(error) => {
                    tracing::warn!(%error, "a new producer takes the place of one that is done for");
                }
            }
        }
        let mut config = self.connection.producer_config("records");
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .set("delivery.timeout.ms", self.patience.as_millis().to_string());
        let producer = RecordProducer::new(&config, self.waiting.clone())?;
        let producer = Arc::new(producer.keeping_up_with(&self.connection, &config)?);
        Ok(slot.insert(producer).clone())
    }
}

/// The client does not know what it was asked for; nothing was sent.
fn is_unknown(error: &KafkaError) -> bool {
    [codes::LOCAL_UNKNOWN_PARTITION, codes::LOCAL_UNKNOWN_TOPIC].contains(&error.code)
}
