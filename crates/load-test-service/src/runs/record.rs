//! A run as it is answered, listed and stored, while it goes on and afterwards.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::{CountsSeen, Outcome, Phase, RunReport, TimelinePoint};
use crate::search::{ComparisonReport, SweepReport};

/// What a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// One run by one plan.
    Run,
    /// The highest rate that holds an objective.
    Sweep,
    /// Two plans side by side.
    Compare,
}

/// Whether a run goes on, and if not, what ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// It goes on.
    Running,
    /// It came to an end of its own; the outcome of its report says to which.
    Ended,
    /// It was cancelled; its report has what it had.
    Cancelled,
    /// The service was stopped (its report has what it had) or killed (its progress has).
    Interrupted,
    /// It could not begin: nothing was sent, and `error` says why.
    Failed,
}

/// Events of a run, warm-up apart; of all its parts where it has several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Events handed to the producer.
    pub sent: u64,
    /// Events acknowledged.
    pub acknowledged: u64,
    /// Events not acknowledged.
    pub failed: u64,
}

/// Which part of a run of several is being done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Counts from 1.
    pub number: u32,
    /// In words.
    pub name: String,
}

/// How far a run is, from the same counters as its report and the metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressView {
    /// What it is doing.
    pub phase: Phase,
    /// Which part it is at; absent in a run of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Events asked for, warm-up apart; absent where that is not known beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_count: Option<u64>,
    /// Events a second asked for; absent as fast as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// Time since it was accepted.
    pub elapsed_ms: u64,
    /// Events so far.
    #[serde(flatten)]
    pub counted: Counted,
    /// Warm-up events sent.
    pub warmup_sent: u64,
    /// The present part from second to second; left out of the stream of events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<TimelinePoint>,
    /// Its newest second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_second: Option<TimelinePoint>,
}

/// A run: what it is, how far it is, what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// 16 hexadecimal digits; later runs have greater ones.
    pub run_id: String,
    /// What it is made of.
    pub kind: Kind,
    /// Whether it goes on.
    pub state: RunState,
    /// The user's own name for the run, `null` without one.
    pub label: Option<String>,
    /// Where to.
    pub topic: String,
    /// When it was accepted.
    #[serde(with = "service_kit::time::millis")]
    #[schema(value_type = String, format = DateTime)]
    pub accepted_at: Timestamp,
    /// When it was over; absent while it goes on, and of one that was killed with the service.
    #[serde(
        with = "service_kit::time::millis::optional",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// How far it is; of one that was killed with the service: was, some seconds before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
    /// What a run of one plan came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<RunReport>,
    /// What a sweep came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepReport>,
    /// What a comparison came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparisonReport>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to keep in mind, beside what the report says.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A run in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// 16 hexadecimal digits; later runs have greater ones.
    pub run_id: String,
    /// What it is made of.
    pub kind: Kind,
    /// Whether it goes on.
    pub state: RunState,
    /// How a run of one plan ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The user's own name for the run, `null` without one.
    pub label: Option<String>,
    /// Where to.
    pub topic: String,
    /// When it was accepted.
    #[serde(with = "service_kit::time::millis")]
    #[schema(value_type = String, format = DateTime)]
    pub accepted_at: Timestamp,
    /// Events so far.
    #[serde(flatten)]
    pub counted: Counted,
    /// What a sweep or a comparison found, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// Acknowledged events per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<f64>,
    /// 99 % of the acknowledged events were faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
}

impl Counted {
    /// Of several runs, by what was acknowledged and what failed in each.
    pub fn sum(runs: impl Iterator<Item = (u64, u64)>) -> Self {
        runs.fold(Self::default(), |sum, (acknowledged, failed)| Self {
            sent: sum.sent + acknowledged + failed,
            acknowledged: sum.acknowledged + acknowledged,
            failed: sum.failed + failed,
        })
    }
}

impl From<CountsSeen> for Counted {
    fn from(seen: CountsSeen) -> Self {
        Self {
            sent: seen.sent,
            acknowledged: seen.acknowledged,
            failed: seen.failed,
        }
    }
}

impl ProgressView {
    /// The same without what each second was.
    #[must_use]
    pub fn without_timeline(mut self) -> Self {
        self.timeline.clear();
        self
    }
}

impl RunRecord {
    /// Adds a note where it is read first: in the report, if there is one.
    pub fn say(&mut self, note: String) {
        match &mut self.report {
            Some(report) => report.notes.push(note),
            None => self.notes.push(note),
        }
    }

    /// The record of a run that a killed service left behind.
    #[must_use]
    pub fn interrupted(mut self) -> Self {
        self.state = RunState::Interrupted;
        self.notes.push(
            "the service ended in the midst of this run: these are the figures of some seconds \
             before, and what was under way may have been written as well"
                .to_owned(),
        );
        self
    }

    /// Events so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        if let Some(report) = &self.report {
            Counted {
                sent: report.sent,
                acknowledged: report.acknowledged,
                failed: report.failed,
            }
        } else if let Some(sweep) = &self.sweep {
            sweep.counted()
        } else if let Some(comparison) = &self.comparison {
            comparison.counted()
        } else {
            let progress = self.progress.as_ref();
            progress
                .map(|progress| progress.counted)
                .unwrap_or_default()
        }
    }

    /// What a sweep or a comparison found, in words.
    #[must_use]
    pub fn conclusion(&self) -> Option<&str> {
        let sweep = self.sweep.as_ref().map(|sweep| &sweep.limit.conclusion);
        let comparison = self.comparison.as_ref().map(|both| &both.conclusion);
        sweep.or(comparison).map(String::as_str)
    }

    /// Its line in the list.
    #[must_use]
    pub fn summary(&self) -> RunSummary {
        let report = self.report.as_ref();
        RunSummary {
            run_id: self.run_id.clone(),
            kind: self.kind,
            state: self.state,
            outcome: report.map(|report| report.outcome),
            label: self.label.clone(),
            topic: self.topic.clone(),
            accepted_at: self.accepted_at,
            counted: self.counted(),
            conclusion: self.conclusion().map(str::to_owned),
            throughput: report.map(|report| report.throughput),
            p99_ms: report.and_then(|report| Some(report.latency?.p99_ms)),
        }
    }
}
