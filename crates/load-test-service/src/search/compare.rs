//! A comparison: what it is asked for, the runs that it makes, and what it answers.

use std::collections::BTreeSet;

use kafka_cluster::KafkaError;
use serde::{Deserialize, Serialize};
use service_kit::{Fields, FromFields};
use utoipa::ToSchema;

use super::difference::{Difference, Pair, Sample, differences};
use crate::plan::{LABEL_MAX_CHARS, Plan, RunRequest};
use crate::run::{Outcome, RunReport};
use crate::runs::{Counted, Lab, Step, new_run_id};
use crate::target::Target;

/// Pairs of a comparison: the least, the most, and the default, which gives 95 % at little cost.
const PAIRS: (u32, u32, u32) = (3, 50, 7);
/// Events of the run of each plan that is made before and not counted.
const REHEARSAL_EVENTS: u64 = 50_000;

/// The topic setting that decides whether brokers recompress.
const COMPRESSION_TYPE: &str = "compression.type";

/// What to compare, as a JSON body.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "documents the fields that `Compare` is read from")]
pub struct CompareRequest {
    /// The one plan, as in a run.
    a: RunRequest,
    /// The other.
    b: RunRequest,
    /// Pairs of runs; 7 unless given. Fewer than six cannot give 95 % of confidence.
    #[schema(minimum = 3, maximum = 50)]
    pairs: Option<u32>,
    /// A name of your own for the comparison, at most 100 characters.
    #[schema(max_length = 100)]
    label: Option<String>,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    /// The one plan.
    pub a: Plan,
    /// The other.
    pub b: Plan,
    /// Pairs of runs.
    pub pairs: u32,
    /// The user's own name for it.
    pub label: Option<String>,
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonReport {
    /// What was found, in words.
    pub conclusion: String,
    /// The one plan.
    pub a: Plan,
    /// The other.
    pub b: Plan,
    /// What each measure says.
    pub differences: Vec<Difference>,
    /// The runs that were counted, in the order in which they were made: a, b, a, b, ...
    pub pairs: Vec<Pair>,
    /// What to keep in mind; pairs that were not counted, and why.
    pub notes: Vec<String>,
}

impl FromFields for Compare {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let a = fields.required_object::<Plan>("a");
        let b = fields.required_object::<Plan>("b");
        let (least, most, usual) = PAIRS;
        let pairs = fields.with_default_in("pairs", least..=most, usual);
        let label = fields.optional::<String>("label");
        if let Some(Some(label)) = &label {
            let short = label.chars().count() <= LABEL_MAX_CHARS;
            let message = format!("must have at most {LABEL_MAX_CHARS} characters");
            fields.check("label", short, "too_long", message);
        }
        Some(Self {
            a: a?,
            b: b?,
            pairs: pairs?,
            label: label?,
        })
    }
}

impl Compare {
    /// Makes the runs, interleaved. Blocks until they are done, or the run is ended early.
    ///
    /// # Errors
    /// Not even the first could begin: nothing was sent.
    pub fn perform(&self, lab: &Lab<'_>) -> Result<ComparisonReport, KafkaError> {
        let mut runs = Runs { lab, number: 0 };
        for (name, plan) in [("a", &self.a), ("b", &self.b)] {
            // The first of all meets cold brokers: it must not be one that counts.
            let step = format!("plan {name}, not counted");
            runs.make(&step, rehearsal(plan), number_of(name))?;
        }
        let (mut pairs, mut notes) = (Vec::new(), Vec::new());
        for number in 1..=self.pairs {
            if lab.is_stopped() {
                notes.push(format!("ended early, in pair {number} of {}", self.pairs));
                break;
            }
            match self.pair(number, &mut runs) {
                Ok(Ok(pair)) => pairs.push(pair),
                Ok(Err(why_not)) => notes.push(format!("pair {number} is not counted: {why_not}")),
                Err(error) => {
                    notes.push(format!("pair {number} could not begin: {error}"));
                    break;
                }
            }
        }
        let differences = differences(&pairs);
        let said = lab.targets.iter().flat_map(|target| target.notes.clone());
        notes.extend(said.collect::<BTreeSet<_>>());
        Ok(ComparisonReport {
            conclusion: conclusion(&differences),
            a: self.a.clone(),
            b: self.b.clone(),
            differences,
            pairs,
            notes,
        })
    }

    /// Plans that write as much as all their runs together, those of the other included where both
    /// stay in one topic.
    #[must_use]
    pub fn whole_plans(&self) -> [Plan; 2] {
        let runs = u64::from(self.pairs) + 1;
        let stays = |plan: &Plan, other: &Plan| !plan.cleanup && plan.topic == other.topic;
        let whole = |plan: &Plan, other: &Plan| {
            let events = |plan: &Plan| plan.event_count + plan.warmup_events;
            let seconds = plan.duration_seconds;
            let times = if plan.cleanup { 1 } else { runs };
            let both = stays(plan, other) && seconds.is_none();
            let of_other = if both { events(other) } else { 0 };
            Plan {
                event_count: (events(plan) + of_other) * times,
                duration_seconds: seconds.map(|seconds| seconds * times),
                warmup_events: 0,
                ..plan.clone()
            }
        };
        [whole(&self.a, &self.b), whole(&self.b, &self.a)]
    }

