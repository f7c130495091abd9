//! When a member commits, and from where a partition without a commit is counted.

use std::time::{Duration, Instant};

use prometheus::IntCounter;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use super::consumer::MemberConsumer;
use super::messages::SaidOnce;
use crate::metrics::Metrics;

/// How often a member commits while it reads: lag as others see it is at most this old.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait for each question about newly assigned partitions.
const ASK_DEADLINE: Duration = Duration::from_secs(2);
/// All such questions together; far below `max.poll.interval.ms`.
const ASK_BUDGET: Duration = Duration::from_secs(6);

/// Commits what was read, every second at most.
///
/// It waits for the answer: rdkafka 0.39 never calls `commit_callback` (it enables the event, and
/// librdkafka makes that event only where a callback is set), so that a commit nobody waits for could
/// fail unseen. That takes some milliseconds a second; while the coordinator is gone, up to
/// `session.timeout.ms` each time.
#[derive(Debug)]
pub struct Commits {
    read_since: bool,
    next: Instant,
    trouble: SaidOnce,
    done: IntCounter,
    failed: IntCounter,
}

impl Commits {
    /// Nothing read yet.
    pub fn new(now: Instant, metrics: &Metrics) -> Self {
        Self {
            read_since: false,
            next: now + COMMIT_INTERVAL,
            trouble: SaidOnce::default(),
            done: metrics.commits.with_label_values(&["ok"]),
            failed: metrics.commits.with_label_values(&["failed"]),
        }
    }

    /// A record was read.
    pub fn read(&mut self) {
        self.read_since = true;
    }

    /// Commits if that is due; blocks until it is answered.
    pub fn keep_up(&mut self, consumer: &MemberConsumer) {
        if self.is_due(Instant::now()) {
            self.commit(consumer);
        }
    }

    /// Commits what was read since the last time, due or not.
    pub fn finish(&mut self, consumer: &MemberConsumer) {
        if self.read_since {
            self.commit(consumer);
        }
    }

    fn commit(&mut self, consumer: &MemberConsumer) {
        let answer = consumer.commit_consumer_state(CommitMode::Sync);
        self.take(answer, Instant::now());
    }

    fn is_due(&self, now: Instant) -> bool {
        self.read_since && now >= self.next
    }

    fn take(&mut self, answer: KafkaResult<()>, now: Instant) {
        self.next = now + COMMIT_INTERVAL;
        match answer {
            // Everything was revoked meanwhile, and committed then.
            Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => self.read_since = false,
            Ok(()) => {
                self.read_since = false;
                self.done.inc();
                if self.trouble.is_over() {
                    tracing::info!("log-processor commits again");
                }
            }
            Err(error) => {
                self.failed.inc();
                if self.trouble.is_news(&error.to_string()) {
                    tracing::warn!(%error, "log-processor could not commit; it goes on trying");
                }
            }
        }
    }
}

/// Commits the beginning of each partition of `assigned` that the group never committed on, which is
/// where it begins to read anyway (`auto.offset.reset=earliest`). Until the first record is read the
/// group's lag would be unknown else; so it is known, and zero on an empty topic.
///
/// Blocks for some seconds at most. Partitions that could not be asked are left as they are.
///
/// # Errors
/// The group's commits could not be read, or the new ones could not be handed over.
pub fn commit_beginnings(
    consumer: &MemberConsumer,
    assigned: &TopicPartitionList,
) -> KafkaResult<()> {
    let give_up = Instant::now() + ASK_BUDGET;
    let committed = consumer.committed_offsets(assigned.clone(), ASK_DEADLINE)?;
    let mut beginnings = TopicPartitionList::new();
    for partition in committed.elements() {
        if partition.offset() != Offset::Invalid || Instant::now() >= give_up {
            continue;
        }
        let (topic, number) = (partition.topic(), partition.partition());
        if let Ok((low, _)) = consumer.fetch_watermarks(topic, number, ASK_DEADLINE) {
            beginnings.add_partition_offset(topic, number, Offset::Offset(low))?;
        }
    }
    if beginnings.count() > 0 {
        consumer.commit(&beginnings, CommitMode::Sync)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::*;

    fn commits(start: Instant) -> (Commits, Metrics) {
        let metrics = Metrics::register(&Registry::new(), &[]).unwrap();
        (Commits::new(start, &metrics), metrics)
    }

    fn refused() -> KafkaResult<()> {
        Err(KafkaError::ConsumerCommit(
            RDKafkaErrorCode::RebalanceInProgress,
        ))
    }

    #[test]
    fn a_commit_is_due_a_second_after_the_last_when_something_was_read() {
        let start = Instant::now();
        let (mut commits, _) = commits(start);
        let later = start + COMMIT_INTERVAL;
        assert!(!commits.is_due(later), "nothing was read");
        commits.read();
        assert!(!commits.is_due(start), "too early");
        assert!(commits.is_due(later));
        commits.take(Ok(()), later);
        assert!(
            !commits.is_due(later + COMMIT_INTERVAL),
            "nothing was read since"
        );
    }

    #[test]
    fn a_commit_that_failed_is_due_again_a_second_later() {
        let start = Instant::now();
        let (mut commits, metrics) = commits(start);
        commits.read();
        commits.take(refused(), start);
        assert!(!commits.is_due(start));
        assert!(commits.is_due(start + COMMIT_INTERVAL));
        assert_eq!(metrics.commits.with_label_values(&["failed"]).get(), 1);
        assert_eq!(metrics.commits.with_label_values(&["ok"]).get(), 0);
    }
}
