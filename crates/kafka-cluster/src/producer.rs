//! A producer whose every record is accounted for: acknowledged, or failed and how surely.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{Producer, ProducerContext, ThreadedProducer};

use crate::credentials::{CredentialsWatch, LOOK_EVERY};
use crate::native;
use crate::{Connection, KafkaError, codes};

/// What became of one record.
#[derive(Debug)]
pub enum Delivery {
    /// As many replicas as `acks` asks for have it.
    Acknowledged {
        /// Partition it went to.
        partition: i32,
        /// Its offset; unknown where the broker recognised a retry of what it had already written.
        offset: Option<i64>,
    },
    /// Not acknowledged.
    Failed {
        /// Whether it may be in the log all the same.
        persistence: Persistence,
        /// Why.
        error: KafkaError,
    },
}

/// Whether a record that was not acknowledged may be in the log.
/// Source: `rdkafka.h`, `rd_kafka_msg_status_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// Never sent, or refused: certainly not written.
    NotPersisted,
    /// Sent, and the answer was lost: possibly written.
    PossiblyPersisted,
}

/// Receives the outcome of each record: be quick, never block.
///
/// Calls come from the producer's own poll thread, and from the thread that is in
/// [`RecordProducer::drain`] at the same time.
pub trait DeliveryObserver: Send + Sync + 'static {
    /// Called once for each record that [`RecordProducer::send`] took; `token` is what was given
    /// there.
    fn delivered(&self, token: usize, delivery: &Delivery);

    /// librdkafka's statistics as JSON, every `statistics.interval.ms` where that is set.
    fn statistics(&self, _json: &[u8]) {}

    /// An error of the client as a whole, such as a lost connection; the records that it costs have
    /// outcomes of their own. `reason` is librdkafka's wording, with the broker's name.
    fn client_error(&self, _error: &KafkaError, _reason: &str) {}
}

/// Why a record was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The local queue is full: wait 100-200 microseconds and send again.
    #[error("the producer's queue is full")]
    QueueFull,
    /// It never will be taken as it is.
    #[error(transparent)]
    Refused(#[from] KafkaError),
}

/// A producer with its own poll thread.
///
/// Dropping it and its [`TopicProducer`]s purges what is still queued: [`RecordProducer::drain`] first.
pub struct RecordProducer<O: DeliveryObserver> {
    inner: Arc<ThreadedProducer<Observed<O>>>,
}

impl<O: DeliveryObserver> RecordProducer<O> {
    /// Makes a producer from settings such as
    /// [`Connection::producer_config`](crate::Connection::producer_config) gives, plus the caller's
    /// own. Does not wait for Kafka.
    ///
    /// # Errors
    /// A property that librdkafka does not know or accept, or properties that contradict each other.
    pub fn new(config: &ClientConfig, observer: Arc<O>) -> Result<Self, KafkaError> {
        ThreadedProducer::from_config_and_context(config, Observed(observer))
            .map(|inner| Self {
                inner: Arc::new(inner),
            })
            .map_err(|error| KafkaError::of_client("create producer", &error))
    }

    /// Takes up the new password of a connection whose file gets one, for as long as it lives. `config`
    /// is what it was made from.
    ///
    /// # Errors
    /// The operating system gave no thread.
    pub fn keeping_up_with(
        self,
        connection: &Connection,
        config: &ClientConfig,
    ) -> Result<Self, KafkaError> {
        if connection.may_be_renewed() {
            let mut watch = CredentialsWatch::new(connection, config);
            let producer = Arc::downgrade(&self.inner);
            let look = move || {
                while let Some(producer) = producer.upgrade() {
                    watch.look(producer.client());
                    drop(producer);
                    std::thread::sleep(LOOK_EVERY);
                }
            };
            let thread = std::thread::Builder::new().name("kafka-credentials".into());
            thread.spawn(look).map_err(|error| {
                let message = format!("cannot start a thread: {error}");
                KafkaError::of_read("create producer", codes::LOCAL_INVALID_ARG, message)
            })?;
        }
        Ok(self)
    }

    /// The way to one topic, looked up once: for whoever sends many records.
    ///
    /// # Errors
    /// A name that Kafka cannot have.
    pub fn topic(&self, name: &str) -> Result<TopicProducer<O>, KafkaError> {
        Ok(TopicProducer {
            topic: native::ProduceTopic::of(self.inner.client(), name)?,
            _producer: Arc::clone(&self.inner),
        })
    }

