//! The highest rate that holds an objective: doubled until it fails, narrowed down, and confirmed.
//!
//! One step that fails may be an accident of the machine, so it is repeated, and a rate fails only
//! when both did. One step that holds may be luck, so the rate that is found is repeated as well, and
//! given up for a lower one when it fails then.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rate is doubled until it fails.
const GROWTH: f64 = 2.0;
/// The highest rate is known when the lowest failing one is at most so much above it.
const PRECISION: f64 = 1.1;
/// How often a rate must hold in all.
const REPETITIONS: usize = 3;
/// Steps at most: far more than any search takes by itself.
const STEPS_MAX: usize = 60;

/// What is looked for, and where.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// 99 % of the events must be acknowledged within this time.
    pub p99_ms: f64,
    /// The first rate that is tried, events a second.
    pub min_rate: u64,
    /// The highest that is.
    pub max_rate: u64,
}

/// Why a step is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// Rates are doubled until one fails.
    Growing,
    /// It is looked for between one that held and one that failed.
    Narrowing,
    /// What failed is tried once more.
    Retrying,
    /// What held is repeated.
    Confirming,
}

/// What one step measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// The run that was made.
    pub run_id: String,
    /// Events acknowledged.
    pub acknowledged: u64,
    /// Events not acknowledged.
    pub failed: u64,
    /// Acknowledged events per second.
    pub throughput: f64,
    /// Half of the events were faster.
    pub p50_ms: Option<f64>,
    /// 99 % were faster.
    pub p99_ms: Option<f64>,
    /// The slowest.
    pub max_ms: Option<f64>,
    /// Why this is no measurement of that rate: it ended early, or its schedule was not kept.
    pub invalid: Option<String>,
}

/// One step of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SweepStep {
    /// Events a second asked for.
    pub rate: u64,
    /// Why it was made.
    pub purpose: Purpose,
    /// Whether the rate held the objective, without an error and on schedule.
    pub holds: bool,
    /// Why it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Events acknowledged.
    pub acknowledged: u64,
    /// Events not acknowledged.
    pub failed: u64,
    /// Acknowledged events per second.
    pub throughput: f64,
    /// Half of the events were faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 99 % were faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// The slowest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<f64>,
    /// Run id of its records.
    pub run_id: String,
}

/// What a sweep came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// The highest rate that held every time, events a second; absent when none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_rate: Option<u64>,
    /// Whether it was repeated and held each time.
    pub confirmed: bool,
    /// What was found, in words.
    pub conclusion: String,
}

/// Searches by `measure`, which is asked for one rate after the other and gives `None` when it was
/// ended from outside. `steps` has what was measured, also then.
pub fn search(
    goal: Goal,
    steps: &mut Vec<SweepStep>,
    measure: &mut impl FnMut(u64, Purpose) -> Option<Measured>,
) -> Limit {
    let mut search = Search {
        goal,
        steps,
        measure,
    };
    search.run().unwrap_or_else(|Ended| search.unfinished())
}

/// It was ended from outside.
struct Ended;

struct Search<'a, M> {
    goal: Goal,
    steps: &'a mut Vec<SweepStep>,
    measure: &'a mut M,
}

