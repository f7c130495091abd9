//! Following a topic: reading without an end, by assignment, through elections and lost brokers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;

use crate::reader::{POLL, Patience, Quiet, assigned, config, failed, partitions};
use crate::{Connection, KafkaError, ReadRecord};

/// Partitions that were added to the topic are looked for once in this time.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// No longer than this does the look keep records waiting.
const LOOK: Duration = Duration::from_secs(1);

/// What is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The first offset of each partition; `None` is the end of its log as it is once its leader answers.
    pub from: BTreeMap<i32, Option<i64>>,
    /// Partitions that are added later are read as well, from their beginning.
    pub added_partitions: bool,
    /// Memory for records that librdkafka holds ready, in KiB.
    pub buffer_kib: u32,
}

/// Hands every record of `topic` to `on_record`, in order within a partition, until that breaks off;
/// `None` tells that nothing has come for a moment. Blocks its thread: call it through
/// `spawn_blocking`.
///
/// Where retention took away what was to come next, reading goes on with the oldest record that is there.
///
/// # Errors
/// What Kafka answers when the topic is gone or may not be read. What may pass is waited for.
pub fn follow(
    connection: &Connection,
    topic: &str,
    what: &Followed,
    mut on_record: impl FnMut(Option<ReadRecord<'_>>) -> ControlFlow<()>,
) -> Result<(), KafkaError> {
    let mut config = config(connection, what.buffer_kib);
    config.set("auto.offset.reset", "earliest");
    let starts = what.from.iter();
    let starts = starts.map(|(id, first)| (*id, first.map_or(Offset::End, Offset::Offset)));
    let (consumer, mut watch) = assigned(connection, &config, topic, starts)?;
    let patience = Patience::new(connection);
    let mut known: Vec<i32> = what.from.keys().copied().collect();
    let mut next_look = Instant::now() + LOOK_EVERY;
    loop {
        let flow = match consumer.poll(POLL) {
            Some(Ok(message)) => on_record(Some(ReadRecord::of(&message))),
            Some(Err(error)) => {
                let error = failed(&error);
                if !patience.bears(&error) {
                    return Err(error);
                }
                on_record(None)
            }
            None => {
                watch.look(consumer.client());
                on_record(None)
            }
        };
        if flow.is_break() {
            return Ok(());
        }
        if what.added_partitions && Instant::now() >= next_look {
            known.extend(take_up_new(&consumer, topic, &known)?);
            next_look = Instant::now() + LOOK_EVERY;
        }
    }
}

/// Reads partitions that were added to the topic as well; tells which.
fn take_up_new(
    consumer: &BaseConsumer<Quiet>,
    topic: &str,
    known: &[i32],
) -> Result<Vec<i32>, KafkaError> {
    // No broker may answer just now.
    let Ok(metadata) = consumer.fetch_metadata(Some(topic), LOOK) else {
        return Ok(Vec::new());
    };
    let Some(there) = metadata.topics().first() else {
        return Ok(Vec::new());
    };
    let error = there.error().map(RDKafkaErrorCode::from);
    if let Some(gone @ RDKafkaErrorCode::UnknownTopicOrPartition) = error {
        return Err(KafkaError::of_read("Fetch", gone as i32, ""));
    }
    let ids = there.partitions().iter().map(|partition| partition.id());
    let new: Vec<i32> = ids.filter(|id| !known.contains(id)).collect();
    if !new.is_empty() {
        let starts = new.iter().map(|id| (*id, Offset::Beginning));
        consumer
            .incremental_assign(&partitions(topic, starts)?)
            .map_err(|error| failed(&error))?;
    }
    Ok(new)
}