    /// Hands one record over, as [`TopicProducer::send`] does, to a topic that is looked up for it.
    ///
    /// # Errors
    /// As there.
    pub fn send(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        payload: &[u8],
        token: usize,
    ) -> Result<(), SendError> {
        self.topic(topic)?.send(partition, key, payload, token)
    }

    /// Why it will never send again, if so, as after an idempotent producer's right was taken away: a new one may.
    #[must_use]
    pub fn fatal_error(&self) -> Option<KafkaError> {
        native::fatal_error(self.inner.client())
    }

    /// The reason of a record's failure, where that only says that the producer is done for and threw away what
    /// it had.
    #[must_use]
    pub fn explain(&self, error: KafkaError) -> KafkaError {
        match error.code {
            codes::LOCAL_FATAL | codes::LOCAL_PURGE_QUEUE | codes::LOCAL_PURGE_INFLIGHT => {
                self.fatal_error().unwrap_or(error)
            }
            _ => error,
        }
    }

    /// Records (and other requests) that were taken and have no outcome yet.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        usize::try_from(self.inner.in_flight_count()).unwrap_or(0)
    }

    /// Fetches the metadata of `topic`, so that the first record does not wait for it. Blocks up to
    /// `deadline`. Returns the number of partitions.
    ///
    /// # Errors
    /// No broker answered, or there is no such topic.
    pub fn warm_up(&self, topic: &str, deadline: Duration) -> Result<usize, KafkaError> {
        let metadata = native::blocking_metadata(
            self.inner.client().native_ptr(),
            &native::Topics::One(topic.to_owned()),
            deadline,
        )?;
        Ok(metadata.topics.first().map_or(0, |t| t.partitions.len()))
    }

    /// Waits until every record has its outcome, or the deadline; blocks. Returns how many have none
    /// then. The end of a run is the time of the last outcome, never the return of this call.
    pub fn drain(&self, deadline: Duration) -> usize {
        let end = Instant::now() + deadline;
        while self.in_flight() > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            // flush() sends what lingers at once; its own wait is on a 100 ms grid.
            let _ = self.inner.flush(left.min(Duration::from_millis(100)));
        }
        self.in_flight()
    }

    /// Gives up on all records that have no outcome yet: each is reported as failed.
    pub fn purge(&self) {
        self.inner
            .purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
    }
}

/// Sends to one topic by a producer, and keeps that alive.
pub struct TopicProducer<O: DeliveryObserver> {
    /// Dropped first: librdkafka wants its topics gone before the client.
    topic: native::ProduceTopic,
    _producer: Arc<ThreadedProducer<Observed<O>>>,
}

impl<O: DeliveryObserver> TopicProducer<O> {
    /// Hands one record over; it is copied. Never blocks. `partition`: `None` lets librdkafka choose.
    ///
    /// # Errors
    /// [`SendError::QueueFull`], or that librdkafka refuses the record (too large, unknown partition).
    pub fn send(
        &self,
        partition: Option<i32>,
        key: Option<&[u8]>,
        payload: &[u8],
        token: usize,
    ) -> Result<(), SendError> {
        match self.topic.send(partition, key, payload, token) {
            Ok(()) => Ok(()),
            Err(codes::LOCAL_QUEUE_FULL) => Err(SendError::QueueFull),
            Err(code) => Err(SendError::Refused(KafkaError::of_read("Produce", code, ""))),
        }
    }
}

/// The observer as librdkafka's callbacks need it.
struct Observed<O>(Arc<O>);

impl<O: DeliveryObserver> ClientContext for Observed<O> {
    fn stats_raw(&self, statistics: &[u8]) {
        self.0.statistics(statistics);
    }

    /// librdkafka logs the same by `log`, and the records that it costs have outcomes of their own.
    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "producer");
        self.0
            .client_error(&KafkaError::of_client("Produce", &error), reason);
    }
}

impl<O: DeliveryObserver> ProducerContext for Observed<O> {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, token: usize) {
        let delivery = match result {
            Ok(message) => Delivery::Acknowledged {
                partition: message.partition(),
                offset: (message.offset() >= 0).then(|| message.offset()),
            },
            Err((error, message)) => Delivery::Failed {
                persistence: native::persistence(message),
                error: KafkaError::of_client("Produce", error),
            },
        };
        self.0.delivered(token, &delivery);
    }
}
