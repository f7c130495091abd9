//! Reads the canary's partitions from where they ended when it began, by assignment: it joins no group.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use kafka_cluster::{
    Connection, CredentialsWatch, RunId, Sequenced, SequencedError, TopicPartition,
};
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const POLL: Duration = Duration::from_millis(100);

/// What was read.
pub(super) enum Read {
    /// One of ours.
    Ours { partition: i32, number: u64 },
    /// One that was changed on its way.
    Corrupted { partition: i32 },
    /// None, for want of a right: Kafka's words.
    Denied { said: String },
}

/// The thread that reads; it ends when this is dropped.
pub(super) struct Reader {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Reads the records of `run` from these offsets on.
    ///
    /// # Errors
    /// Settings that librdkafka refuses.
    pub(super) fn start(
        connection: &Connection,
        run: RunId,
        from: &BTreeMap<TopicPartition, i64>,
        mut tell: impl FnMut(Read) + Send + 'static,
    ) -> KafkaResult<Self> {
        let mut config = connection.consumer_config("canary", "kafka-health-canary");
        config
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "250")
            .set("queued.max.messages.kbytes", "256");
        let consumer: BaseConsumer = config.create()?;
        let mut assignment = TopicPartitionList::new();
        for (partition, offset) in from {
            let offset = Offset::Offset(*offset);
            assignment.add_partition_offset(&partition.topic, partition.partition, offset)?;
        }
        consumer.assign(&assignment)?;
        let mut watch = CredentialsWatch::new(connection, &config);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("canary-reader".into());
        let thread = thread.spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                watch.look(consumer.client());
                let read = match consumer.poll(POLL) {
                    Some(Ok(record)) => of_record(record.partition(), record.payload(), run),
                    Some(Err(error)) => of_error(&error),
                    None => None,
                };
                if let Some(read) = read {
                    tell(read);
                }
            }
        });
        Ok(Self {
            stop,
            thread: thread.ok(),
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// `None`: a record of another run, or of somebody else.
fn of_record(partition: i32, payload: Option<&[u8]>, run: RunId) -> Option<Read> {
    let (envelope, rest) = payload?.split_at_checked(Sequenced::LEN)?;
    match Sequenced::read(envelope, rest) {
        Ok(read) if read.run == run => Some(Read::Ours {
            partition,
            number: read.sequence,
        }),
        Ok(_) | Err(SequencedError::Foreign) => None,
        Err(SequencedError::Corrupted) => Some(Read::Corrupted { partition }),
    }
}

/// Other errors pass: a broker that is away comes back, and what is missing meanwhile shows.
fn of_error(error: &KafkaError) -> Option<Read> {
    let code = error.rdkafka_error_code()?;
    (code == RDKafkaErrorCode::TopicAuthorizationFailed).then(|| Read::Denied {
        said: code.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(run: u64) -> Vec<u8> {
        let mut envelope = [0; Sequenced::LEN];
        let sequenced = Sequenced {
            run: RunId(run),
            producer: 2,
            sequence: 7,
        };
        sequenced.write(b" rest", &mut envelope);
        [&envelope[..], b" rest"].concat()
    }

    #[test]
    fn only_records_of_this_run_are_ours_and_a_changed_one_is_told() {
        let of = |payload: &[u8]| of_record(2, Some(payload), RunId(5));
        assert!(matches!(
            of(&payload(5)),
            Some(Read::Ours {
                partition: 2,
                number: 7
            })
        ));
        assert!(of(&payload(6)).is_none());
        assert!(of(b"something else").is_none());
        let mut changed = payload(5);
        *changed.last_mut().unwrap() = b'!';
        assert!(matches!(
            of(&changed),
            Some(Read::Corrupted { partition: 2 })
        ));
    }
}