    /// Where codecs are compared, a broker that recompresses would make them the same: topics of
    /// their own take what comes, and of others it is said.
    pub fn fit(&self, targets: &mut [Target]) {
        if self.a.tuning.compression == self.b.tuning.compression {
            return;
        }
        for (plan, target) in [&self.a, &self.b].into_iter().zip(targets) {
            let codec = plan.tuning.compression;
            let settings = &mut target.settings;
            if plan.cleanup {
                let producer = "producer".to_owned();
                settings.compression_type = Some(producer.clone());
                settings
                    .overrides
                    .insert(COMPRESSION_TYPE.to_owned(), producer);
            } else if settings.stored_compression(codec) != codec {
                target.notes.push(format!(
                    "the brokers recompress: topic {} is stored in another codec; give \
                     cleanup=true to compare codecs on topics of their own",
                    plan.topic
                ));
            }
        }
    }

    fn pair(&self, number: u32, runs: &mut Runs<'_>) -> Result<Result<Pair, String>, KafkaError> {
        let mut make = |name: &str, plan: &Plan| {
            let step = format!("pair {number} of {}, plan {name}", self.pairs);
            let report = runs.make(&step, plan.clone(), number_of(name))?;
            Ok(sample(name, &report))
        };
        let (a, b) = (make("a", &self.a)?, make("b", &self.b)?);
        Ok(a.and_then(|a| Ok(Pair { a, b: b? })))
    }
}

impl ComparisonReport {
    /// Events of all runs that were counted.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let runs = self.pairs.iter().flat_map(|pair| [&pair.a, &pair.b]);
        Counted::sum(runs.map(|run| (run.acknowledged, run.failed)))
    }
}

struct Runs<'a> {
    lab: &'a Lab<'a>,
    number: u32,
}

impl Runs<'_> {
    fn make(&mut self, name: &str, plan: Plan, number: usize) -> Result<RunReport, KafkaError> {
        self.number += 1;
        let step = Step {
            number: self.number,
            name: name.to_owned(),
        };
        let id = new_run_id(service_kit::time::now());
        self.lab.measure(id, Some(step), plan, number)
    }
}

/// Of plan a or b among both.
fn number_of(name: &str) -> usize {
    usize::from(name == "b")
}

fn rehearsal(plan: &Plan) -> Plan {
    Plan {
        event_count: plan.event_count.min(REHEARSAL_EVENTS),
        duration_seconds: None,
        rate: None,
        warmup_events: 0,
        verify: false,
        ..plan.clone()
    }
}

/// What a run adds to its pair, or why it cannot.
fn sample(name: &str, report: &RunReport) -> Result<Sample, String> {
    if report.outcome != Outcome::Completed {
        let outcome = report.outcome.label();
        return Err(format!("run {} of plan {name}: {outcome}", report.run_id));
    }
    Ok(Sample {
        run_id: report.run_id.clone(),
        acknowledged: report.acknowledged,
        failed: report.failed,
        throughput: report.throughput,
        p50_ms: report.latency.map(|latency| latency.p50_ms),
        p99_ms: report.latency.map(|latency| latency.p99_ms),
        wire_bytes: report.wire_bytes,
    })
}

fn conclusion(differences: &[Difference]) -> String {
    let said = differences
        .iter()
        .map(|difference| format!("{}: {}", difference.measure, difference.verdict))
        .collect::<Vec<_>>();
    if said.is_empty() {
        "nothing was measured".to_owned()
    } else {
        said.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Compression;
    use crate::run::sample_report;

    #[test]
    fn only_a_whole_run_is_a_sample() {
        let mut report = sample_report("1");
        assert_eq!(sample("a", &report).unwrap().acknowledged, 1_000);
        report.outcome = Outcome::CompletedWithFailures;
        let why_not = sample("a", &report).unwrap_err();
        assert_eq!(why_not, "run 1 of plan a: completed_with_failures");
    }

    #[test]
    fn a_rehearsal_is_short_and_as_fast_as_possible() {
        let mut plan = Plan::new(1_000_000, "t");
        plan.rate = Some(10);
        let rehearsal = rehearsal(&plan);
        assert_eq!((rehearsal.event_count, rehearsal.rate), (50_000, None));
        assert_eq!(rehearsal.tuning, plan.tuning);
    }

    fn compare(cleanup: bool) -> Compare {
        let plan = |compression| {
            let mut plan = Plan::new(1_000, "t");
            plan.tuning.compression = compression;
            plan.cleanup = cleanup;
            plan
        };
        Compare {
            a: plan(Compression::Snappy),
            b: plan(Compression::Zstd),
            pairs: 4,
            label: None,
        }
    }

    fn snappy_topic() -> Target {
        let mut target = Target::default();
        target.settings.compression_type = Some("snappy".to_owned());
        target
    }

    #[test]
    fn topics_of_their_own_do_not_recompress_and_others_are_told() {
        let mut targets = [snappy_topic(), snappy_topic()];
        compare(true).fit(&mut targets);
        for target in &targets {
            assert_eq!(target.settings.overrides[COMPRESSION_TYPE], "producer");
            assert!(target.notes.is_empty());
        }
        let mut targets = [snappy_topic(), snappy_topic()];
        compare(false).fit(&mut targets);
        assert!(targets[0].notes.is_empty(), "snappy stays snappy");
        assert!(targets[1].notes[0].contains("recompress"));
        assert!(targets[1].settings.overrides.is_empty());
    }

    #[test]
    fn the_disks_are_asked_for_all_runs_together() {
        let counts = |cleanup| compare(cleanup).whole_plans().map(|plan| plan.event_count);
        assert_eq!(counts(false), [10_000, 10_000]);
        assert_eq!(counts(true), [1_000, 1_000]);
    }

    #[test]
    fn nothing_measured_is_said() {
        assert_eq!(conclusion(&[]), "nothing was measured");
    }
}
