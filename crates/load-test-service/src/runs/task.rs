//! What a run may be asked to do, and what it comes to.

use kafka_cluster::KafkaError;
use tokio_util::sync::CancellationToken;

use super::{Kind, Lab, RunRecord, RunState, Running};
use crate::plan::Plan;
use crate::run::{Outcome, RunReport};

/// What to do.
#[derive(Debug, Clone)]
pub enum Task {
    /// One run by one plan.
    Run(Plan),
}

/// What it came to.
pub enum Results {
    /// Of one run.
    Run(Box<RunReport>),
}

impl Task {
    /// By which plans events are sent.
    #[must_use]
    pub fn plans(&self) -> Vec<&Plan> {
        match self {
            Self::Run(plan) => vec![plan],
        }
    }

    /// A run that does this from now on.
    #[must_use]
    pub fn begin(&self, service_stop: &CancellationToken) -> Running {
        let (kind, plan) = match self {
            Self::Run(plan) => (Kind::Run, plan),
        };
        let (label, topic) = (plan.label.clone(), plan.topic.clone());
        let running = Running::new(kind, label, topic, service_stop);
        // How many events are to come is known before the first part begins.
        running.begin_part(None, plan);
        running
    }

    /// Does it. Blocks until it is done.
    ///
    /// # Errors
    /// It could not begin: nothing was sent.
    pub fn perform(self, lab: &Lab<'_>) -> Result<Results, KafkaError> {
        match self {
            Self::Run(plan) => {
                let report = lab.measure(lab.running.id, None, plan, 0)?;
                Ok(Results::Run(Box::new(report)))
            }
        }
    }
}

impl Results {
    /// Completes the record of the run that came to this.
    pub fn put_into(self, record: &mut RunRecord) {
        record.progress = None;
        match self {
            Self::Run(report) => {
                record.state = state_of(report.outcome);
                record.report = Some(*report);
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
