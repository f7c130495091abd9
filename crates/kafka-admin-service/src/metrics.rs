//! What this service counts, beside the request metrics that every service has.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// The outcomes of a write that `outcome` labels name; a series exists from the start, so that a
/// first failure is a rise from 0.
pub const WRITE_OUTCOMES: [&str; 13] = [
    "done",
    "pending",
    "exists",
    "not_found",
    "deletion_pending",
    "refused",
    "not_enough_brokers",
    "busy",
    "unreachable",
    "unauthenticated",
    "timed_out",
    "outcome_unknown",
    "failed",
];

/// The metrics of the admin service.
#[derive(Debug, Clone)]
pub struct AdminMetrics {
    /// Topic creations by outcome.
    pub topic_creations: IntCounterVec,
    /// Topic deletions by outcome.
    pub topic_deletions: IntCounterVec,
    /// Declared topics by state.
    pub declared_topics: IntGaugeVec,
}

impl AdminMetrics {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    /// A name that `registry` has already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            topic_creations: IntCounterVec::new(
                Opts::new(
                    "kafka_admin_topic_creations_total",
                    "Topic creations that were sent or tried, requested and declared ones, by \
                     outcome: done is visible on every live broker, pending is made but not yet \
                     visible everywhere, outcome_unknown may or may not have been made",
                ),
                &["outcome"],
            )?,
            topic_deletions: IntCounterVec::new(
                Opts::new(
                    "kafka_admin_topic_deletions_total",
                    "Topic deletions that were sent or tried, by outcome: done is gone from every \
                     broker, pending waits for brokers that are down, outcome_unknown may or may \
                     not have been made",
                ),
                &["outcome"],
            )?,
            declared_topics: IntGaugeVec::new(
                Opts::new(
                    "kafka_admin_declared_topics",
                    "Topics of the declared document by state at the last check; unknown while Kafka \
                     could not be asked",
                ),
                &["state"],
            )?,
        };
        for outcome in WRITE_OUTCOMES {
            metrics.topic_creations.with_label_values(&[outcome]);
            metrics.topic_deletions.with_label_values(&[outcome]);
        }
        registry.register(Box::new(metrics.topic_creations.clone()))?;
        registry.register(Box::new(metrics.topic_deletions.clone()))?;
        registry.register(Box::new(metrics.declared_topics.clone()))?;
        Ok(metrics)
    }
}
