//! Every metric of this service, each declared once. HTTP and process metrics are service-kit's.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::run::Outcome;

/// Seconds from a record's intended send time to its acknowledgement: fine around the 20 ms that
/// users are told to expect, up to the 30 s after which a record fails.
const SEND_TIME_BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0, 5.0, 10.0, 30.0,
];

/// Values of the label `persistence`.
pub const NOT_WRITTEN: &str = "not_written";
/// Values of the label `persistence`.
pub const POSSIBLY_WRITTEN: &str = "possibly_written";

/// Value of the label `outcome` for a run that failed before its first record.
pub const NOT_STARTED: &str = "not_started";

/// Handles to the registered metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// `kafka_producer_success_total`.
    pub acknowledged: IntCounter,
    /// `kafka_producer_failure_total`, by persistence.
    pub failed: IntCounterVec,
    /// `kafka_producer_send_time_seconds`.
    pub send_time: Histogram,
    /// `load_test_runs_total`, by outcome.
    pub runs: IntCounterVec,
    /// `load_test_run_in_progress`.
    pub run_in_progress: IntGauge,
    /// `log_processor_records_total`, by topic.
    pub processed: IntCounterVec,
    /// `log_processor_commits_total`, by result.
    pub commits: IntCounterVec,
    /// `log_processor_rebalances_total`.
    pub rebalances: IntCounter,
    /// `log_processor_members`.
    pub members: IntGauge,
}

impl Metrics {
    /// Declares and registers all of them; label values that are known begin at zero.
    ///
    /// # Errors
    /// A name is registered already: two instances in one registry.
    pub fn register(registry: &Registry, processor_topics: &[String]) -> prometheus::Result<Self> {
        let metrics = Self {
            acknowledged: IntCounter::new(
                "kafka_producer_success_total",
                "Records acknowledged by as many replicas as acks asks for, warm-up records included.",
            )?,
            failed: IntCounterVec::new(
                Opts::new(
                    "kafka_producer_failure_total",
                    "Records not acknowledged, by whether they may be in the log all the same \
                     (not_written, possibly_written).",
                ),
                &["persistence"],
            )?,
            send_time: Histogram::with_opts(
                HistogramOpts::new(
                    "kafka_producer_send_time_seconds",
                    "Time from the moment a record should have been sent to its acknowledgement, \
                     waiting in the producer's queue included.",
                )
                .buckets(SEND_TIME_BUCKETS.to_vec()),
            )?,
            runs: IntCounterVec::new(
                Opts::new(
                    "load_test_runs_total",
                    "Load test runs that ended, by outcome.",
                ),
                &["outcome"],
            )?,
            run_in_progress: IntGauge::new(
                "load_test_run_in_progress",
                "1 while a load test run is in progress, else 0.",
            )?,
            processed: IntCounterVec::new(
                Opts::new(
                    "log_processor_records_total",
                    "Records read by the log-processor group in this process, by topic.",
                ),
                &["topic"],
            )?,
            commits: IntCounterVec::new(
                Opts::new(
                    "log_processor_commits_total",
                    "Offset commits of the log-processor group in this process, by result \
                     (ok, failed).",
                ),
                &["result"],
            )?,
            rebalances: IntCounter::new(
                "log_processor_rebalances_total",
                "Assignments of partitions to a log-processor member of this process.",
            )?,
            members: IntGauge::new(
                "log_processor_members",
                "Members of the log-processor group running in this process.",
            )?,
        };
        metrics.register_all(registry)?;
        metrics.start_at_zero(processor_topics);
        Ok(metrics)
    }

    fn register_all(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.acknowledged.clone()))?;
        registry.register(Box::new(self.failed.clone()))?;
        registry.register(Box::new(self.send_time.clone()))?;
        registry.register(Box::new(self.runs.clone()))?;
        registry.register(Box::new(self.run_in_progress.clone()))?;
        registry.register(Box::new(self.processed.clone()))?;
        registry.register(Box::new(self.commits.clone()))?;
        registry.register(Box::new(self.rebalances.clone()))?;
        registry.register(Box::new(self.members.clone()))
    }

    fn start_at_zero(&self, processor_topics: &[String]) {
        for persistence in [NOT_WRITTEN, POSSIBLY_WRITTEN] {
            self.failed.with_label_values(&[persistence]);
        }
        for outcome in Outcome::ALL
            .map(Outcome::label)
            .into_iter()
            .chain([NOT_STARTED])
        {
            self.runs.with_label_values(&[outcome]);
        }
        for topic in processor_topics {
            self.processed.with_label_values(&[topic.as_str()]);
        }
        for result in ["ok", "failed"] {
            self.commits.with_label_values(&[result]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_series_is_there_before_the_first_run() {
        let registry = Registry::new();
        Metrics::register(&registry, &["log-events".to_owned()]).unwrap();
        let series: usize = registry
            .gather()
            .iter()
            .map(|family| family.get_metric().len())
            .sum();
        // One each, but two persistences, two commit results and one topic.
        assert_eq!(series, 5 + 2 + Outcome::ALL.len() + 1 + 1 + 2);
    }
}
