//! Makes one measured run after the other for a run in progress, and shows it how far each is.

use kafka_cluster::{Connection, KafkaError, RunId};

use super::{Running, Step};
use crate::metrics::Metrics;
use crate::plan::Plan;
use crate::run::{Job, Outcome, RunReport, execute};
use crate::target::Target;

/// What all parts of a run share.
pub struct Lab<'a> {
    /// Where the cluster is.
    pub connection: &'a Connection,
    /// The topics of its plans, in their order.
    pub targets: &'a [Target],
    /// Where to count.
    pub metrics: &'a Metrics,
    /// The run that this is a part of.
    pub running: &'a Running,
}

impl Lab<'_> {
    /// Whether the run is to end early: no further part is worth beginning.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.running.stop().is_cancelled()
    }

    /// Makes one measured run by that of the task's plans which has this number. Blocks as [`execute`]
    /// does.
    ///
    /// # Errors
    /// It could not begin: nothing was sent.
    pub fn measure(
        &self,
        id: RunId,
        step: Option<Step>,
        plan: Plan,
        number: usize,
    ) -> Result<RunReport, KafkaError> {
        let progress = self.running.begin_part(step, &plan);
        let mut report = execute(&Job {
            id,
            plan,
            connection: self.connection.clone(),
            target: self.targets.get(number).cloned().unwrap_or_default(),
            metrics: self.metrics.clone(),
            progress,
            stop: self.running.stop().clone(),
        })?;
        if report.outcome == Outcome::Interrupted && self.running.is_cancelled() {
            report.outcome = Outcome::Cancelled;
        }
        self.metrics
            .runs
            .with_label_values(&[report.outcome.label()])
            .inc();
        log(&report);
        Ok(report)
    }
}

fn log(report: &RunReport) {
    tracing::info!(
        run = report.run_id,
        outcome = report.outcome.label(),
        topic = report.topic,
        events = report.event_count,
        acknowledged = report.acknowledged,
        failed = report.failed,
        events_per_second = report.throughput,
        p99_ms = report.latency.map(|latency| latency.p99_ms),
        "run ended"
    );
}
