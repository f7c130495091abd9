//! A sweep: what it is asked for, the runs that it makes, and what it answers.

use kafka_cluster::KafkaError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::{Fields, FromFields};
use utoipa::ToSchema;

use super::limit::{Goal, Limit, Measured, Purpose, SweepStep, search};
use crate::plan::{Plan, RATE, WARMUP_EVENTS};
use crate::run::{Outcome, RunReport, run_id_text};
use crate::runs::{Counted, Lab, Step, new_run_id};

/// Objective, in milliseconds: the least, the most, and what users of such a cluster are promised.
const OBJECTIVE_MS: (f64, f64, f64) = (0.1, 60_000.0, 20.0);
/// First and last rate where none is given, events a second.
const RATES: (u64, u64) = (1_000, 200_000);
/// Seconds of a step: the least, the most, and the default.
const STEP_SECONDS: (u64, u64, u64) = (1, 300, 10);
/// A step is longer than asked for where its p99 would rest on fewer than 20 events.
const EVENTS_OF_A_STEP: u64 = 2_000;
/// What a sweep writes, in runs at its highest rate: those on the way there sum up to one, then it is
/// repeated, and each may be tried twice.
const RUNS_AT_THE_TOP: u64 = 8;
/// Fields of a run that a sweep chooses itself.
const CHOSEN: [&str; 3] = ["eventCount", "durationSeconds", "rate"];

/// What a sweep should do, in the query or as a JSON body. It takes the fields of a run as well, but
/// for `eventCount`, `durationSeconds` and `rate`, which it chooses itself.
#[derive(Debug, serde::Deserialize, ToSchema, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the fields that `Sweep` is read from")]
pub struct SweepRequest {
    /// An existing topic, as in a run.
    #[schema(example = "log-events")]
    #[param(example = "log-events")]
    topic: String,
    /// 99 % of the events must be acknowledged within this time; 20 unless given.
    #[schema(minimum = 0.1, maximum = 60_000)]
    #[param(minimum = 0.1, maximum = 60_000)]
    objective_p99_ms: Option<f64>,
    /// The first rate that is tried, events a second; 1,000 unless given.
    #[schema(minimum = 1, maximum = 1_000_000)]
    #[param(minimum = 1, maximum = 1_000_000)]
    min_rate: Option<u64>,
    /// The highest rate that is tried; 200,000 unless given.
    #[schema(minimum = 1, maximum = 1_000_000)]
    #[param(minimum = 1, maximum = 1_000_000)]
    max_rate: Option<u64>,
    /// How long each rate is held, at least; 10 unless given.
    #[schema(minimum = 1, maximum = 300)]
    #[param(minimum = 1, maximum = 300)]
    step_seconds: Option<u64>,
}

/// A sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// What is looked for, and where.
    pub goal: Goal,
    /// Seconds of a step.
    pub step_seconds: u64,
    /// What all its runs have in common.
    pub plan: Plan,
}

/// What a sweep came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SweepReport {
    /// What was found.
    #[serde(flatten)]
    pub limit: Limit,
    /// 99 % of the events had to be acknowledged within this time.
    pub objective_p99_ms: f64,
    /// Seconds of a step, at least.
    pub step_seconds: u64,
    /// What all its runs had in common; count and rate are those of the first.
    pub plan: Plan,
    /// Every step, in the order in which they were made: the curve.
    pub steps: Vec<SweepStep>,
    /// What to keep in mind.
    pub notes: Vec<String>,
}

impl FromFields for Sweep {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        for field in CHOSEN {
            let message = "is chosen by the sweep itself: give minRate, maxRate, stepSeconds";
            let absent = !fields.has(field);
            fields.check(field, absent, "not_taken", message);
        }
        let (least, most, usual) = OBJECTIVE_MS;
        let objective = fields.with_default_in("objectiveP99Ms", least..=most, usual);
        let min_rate = fields.with_default_in("minRate", RATE, RATES.0);
        let max_rate = fields.with_default_in("maxRate", RATE, RATES.1);
        let (shortest, longest, usual) = STEP_SECONDS;
        let seconds = fields.with_default_in("stepSeconds", shortest..=longest, usual);
        if let (Some(min), Some(max)) = (min_rate, max_rate) {
            let message = "must not be below minRate";
            fields.check("maxRate", min <= max, "out_of_order", message);
        }
        // The plan's own rules hold for the rest.
        fields.set("durationSeconds", json!(seconds.unwrap_or(usual)));
        fields.set("rate", json!(min_rate.unwrap_or(RATES.0)));
        fields.remove("eventCount");
        let plan = Plan::from_fields(fields);
        Some(Self {
            goal: Goal {
                p99_ms: objective?,
                min_rate: min_rate?,
                max_rate: max_rate?,
            },
            step_seconds: seconds?,
            plan: plan?,
        })
    }
}

impl Sweep {
    /// Makes the runs. Blocks until the limit is found, or the run is ended early.
    ///
    /// # Errors
    /// Not even the first step could begin: nothing was sent.
    pub fn perform(&self, lab: &Lab<'_>) -> Result<SweepReport, KafkaError> {
        let mut steps = Vec::new();
        let mut number = 0;
        let mut failure = None;
        let limit = search(self.goal, &mut steps, &mut |rate, purpose| {
            if lab.is_stopped() {
                return None;
            }
            number += 1;
            let step = Step {
                number,
                name: format!("{rate} events/s, {}", words(purpose)),
            };
            let id = new_run_id(service_kit::time::now());
            match lab.measure(id, Some(step), self.plan_at(rate), 0) {
                // What was ended early is no measurement.
                Ok(report) => (!ended_early(&report)).then(|| measured(&report)),
                Err(error) => {
                    failure = Some((run_id_text(id), error));
                    None
                }
            }
        });
        let mut notes = Vec::new();
        match failure {
            Some((_, error)) if steps.is_empty() => return Err(error),
            Some((run, error)) => notes.push(format!("run {run} could not begin: {error}")),
            None => {}
        }
        Ok(SweepReport {
            limit,
            objective_p99_ms: self.goal.p99_ms,
            step_seconds: self.step_seconds,
            plan: self.plan.clone(),
            steps,
            notes,
        })
    }

