//! What a run may be asked to do, and what it comes to.

use kafka_cluster::KafkaError;
use tokio_util::sync::CancellationToken;

use super::{Kind, Lab, RunRecord, RunState, Running};
use crate::plan::Plan;
use crate::run::{Outcome, RunReport};
use crate::search::{Compare, ComparisonReport, Sweep, SweepReport};
use crate::target::Target;

/// What to do.
#[derive(Debug, Clone)]
pub enum Task {
    /// One run by one plan.
    Run(Box<Plan>),
    /// The highest rate that holds an objective.
    Sweep(Box<Sweep>),
    /// Two plans side by side.
    Compare(Box<Compare>),
}

/// What it came to.
pub enum Results {
    /// Of one run.
    Run(Box<RunReport>),
    /// Of a sweep.
    Sweep(Box<SweepReport>),
    /// Of a comparison.
    Compare(Box<ComparisonReport>),
}

impl Task {
    /// By which plans events are sent.
    #[must_use]
    pub fn plans(&self) -> Vec<&Plan> {
        match self {
            Self::Run(plan) => vec![plan],
            Self::Sweep(sweep) => vec![&sweep.plan],
            Self::Compare(compare) => vec![&compare.a, &compare.b],
        }
    }

    /// The same plans with all the events that they stand for: what the disks must hold.
    #[must_use]
    pub fn whole_plans(&self) -> Vec<Plan> {
        match self {
            Self::Run(plan) => vec![plan.as_ref().clone()],
            Self::Sweep(sweep) => vec![sweep.whole_plan()],
            Self::Compare(compare) => compare.whole_plans().to_vec(),
        }
    }

    /// Fits the topics of its plans, as they were found, to what it does there.
    pub fn fit(&self, targets: &mut [Target]) {
        if let Self::Compare(compare) = self {
            compare.fit(targets);
        }
    }

    /// A run that does this from now on.
    #[must_use]
    pub fn begin(&self, service_stop: &CancellationToken) -> Running {
        let (kind, plan, label) = match self {
            Self::Run(plan) => (Kind::Run, &**plan, &plan.label),
            Self::Sweep(sweep) => (Kind::Sweep, &sweep.plan, &sweep.plan.label),
            Self::Compare(compare) => (Kind::Compare, &compare.a, &compare.label),
        };
        let running = Running::new(kind, label.clone(), plan.topic.clone(), service_stop);
        // How many events are to come is known before the first part begins.
        running.begin_part(None, plan);
        running
    }

    /// Does it. Blocks until it is done.
    ///
    /// # Errors
    /// It could not begin: nothing was sent.
    pub fn perform(self, lab: &Lab<'_>) -> Result<Results, KafkaError> {
        Ok(match self {
            Self::Run(plan) => {
                let report = lab.measure(lab.running.id, None, *plan, 0)?;
                Results::Run(Box::new(report))
            }
            Self::Sweep(sweep) => Results::Sweep(Box::new(sweep.perform(lab)?)),
            Self::Compare(compare) => Results::Compare(Box::new(compare.perform(lab)?)),
        })
    }
}

impl Results {
    /// Completes the record of the run that came to this.
    pub fn put_into(self, record: &mut RunRecord, running: &Running) {
        record.progress = None;
        match self {
            Self::Run(report) => {
                record.state = state_of(report.outcome);
                record.report = Some(*report);
            }
            Self::Sweep(sweep) => {
                record.state = state_of_parts(running);
                record.sweep = Some(*sweep);
            }
            Self::Compare(comparison) => {
                record.state = state_of_parts(running);
                record.comparison = Some(*comparison);
            }
        }
    }
}

fn state_of(outcome: Outcome) -> RunState {
    match outcome {
        Outcome::Cancelled => RunState::Cancelled,
        Outcome::Interrupted => RunState::Interrupted,
        _ => RunState::Ended,
    }
}

fn state_of_parts(running: &Running) -> RunState {
    if running.is_cancelled() {
        RunState::Cancelled
    } else if running.stop().is_cancelled() {
        RunState::Interrupted
    } else {
        RunState::Ended
    }
}
