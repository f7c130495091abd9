//! One member of the group: reads, counts, commits, until it is told to stop.

use std::time::{Duration, Instant};

use kafka_cluster::{BootstrapGuard, Connection, CredentialsWatch, ErrorKind, KafkaError};
use prometheus::IntCounter;
use prometheus::local::LocalHistogram;
use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::Message;
use tokio_util::sync::CancellationToken;

use super::commits::{Commits, commit_beginnings};
use super::consumer::{MemberConsumer, consumer_config, subscribed};
use super::messages::SaidOnce;
use crate::metrics::Metrics;

/// Longest wait of one poll, so that a stop is noticed soon.
const POLL: Duration = Duration::from_millis(100);
/// Records read between two looks at the clock and the stop.
const RECORDS_PER_LOOK: u32 = 500;

/// What a member needs; it runs on a thread of its own.
pub struct Member {
    /// Its `client.id` and thread name.
    pub name: String,
    /// `group.id`.
    pub group: String,
    /// What it subscribes to.
    pub topics: Vec<String>,
    /// Where the cluster is.
    pub connection: Connection,
    /// Where it counts.
    pub metrics: Metrics,
    /// Ends it.
    pub stop: CancellationToken,
}

impl Member {
    /// Consumes until the stop; then commits and leaves the group. Blocks its thread.
    pub fn run(self) {
        let config = consumer_config(&self.connection, &self.name, &self.group);
        let consumer = match subscribed(&config, &self.topics, self.metrics.clone()) {
            Ok(consumer) => consumer,
            Err(error) => {
                tracing::error!(%error, member = self.name, "log-processor cannot run");
                return;
            }
        };
        self.metrics.members.inc();
        self.consume(&consumer, &config);
        self.metrics.members.dec();
        // Dropping the consumer leaves the group.
    }

    fn consume(&self, consumer: &MemberConsumer, config: &ClientConfig) {
        let mut counters = Counters::new(&self.metrics, &self.topics);
        let mut commits = Commits::new(Instant::now(), &self.metrics);
        let mut trouble = SaidOnce::default();
        let mut guard = BootstrapGuard::new(&self.connection);
        let mut watch = CredentialsWatch::new(&self.connection, config);
        while !self.stop.is_cancelled() {
            for _ in 0..RECORDS_PER_LOOK {
                match consumer.poll(POLL) {
                    None => break,
                    Some(Ok(record)) => {
                        counters.count(record.topic(), record.timestamp().to_millis());
                        commits.read();
                        if trouble.is_over() {
                            tracing::info!(member = self.name, "log-processor reads again");
                        }
                    }
                    Some(Err(error)) => {
                        let error = in_words(&error, consumer.context().take_reason());
                        if trouble.is_news(&error) {
                            tracing::warn!(error, member = self.name, "log-processor waits");
                        }
                        break;
                    }
                }
            }
            watch.look(consumer.client());
            counters.latency.flush();
            commits.keep_up(consumer);
            // A member that reaches nobody loses its partitions when its session ends.
            match consumer.assignment() {
                Ok(assigned) if assigned.count() > 0 => guard.answered(),
                _ => guard.reaches_nobody(consumer.client()),
            }
            if let Some(assigned) = consumer.context().take_newly_assigned()
                && let Err(error) = commit_beginnings(consumer, &assigned)
            {
                tracing::debug!(%error, "lag of partitions never read is not known yet");
            }
        }
        commits.finish(consumer);
    }
}

/// Errors of connections come in changing order while brokers are gone: one sentence stands for all.
fn in_words(error: &ClientError, reason: String) -> String {
    let error = KafkaError::of_client("Fetch", error);
    match error.kind {
        ErrorKind::Unreachable | ErrorKind::TimedOut => "Kafka cannot be reached".to_owned(),
        _ if reason.is_empty() => error.to_string(),
        _ => reason,
    }
}

/// Records read, by topic, and how late. The list is short: looking through it is faster than hashing.
struct Counters {
    by_topic: Vec<(String, IntCounter)>,
    latency: LocalHistogram,
}

impl Counters {
    fn new(metrics: &Metrics, topics: &[String]) -> Self {
        let counter = |topic: &String| metrics.processed.with_label_values(&[topic.as_str()]);
        Self {
            by_topic: topics
                .iter()
                .map(|topic| (topic.clone(), counter(topic)))
                .collect(),
            latency: metrics.end_to_end.local(),
        }
    }

    fn count(&mut self, topic: &str, timestamp_ms: Option<i64>) {
        if let Some((_, counter)) = self.by_topic.iter().find(|(name, _)| name == topic) {
            counter.inc();
        }
        if let Some(timestamp_ms) = timestamp_ms {
            // The writer's clock may be ahead of ours.
            let late_ms = (jiff::Timestamp::now().as_millisecond() - timestamp_ms).max(0);
            self.latency.observe(late_ms as f64 / 1_000.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::types::RDKafkaErrorCode;

    use super::*;

    #[test]
    fn a_kafka_that_is_gone_is_one_trouble_and_a_missing_topic_another() {
        let words = |code, reason: &str| {
            in_words(&ClientError::MessageConsumption(code), reason.to_owned())
        };
        let gone = words(RDKafkaErrorCode::BrokerTransportFailure, "a:1 refused");
        assert_eq!(
            gone,
            words(RDKafkaErrorCode::AllBrokersDown, "6/6 are down")
        );
        let missing = RDKafkaErrorCode::UnknownTopicOrPartition;
        assert_eq!(words(missing, "topic x"), "topic x");
        assert!(words(missing, "").contains("UNKNOWN_TOPIC"));
    }
}
