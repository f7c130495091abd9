//! A member's consumer: its properties, and what librdkafka calls back.

use std::sync::{Mutex, PoisonError};

use kafka_cluster::Connection;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::metrics::Metrics;

/// The consumer of a member.
pub type MemberConsumer = BaseConsumer<MemberContext>;

/// Properties of a member. The sizes keep its buffers to a few MB whatever stands in the topics;
/// the user's own properties win.
pub fn consumer_config(connection: &Connection, name: &str, group: &str) -> ClientConfig {
    let mut config = connection.consumer_config(name, group);
    let ours = [
        // A partition that nobody has read before is read from its beginning: nothing is skipped.
        ("auto.offset.reset", "earliest"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        // A member that died is noticed in 10 s; one that only lost its coordinator (9 s until
        // ZooKeeper lets go of a killed broker) has time to find the next.
        ("session.timeout.ms", "15000"),
        ("heartbeat.interval.ms", "3000"),
        ("max.poll.interval.ms", "60000"),
        ("queued.max.messages.kbytes", "2048"),
        ("queued.min.messages", "2000"),
        ("max.partition.fetch.bytes", "262144"),
        ("fetch.max.bytes", "1048576"),
    ];
    for (property, value) in ours {
        if !connection.properties.contains_key(property) {
            config.set(property, value);
        }
    }
    config
}

/// Makes the consumer and subscribes it; asks no broker.
///
/// # Errors
/// A property that librdkafka does not take.
pub fn subscribed(
    config: &ClientConfig,
    topics: &[String],
    metrics: Metrics,
) -> KafkaResult<MemberConsumer> {
    let context = MemberContext {
        metrics,
        newly_assigned: Mutex::new(None),
        reason: Mutex::new(String::new()),
    };
    let consumer = MemberConsumer::from_config_and_context(config, context)?;
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    consumer.subscribe(&topics)?;
    Ok(consumer)
}

/// What librdkafka tells a member, on the member's own thread while it polls.
pub struct MemberContext {
    metrics: Metrics,
    newly_assigned: Mutex<Option<TopicPartitionList>>,
    reason: Mutex<String>,
}

impl MemberContext {
    /// librdkafka's own words for the error that `poll` gave last; they name the topic or broker.
    pub fn take_reason(&self) -> String {
        std::mem::take(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Partitions that were assigned since this was last asked.
    pub fn take_newly_assigned(&self) -> Option<TopicPartitionList> {
        self.newly_assigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl ClientContext for MemberContext {
    /// What librdkafka would log of a lost connection, for each broker and twice a minute, comes out
    /// of `poll` as an error too, where it is said once.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Debug | RDKafkaLogLevel::Info | RDKafkaLogLevel::Notice => {
                tracing::debug!(target: "librdkafka", facility, message);
            }
            _ if ["FAIL", "REQTMOUT", "ERROR"].contains(&facility) => {
                tracing::debug!(target: "librdkafka", facility, message);
            }
            _ => tracing::warn!(target: "librdkafka", facility, message),
        }
    }

    /// Comes just before `poll` gives the same error without these words.
    fn error(&self, _: KafkaError, reason: &str) {
        reason.clone_into(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl ConsumerContext for MemberContext {
    /// Commits before giving partitions away, so that their next owner begins where this one ended.
    fn pre_rebalance(&self, consumer: &MemberConsumer, rebalance: &Rebalance<'_>) {
        if matches!(rebalance, Rebalance::Revoke(_)) {
            // Without waiting: a coordinator that is gone must not hold the rebalance up. What is
            // lost with it is read once more.
            let _ = consumer.commit_consumer_state(CommitMode::Async);
        }
    }

    fn post_rebalance(&self, _: &MemberConsumer, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(partitions) = rebalance else {
            return;
        };
        if partitions.count() == 0 {
            return;
        }
        self.metrics.rebalances.inc();
        tracing::info!(
            partitions = partitions.count(),
            "log-processor was assigned partitions"
        );
        *self
            .newly_assigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some((*partitions).clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn librdkafka_takes_every_property_of_a_member() {
        let connection = Connection::new("127.0.0.1:1");
        let config = consumer_config(&connection, "log-processor-1", "log-processor");
        let native = config.create_native_config().unwrap();
        assert_eq!(native.get("enable.auto.commit").unwrap(), "false");
        assert_eq!(native.get("queued.max.messages.kbytes").unwrap(), "2048");
    }

    #[test]
    fn the_users_properties_win() {
        let connection = Connection::new("127.0.0.1:1")
            .with_property_lines("session.timeout.ms=45000")
            .unwrap();
        let config = consumer_config(&connection, "log-processor-1", "log-processor");
        assert_eq!(config.get("session.timeout.ms"), Some("45000"));
    }
}
