//! Every metric of this service, each declared once. HTTP and process metrics are service-kit's.

use kafka_cluster::ErrorKind;
use prometheus::{
    Counter, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
};

use crate::run::{Outcome, Verification, VerificationOutcome};

/// Seconds from a record's intended send time to its acknowledgement: fine around the 20 ms that
/// users are told to expect, up to the 30 s after which a record fails.
const SEND_TIME_BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0, 5.0, 10.0, 30.0,
];

/// Seconds from a record's timestamp to its reading: from a few milliseconds to the minutes of a group
/// that catches up.
const END_TO_END_BUCKETS: [f64; 13] = [
    0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0,
];

/// Values of the label `persistence`.
pub const NOT_WRITTEN: &str = "not_written";
/// Values of the label `persistence`.
pub const POSSIBLY_WRITTEN: &str = "possibly_written";

/// Value of the label `outcome` for a run that failed before its first record.
pub const NOT_STARTED: &str = "not_started";

/// The value of the label `kind` of a record for which neither acknowledgement nor error came.
pub const NO_OUTCOME: &str = "no_outcome";

/// The value of the label `kind` of a failure.
#[must_use]
pub fn failure_kind(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::TimedOut | ErrorKind::OutcomeUnknown => "timed_out",
        ErrorKind::Unreachable => "unreachable",
        ErrorKind::NotEnoughBrokers => "not_enough_replicas",
        ErrorKind::Denied => "denied",
        ErrorKind::Unauthenticated => "unauthenticated",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Refused => "refused",
        ErrorKind::AlreadyExists | ErrorKind::DeletionPending | ErrorKind::Other => "other",
    }
}

/// Those that are there from the start: what is common. Others appear with their first failure.
const COMMON_FAILURES: [(&str, &str); 2] =
    [("timed_out", NOT_WRITTEN), ("timed_out", POSSIBLY_WRITTEN)];

/// Values of the label `finding`.
const FINDINGS: [&str; 5] = [
    "read_back",
    "lost",
    "duplicated",
    "out_of_order",
    "corrupted",
];

/// Handles to the registered metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// `kafka_producer_success_total`.
    pub acknowledged: IntCounter,
    /// `kafka_producer_failure_total`, by kind and persistence.
    pub failed: IntCounterVec,
    /// `kafka_producer_send_time_seconds`.
    pub send_time: Histogram,
    /// `load_test_runs_total`, by outcome.
    pub runs: IntCounterVec,
    /// `load_test_run_in_progress`.
    pub run_in_progress: IntGauge,
    /// `load_test_schedule_lag_seconds`.
    pub schedule_lag: Gauge,
    /// `load_test_back_pressure_seconds_total`.
    pub back_pressure: Counter,
    /// `load_test_verifications_total`, by result.
    verifications: IntCounterVec,
    /// `load_test_verified_events_total`, by finding.
    verified_events: IntCounterVec,
    /// `log_processor_end_to_end_latency_seconds`.
    pub end_to_end: Histogram,
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
                    "Records not acknowledged, by the kind of failure and by whether they may be in \
                     the log all the same (not_written, possibly_written).",
                ),
                &["kind", "persistence"],
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
            schedule_lag: Gauge::new(
                "load_test_schedule_lag_seconds",
                "How much later than intended the paced run in progress handed its latest record \
                 over, 0 without one.",
            )?,
            back_pressure: Counter::new(
                "load_test_back_pressure_seconds_total",
                "Time in which a record was due and the client could take none, over all producers.",
            )?,
            verifications: IntCounterVec::new(
                Opts::new(
                    "load_test_verifications_total",
                    "Verified runs that were read back, by result (passed, failed, incomplete).",
                ),
                &["result"],
            )?,
            verified_events: IntCounterVec::new(
                Opts::new(
                    "load_test_verified_events_total",
                    "Events of verified runs by what was found (read_back, lost, duplicated, \
                     out_of_order, corrupted); lost only where the log was read to its end.",
                ),
                &["finding"],
            )?,
            end_to_end: Histogram::with_opts(
                HistogramOpts::new(
                    "log_processor_end_to_end_latency_seconds",
                    "Time from a record's timestamp to its reading by the log-processor group in \
                     this process.",
                )
                .buckets(END_TO_END_BUCKETS.to_vec()),
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
        registry.register(Box::new(self.schedule_lag.clone()))?;
        registry.register(Box::new(self.back_pressure.clone()))?;
        registry.register(Box::new(self.verifications.clone()))?;
        registry.register(Box::new(self.verified_events.clone()))?;
        registry.register(Box::new(self.end_to_end.clone()))?;
        registry.register(Box::new(self.processed.clone()))?;
        registry.register(Box::new(self.commits.clone()))?;
        registry.register(Box::new(self.rebalances.clone()))?;
        registry.register(Box::new(self.members.clone()))
    }

    /// Counts what was found when a run was read back.
    pub fn verified(&self, found: &Verification) {
        let result = found.outcome.label();
        self.verifications.with_label_values(&[result]).inc();
        let lost = match found.outcome {
            VerificationOutcome::Incomplete => 0,
            VerificationOutcome::Passed | VerificationOutcome::Failed => found.lost,
        };
        let counts = [
            found.read_back,
            lost,
            found.duplicated,
            found.out_of_order,
            found.corrupted,
        ];
        for (finding, count) in FINDINGS.into_iter().zip(counts) {
            self.verified_events
                .with_label_values(&[finding])
                .inc_by(count);
        }
    }

    fn start_at_zero(&self, processor_topics: &[String]) {
        for (kind, persistence) in COMMON_FAILURES {
            self.failed.with_label_values(&[kind, persistence]);
        }
        for result in VerificationOutcome::ALL.map(VerificationOutcome::label) {
            self.verifications.with_label_values(&[result]);
        }
        for finding in FINDINGS {
            self.verified_events.with_label_values(&[finding]);
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
        // One each, but two failures, three results, five findings, two commit results and one topic.
        assert_eq!(series, 8 + 2 + Outcome::ALL.len() + 1 + 3 + 5 + 1 + 2);
    }
}
