//! Bounded reading of ranges of offsets, by assignment: no group, no commit, a sure end.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::Message;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::{Connection, CredentialsWatch, ErrorKind, KafkaError};

/// Offsets `from..to` of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionRange {
    /// Partition id.
    pub partition: i32,
    /// First offset to read.
    pub from: i64,
    /// One past the last offset to read.
    pub to: i64,
}

/// Where reading ends at the latest.
#[derive(Debug, Clone, Copy)]
pub struct ReadLimits {
    /// Total time.
    pub deadline: Duration,
    /// Number of records.
    pub max_records: u64,
    /// Bytes of keys and payloads.
    pub max_bytes: u64,
    /// Memory for records that librdkafka holds ready, in KiB.
    pub buffer_kib: u32,
}

impl ReadLimits {
    /// No limit but time; 32 MiB of buffer.
    #[must_use]
    pub fn within(deadline: Duration) -> Self {
        Self {
            deadline,
            max_records: u64::MAX,
            max_bytes: u64::MAX,
            buffer_kib: 32 * 1024,
        }
    }
}

/// One record, borrowed for the time of the callback.
#[derive(Debug, Clone, Copy)]
pub struct ReadRecord<'a> {
    /// Partition id.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Milliseconds since 1970, where the record has a time.
    pub timestamp_ms: Option<i64>,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Payload; `None` is a tombstone.
    pub payload: Option<&'a [u8]>,
}

/// Why reading ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadEnd {
    /// Every range was read to its end.
    Complete,
    /// The callback broke off.
    Stopped,
    /// `max_records` or `max_bytes` was reached.
    Limited,
    /// Time ran out; these partitions were not read to their end.
    DeadlineReached {
        /// Partition ids.
        unfinished: Vec<i32>,
    },
}

/// How long a refused login may come of a password that is being renewed.
const RENEWAL: Duration = Duration::from_secs(10);
/// How long one poll waits: short enough to keep to a deadline.
pub(crate) const POLL: Duration = Duration::from_millis(100);

impl<'a> ReadRecord<'a> {
    pub(crate) fn of(message: &'a impl Message) -> Self {
        Self {
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis(),
            key: message.key(),
            payload: message.payload(),
        }
    }
}

/// What a reader waits for, beside what is [retriable](KafkaError::retriable).
pub(crate) struct Patience {
    may_be_renewed: bool,
    renewed_until: Instant,
}

impl Patience {
    pub(crate) fn new(connection: &Connection) -> Self {
        Self {
            may_be_renewed: connection.may_be_renewed(),
            renewed_until: Instant::now() + RENEWAL,
        }
    }

    /// Whether reading goes on after `error`.
    pub(crate) fn bears(&self, error: &KafkaError) -> bool {
        // A password that was just renewed is known to the brokers a moment later.
        let renewed = error.kind == ErrorKind::Unauthenticated
            && self.may_be_renewed
            && Instant::now() < self.renewed_until;
        error.retriable() || renewed
    }
}

/// Reads `ranges` of `topic` and hands every record to `on_record`, partitions interleaved, each in
/// order of offsets. Blocks its thread, up to the deadline: call it through `spawn_blocking`.
///
/// Offsets without a record (transaction markers, compaction) are passed over: the end of a range is
/// recognised by the position, not by a count.
///
/// # Errors
/// What Kafka answers when a partition cannot be read at all (unknown, denied, offset out of range).
pub fn read_ranges(
    connection: &Connection,
    topic: &str,
    ranges: &[PartitionRange],
    limits: ReadLimits,
    mut on_record: impl FnMut(ReadRecord<'_>) -> ControlFlow<()>,
) -> Result<ReadEnd, KafkaError> {
    let mut open: BTreeMap<i32, i64> = ranges
        .iter()
        .filter(|range| range.from < range.to)
        .map(|range| (range.partition, range.to))
        .collect();
    if open.is_empty() {
        return Ok(ReadEnd::Complete);
    }
    let end = Instant::now() + limits.deadline;
    let mut config = config(connection, limits.buffer_kib);
    config
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error");
    let starts = ranges
        .iter()
        .filter(|range| range.from < range.to)
        .map(|range| (range.partition, Offset::Offset(range.from)));
    let (consumer, mut watch) = assigned(connection, &config, topic, starts)?;
    let patience = Patience::new(connection);
    let (mut records, mut bytes) = (0_u64, 0_u64);
    while !open.is_empty() {
        if Instant::now() >= end {
            return Ok(ReadEnd::DeadlineReached {
                unfinished: open.into_keys().collect(),
            });
        }
        let message = match consumer.poll(POLL) {
            None => {
                watch.look(consumer.client());
                continue;
            }
            Some(Ok(message)) => message,
            Some(Err(ClientError::PartitionEOF(partition))) => {
                // The log ends here; a range beyond it (records lost meanwhile) has nothing more.
                open.remove(&partition);
                continue;
            }
            Some(Err(error)) => {
                let error = failed(&error);
                if patience.bears(&error) {
                    continue;
                }
                return Err(error);
            }
        };
        let Some(&to) = open.get(&message.partition()) else {
            continue;
        };
        if message.offset() + 1 >= to {
            open.remove(&message.partition());
        }
        if message.offset() >= to {
            continue;
        }
        records += 1;
        bytes += (message.key_len() + message.payload_len()) as u64;
        if on_record(ReadRecord::of(&message)).is_break() {
            return Ok(ReadEnd::Stopped);
        }
        if records >= limits.max_records || bytes >= limits.max_bytes {
            return Ok(ReadEnd::Limited);
        }
    }
    Ok(ReadEnd::Complete)
}

/// What is left in a consumer's queue when it goes, such as the ends of partitions, is no error.
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: ClientError, reason: &str) {
        tracing::debug!(%error, reason, "reader");
    }
}

impl ConsumerContext for Quiet {}

pub(crate) fn failed(error: &ClientError) -> KafkaError {
    KafkaError::of_client("Fetch", error)
}

/// What all readers set; `buffer_kib` is for records that are held ready.
pub(crate) fn config(connection: &Connection, buffer_kib: u32) -> ClientConfig {
    // The group id is demanded by librdkafka; nothing is ever committed or joined under it.
    let mut config = connection.consumer_config("reader", "reader-without-commits");
    config
        .set("fetch.wait.max.ms", "50")
        // A partition whose queue was full for a moment would not be fetched again for a second.
        .set("fetch.queue.backoff.ms", "5")
        .set("queued.max.messages.kbytes", buffer_kib.to_string())
        .set("fetch.error.backoff.ms", "50");
    config
}

/// A consumer of these partitions of `topic`, each from its start on.
pub(crate) fn assigned(
    connection: &Connection,
    config: &ClientConfig,
    topic: &str,
    starts: impl IntoIterator<Item = (i32, Offset)>,
) -> Result<(BaseConsumer<Quiet>, CredentialsWatch), KafkaError> {
    let consumer: BaseConsumer<Quiet> =
        BaseConsumer::from_config_and_context(config, Quiet).map_err(|error| failed(&error))?;
    let assignment = partitions(topic, starts)?;
    consumer
        .assign(&assignment)
        .map_err(|error| failed(&error))?;
    Ok((consumer, CredentialsWatch::new(connection, config)))
}

/// The partitions of `topic` and where each starts, as librdkafka takes them.
pub(crate) fn partitions(
    topic: &str,
    starts: impl IntoIterator<Item = (i32, Offset)>,
) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (partition, start) in starts {
        list.add_partition_offset(topic, partition, start)
            .map_err(|error| failed(&error))?;
    }
    Ok(list)
}