impl<M: FnMut(u64, Purpose) -> Option<Measured>> Search<'_, M> {
    fn run(&mut self) -> Result<Limit, Ended> {
        let Goal {
            min_rate, max_rate, ..
        } = self.goal;
        let (mut good, mut bad) = (None, None);
        let mut rate = min_rate;
        loop {
            if !self.holds(rate, Purpose::Growing)? {
                bad = Some(rate);
                break;
            }
            good = Some(rate);
            if rate >= max_rate {
                break;
            }
            rate = ((rate as f64 * GROWTH) as u64).min(max_rate);
        }
        loop {
            let Some(candidate) = good else {
                return Ok(self.none_held());
            };
            if let Some(between) = between(candidate, bad) {
                if self.holds(between, Purpose::Narrowing)? {
                    good = Some(between);
                } else {
                    bad = Some(between);
                }
            } else if self.confirms(candidate)? {
                return Ok(self.found(candidate));
            } else {
                bad = Some(candidate);
                good = self.highest_below(candidate);
            }
        }
    }

    /// Whether a rate holds; one that does not gets a second chance.
    fn holds(&mut self, rate: u64, purpose: Purpose) -> Result<bool, Ended> {
        Ok(self.step(rate, purpose)? || self.step(rate, Purpose::Retrying)?)
    }

    /// Whether a rate holds each time until it has as often as it must.
    fn confirms(&mut self, rate: u64) -> Result<bool, Ended> {
        let held = |steps: &[SweepStep]| {
            let of_rate = steps.iter().filter(|step| step.rate == rate);
            of_rate.filter(|step| step.holds).count()
        };
        while held(self.steps) < REPETITIONS {
            if !self.step(rate, Purpose::Confirming)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn step(&mut self, rate: u64, purpose: Purpose) -> Result<bool, Ended> {
        if self.steps.len() >= STEPS_MAX {
            return Err(Ended);
        }
        let measured = (self.measure)(rate, purpose).ok_or(Ended)?;
        let reason = shortfall(&measured, self.goal.p99_ms);
        let holds = reason.is_none();
        self.steps.push(SweepStep {
            rate,
            purpose,
            holds,
            reason,
            acknowledged: measured.acknowledged,
            failed: measured.failed,
            throughput: measured.throughput,
            p50_ms: measured.p50_ms,
            p99_ms: measured.p99_ms,
            max_ms: measured.max_ms,
            run_id: measured.run_id,
        });
        Ok(holds)
    }

    /// The highest rate below this one that held and did not fail when it was confirmed.
    fn highest_below(&self, rate: u64) -> Option<u64> {
        let failed_to_confirm = |rate| {
            self.steps
                .iter()
                .any(|step| step.rate == rate && !step.holds && step.purpose == Purpose::Confirming)
        };
        self.steps
            .iter()
            .filter(|step| step.holds && step.rate < rate && !failed_to_confirm(step.rate))
            .map(|step| step.rate)
            .max()
    }

    fn found(&self, rate: u64) -> Limit {
        let Goal {
            p99_ms, max_rate, ..
        } = self.goal;
        let bound = if rate >= max_rate {
            "; it is the highest that was allowed, so the limit is above it"
        } else {
            ""
        };
        Limit {
            highest_rate: Some(rate),
            confirmed: true,
            conclusion: format!(
                "{rate} events/s held p99 <= {p99_ms} ms {REPETITIONS} times without an error{bound}"
            ),
        }
    }

    fn none_held(&self) -> Limit {
        let last = self.steps.iter().rev().find_map(|step| step.reason.clone());
        Limit {
            highest_rate: None,
            confirmed: false,
            conclusion: format!(
                "no rate from {} events/s on held p99 <= {} ms: {}",
                self.goal.min_rate,
                self.goal.p99_ms,
                last.unwrap_or_default()
            ),
        }
    }

    fn unfinished(&self) -> Limit {
        let highest = self.highest_below(u64::MAX);
        Limit {
            highest_rate: highest,
            confirmed: false,
            conclusion: match highest {
                Some(rate) => format!("ended early: {rate} events/s held once, not confirmed"),
                None => "ended early: no rate held so far".to_owned(),
            },
        }
    }
}

/// Why what was measured does not hold the objective.
fn shortfall(measured: &Measured, objective_ms: f64) -> Option<String> {
    if let Some(invalid) = &measured.invalid {
        return Some(invalid.clone());
    }
    if measured.failed > 0 {
        return Some(format!("{} events failed", measured.failed));
    }
    match measured.p99_ms {
        None => Some("nothing was acknowledged".to_owned()),
        Some(p99_ms) if p99_ms > objective_ms => Some(format!("p99 was {p99_ms:.1} ms")),
        Some(_) => None,
    }
}

/// A rate between the two, in the middle of their ratio; none when they are near enough.
fn between(good: u64, bad: Option<u64>) -> Option<u64> {
    let bad = bad?;
    let middle = (good as f64 * bad as f64).sqrt();
    // In two digits, as people give rates.
    let digit = 10_f64.powf(middle.log10().floor() - 1.0).max(1.0);
    let middle = ((middle / digit).round() * digit) as u64;
    (bad as f64 > good as f64 * PRECISION && middle > good && middle < bad).then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOAL: Goal = Goal {
        p99_ms: 20.0,
        min_rate: 1_000,
        max_rate: 200_000,
    };

    /// A system whose latency grows as that of a queue does, up to its capacity.
    fn queue(capacity: f64) -> impl Fn(u64) -> Measured {
        move |rate| {
            let load = rate as f64 / capacity;
            let p99_ms = if load < 1.0 {
                2.0 / (1.0 - load)
            } else {
                5_000.0
            };
            Measured {
                acknowledged: rate * 10,
                throughput: (rate as f64).min(capacity),
                p50_ms: Some(1.0),
                p99_ms: Some(p99_ms),
                max_ms: Some(p99_ms * 2.0),
                ..Measured::default()
            }
        }
    }

    fn sweep(goal: Goal, mut system: impl FnMut(u64) -> Measured) -> (Limit, Vec<SweepStep>) {
        let mut steps = Vec::new();
        let limit = search(goal, &mut steps, &mut |rate, _| Some(system(rate)));
        (limit, steps)
    }

    #[test]
    fn the_limit_of_a_queue_is_found_within_a_tenth_and_confirmed() {
        for capacity in [1_500.0, 9_000.0, 40_000.0, 123_456.0] {
            let (limit, steps) = sweep(GOAL, queue(capacity));
            // 2 / (1 - load) is 20 at nine tenths of the capacity.
            let true_limit = capacity * 0.9;
            let found = limit.highest_rate.unwrap() as f64;
            assert!(
                found <= true_limit && found * PRECISION * 1.05 > true_limit,
                "{found} of {true_limit}: {steps:?}"
            );
            assert!(limit.confirmed);
            let times = steps.iter().filter(|step| step.rate as f64 == found);
            assert_eq!(times.count(), REPETITIONS);
            assert!(steps.len() < 25, "{}", steps.len());
        }
    }

    #[test]
    fn a_system_without_a_limit_in_reach_says_so() {
        let (limit, _) = sweep(GOAL, queue(1e9));
        assert_eq!(limit.highest_rate, Some(200_000));
        assert!(limit.conclusion.contains("above it"), "{limit:?}");
    }

    #[test]
    fn a_system_that_never_holds_has_no_limit() {
        let (limit, steps) = sweep(GOAL, queue(500.0));
        assert_eq!((limit.highest_rate, limit.confirmed), (None, false));
        assert_eq!(steps.len(), 2, "once more, and given up: {steps:?}");
        assert!(limit.conclusion.contains("p99 was 5000.0 ms"), "{limit:?}");
    }

    #[test]
    fn one_accident_does_not_lower_the_limit() {
        let (calm, _) = sweep(GOAL, queue(40_000.0));
        let mut count = 0;
        let system = queue(40_000.0);
        let (limit, _) = sweep(GOAL, |rate| {
            count += 1;
            let mut measured = system(rate);
            if count == 3 {
                measured.p99_ms = Some(500.0);
            }
            measured
        });
        assert_eq!(limit.highest_rate, calm.highest_rate);
    }

    #[test]
    fn luck_is_not_confirmed() {
        // Above 20,000 events/s it holds the first time only.
        let mut seen = std::collections::BTreeSet::new();
        let (limit, steps) = sweep(GOAL, |rate| Measured {
            p99_ms: Some(if rate <= 20_000 || seen.insert(rate) && rate < 60_000 {
                5.0
            } else {
                50.0
            }),
            ..Measured::default()
        });
        let found = limit.highest_rate.unwrap();
        assert!((17_000..=20_000).contains(&found), "{found}: {steps:?}");
        assert!(limit.confirmed);
    }

    #[test]
    fn errors_and_schedules_that_were_not_kept_fail_a_step() {
        let good = Measured {
            p99_ms: Some(1.0),
            ..Measured::default()
        };
        assert_eq!(shortfall(&good, 20.0), None);
        let failed = Measured {
            failed: 1,
            ..good.clone()
        };
        assert_eq!(shortfall(&failed, 20.0).unwrap(), "1 events failed");
        let invalid = Measured {
            invalid: Some("fell behind".to_owned()),
            ..good
        };
        assert_eq!(shortfall(&invalid, 20.0).unwrap(), "fell behind");
        assert!(shortfall(&Measured::default(), 20.0).is_some());
    }

    #[test]
    fn a_sweep_that_is_ended_has_what_it_measured() {
        let mut steps = Vec::new();
        let system = queue(40_000.0);
        let limit = search(GOAL, &mut steps, &mut |rate, _| {
            (rate < 8_000).then(|| system(rate))
        });
        assert_eq!((limit.highest_rate, limit.confirmed), (Some(4_000), false));
        assert_eq!(steps.len(), 3);
    }

    #[test]
    fn rates_in_between_are_round() {
        assert_eq!(between(16_000, Some(32_000)), Some(23_000));
        assert_eq!(between(1_000, Some(1_099)), None);
        assert_eq!(between(5, Some(6)), None);
        assert_eq!(between(1_000, None), None);
    }
}