    /// A plan that writes as much as all its runs together at most; on topics of their own each is
    /// gone before the next.
    #[must_use]
    pub fn whole_plan(&self) -> Plan {
        let highest = self.plan_at(self.goal.max_rate);
        let runs = if highest.cleanup { 1 } else { RUNS_AT_THE_TOP };
        Plan {
            event_count: (highest.event_count + highest.warmup_events) * runs,
            duration_seconds: None,
            rate: None,
            warmup_events: 0,
            ..highest
        }
    }

    fn plan_at(&self, rate: u64) -> Plan {
        let seconds = self.step_seconds.max(EVENTS_OF_A_STEP.div_ceil(rate));
        let warmup_events = match self.plan.warmup_events {
            // One second of it: the brokers see the rate before the clock starts.
            0 => rate.min(*WARMUP_EVENTS.end()),
            given => given,
        };
        Plan {
            event_count: rate * seconds,
            duration_seconds: Some(seconds),
            rate: Some(rate),
            warmup_events,
            ..self.plan.clone()
        }
    }
}

impl SweepReport {
    /// Events of all steps.
    #[must_use]
    pub fn counted(&self) -> Counted {
        Counted::sum(
            self.steps
                .iter()
                .map(|step| (step.acknowledged, step.failed)),
        )
    }
}

fn ended_early(report: &RunReport) -> bool {
    matches!(report.outcome, Outcome::Cancelled | Outcome::Interrupted)
}

fn measured(report: &RunReport) -> Measured {
    let invalid = match report.outcome {
        // Failures have their own count.
        Outcome::Completed | Outcome::CompletedWithFailures => None,
        Outcome::Invalid => Some(report.invalid_reasons.join("; ")),
        other => Some(format!("the run ended early: {}", other.label())),
    };
    Measured {
        run_id: report.run_id.clone(),
        acknowledged: report.acknowledged,
        failed: report.failed,
        throughput: report.throughput,
        p50_ms: report.latency.map(|latency| latency.p50_ms),
        p99_ms: report.latency.map(|latency| latency.p99_ms),
        max_ms: report.latency.map(|latency| latency.max_ms),
        invalid,
    }
}

fn words(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Growing => "growing",
        Purpose::Narrowing => "narrowing",
        Purpose::Retrying => "once more",
        Purpose::Confirming => "confirming",
    }
}

#[cfg(test)]
mod tests {
    use service_kit::input::read_pairs;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Sweep, Vec<(String, String)>> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        read_pairs::<Sweep>(pairs.collect()).map_err(|problem| {
            let errors = problem.errors.iter();
            errors
                .map(|error| (error.field.clone(), error.code.clone()))
                .collect()
        })
    }

    #[test]
    fn a_topic_is_enough_and_a_plan_s_fields_are_taken() {
        let sweep = read(&[("topic", "t")]).unwrap();
        assert_eq!((sweep.goal.min_rate, sweep.goal.max_rate), RATES);
        assert_eq!((sweep.goal.p99_ms, sweep.step_seconds), (20.0, 10));
        let sweep = read(&[("topic", "t"), ("profile", "durable"), ("label", "l")]).unwrap();
        assert_eq!(sweep.plan.label.as_deref(), Some("l"));
        assert!(sweep.plan.profile.is_some());
    }

    #[test]
    fn what_a_sweep_chooses_itself_is_refused_by_name() {
        for field in CHOSEN {
            let refused = read(&[("topic", "t"), (field, "5")]).unwrap_err();
            assert_eq!(refused, [(field.to_owned(), "not_taken".to_owned())]);
        }
        let refused = read(&[("topic", "t"), ("minRate", "10"), ("maxRate", "9")]).unwrap_err();
        assert_eq!(refused[0].0, "maxRate");
        let refused = read(&[("stepSeconds", "0"), ("colour", "red")]).unwrap_err();
        let fields: Vec<_> = refused.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["stepSeconds", "topic", "colour"]);
    }

    #[test]
    fn a_step_is_long_enough_for_its_percentile() {
        let sweep = read(&[("topic", "t"), ("stepSeconds", "5")]).unwrap();
        let plan = sweep.plan_at(100);
        assert_eq!((plan.duration_seconds, plan.event_count), (Some(20), 2_000));
        let plan = sweep.plan_at(50_000);
        assert_eq!((plan.duration_seconds, plan.rate), (Some(5), Some(50_000)));
        assert_eq!(plan.warmup_events, 50_000);
    }

    #[test]
    fn the_disks_are_asked_for_all_runs_together() {
        let sweep = read(&[("topic", "t"), ("maxRate", "1000"), ("stepSeconds", "5")]).unwrap();
        assert_eq!(sweep.whole_plan().event_count, 6_000 * RUNS_AT_THE_TOP);
        let mut alone = sweep;
        alone.plan.cleanup = true;
        assert_eq!(alone.whole_plan().event_count, 6_000);
    }
}
