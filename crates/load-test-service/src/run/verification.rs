//! Reads back what a run acknowledged, and says what is missing, doubled, out of order or changed.
//!
//! By assignment, from the offsets before the run to those after it: no group, no commit, and
//! nothing of an earlier run is read. Reading begins once every partition shows as many records as
//! were acknowledged on it, or after [`SETTLE_PATIENCE`]: a new leader tells of the last records a
//! moment later, and what is not there by then is lost.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use kafka_cluster::{
    Connection, KafkaCluster, KafkaError, OffsetSpec, PartitionRange, ReadEnd, ReadLimits, RunId,
    TopicPartition, read_ranges,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::report::milliseconds;
use crate::ledger::{Findings, Ledger, Verifier};
use crate::log_event::read_envelope;

/// Asking for the offsets before the run, where leaders are not what is in the way.
const BEGIN_DEADLINE: Duration = Duration::from_secs(5);
/// How long acknowledged records may take to show in the end offsets: a leader that was killed is
/// replaced within 9 s here.
const SETTLE_PATIENCE: Duration = Duration::from_secs(20);
/// One question for offsets.
const ASK_DEADLINE: Duration = Duration::from_secs(3);
/// Pause between two questions.
const ASK_PAUSE: Duration = Duration::from_millis(100);
/// Slowest that reading back is waited for: a tenth of what two busy cores do.
const FLOOR_EVENTS_PER_SECOND: u64 = 20_000;
/// Room beyond that, for a leader that is lost while reading.
const READ_SLACK: Duration = Duration::from_mins(1);
/// Memory for records on their way; the ledger comes on top.
const BUFFER_KIB: u32 = 16 * 1024;

/// What reading back came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum VerificationOutcome {
    /// Every acknowledged event is there, whole, once and in order.
    Passed,
    /// Something is not as it was acknowledged.
    Failed,
    /// It could not be read to the end: the counts say nothing about what was not read.
    Incomplete,
}

impl VerificationOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Passed, Self::Failed, Self::Incomplete];

    /// The value of the metric label `result`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
        }
    }
}

/// The events of a run as they were read back, against what was acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// What it came to.
    pub outcome: VerificationOutcome,
    /// Why it could not be read to the end; absent where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Events acknowledged.
    pub acknowledged: u64,
    /// Events that failed.
    pub failed: FailedEvents,
    /// Acknowledged events that are there.
    pub read_back: u64,
    /// Acknowledged events that are not there.
    pub lost: u64,
    /// Records beyond the first of their event.
    pub duplicated: u64,
    /// Records that stand behind one that the same producer sent later to the same partition.
    pub out_of_order: u64,
    /// Records whose checksum is wrong; the event that was meant counts as lost as well.
    pub corrupted: u64,
    /// Failed events that are there all the same.
    pub failed_but_there: FailedEvents,
    /// Records of this run with a number that was never sent.
    pub never_sent: u64,
    /// Records of others between those of the run.
    pub foreign: u64,
    /// Time it took.
    pub duration_ms: f64,
}

/// Events that were not acknowledged, by what was known of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedEvents {
    /// Certainly not written, as the client had it.
    pub not_written: u64,
    /// Sent, and the answer was lost.
    pub possibly_written: u64,
}

/// The offsets at which a run begins.
pub struct Readback {
    runtime: tokio::runtime::Runtime,
    cluster: KafkaCluster,
    topic: String,
    begin: BTreeMap<i32, i64>,
}

/// What was done to a topic and is to be found there.
pub struct Written {
    /// The run.
    pub run: RunId,
    /// By number of the producer.
    pub ledgers: Vec<Ledger>,
    /// Acknowledged events by partition.
    pub acknowledged: BTreeMap<i32, u64>,
}

impl Readback {
    /// Asks where the partitions end now: what the run writes comes behind that. Blocks for 20 s at
    /// most, while leaders change.
    ///
    /// # Errors
    /// Kafka did not tell for every partition.
    pub fn begin(
        connection: &Connection,
        topic: &str,
        partitions: &[i32],
    ) -> Result<Self, KafkaError> {
        let mut readback = Self {
            runtime: super::blocking_runtime("ListOffsets")?,
            cluster: KafkaCluster::connect(connection.clone())?,
            topic: topic.to_owned(),
            begin: partitions.iter().map(|id| (*id, 0)).collect(),
        };
        let begun = Instant::now();
        let patience = |error: &KafkaError| match error.retriable() {
            true => SETTLE_PATIENCE,
            false => BEGIN_DEADLINE,
        };
        readback.begin = loop {
            match readback.offsets(OffsetSpec::Latest) {
                Ok(offsets) => break offsets,
                Err(error) if begun.elapsed() >= patience(&error) => return Err(error),
                Err(_) => std::thread::sleep(ASK_PAUSE),
            }
        };
        Ok(readback)
    }

    /// Reads everything behind the beginning and holds it against the ledgers. Blocks; a `stop`
    /// ends it within a poll.
    pub fn verify(self, written: Written, stop: &CancellationToken) -> Verification {
        let begun = Instant::now();
        let events: u64 = written.acknowledged.values().sum();
        let mut verifier = Verifier::new(written.run, written.ledgers);
        let limit = Duration::from_secs(events / FLOOR_EVENTS_PER_SECOND) + READ_SLACK;
        let read = self
            .ranges(&written.acknowledged, limit, stop)
            .and_then(|ranges| self.read(&ranges, limit, &mut verifier, stop));
        report(verifier.conclude(), read.err(), begun.elapsed())
    }

    /// From the beginning to where each partition ends, once all that was acknowledged shows there.
    fn ranges(
        &self,
        acknowledged: &BTreeMap<i32, u64>,
        limit: Duration,
        stop: &CancellationToken,
    ) -> Result<Vec<PartitionRange>, String> {
        let begun = Instant::now();
        loop {
            let answer = self.offsets(OffsetSpec::Latest);
            if stop.is_cancelled() {
                return Err("the run was stopped".to_owned());
            }
            match answer {
                Ok(ends) => {
                    let all_there = ends
                        .iter()
                        .all(|(id, end)| *end >= self.begin[id] + expected(acknowledged, *id));
                    if all_there || begun.elapsed() >= SETTLE_PATIENCE {
                        self.check_retention()?;
                        let range = |(&partition, &to): (&i32, &i64)| PartitionRange {
                            partition,
                            from: self.begin[&partition],
                            to,
                        };
                        return Ok(ends.iter().map(range).collect());
                    }
                }
                Err(error) if begun.elapsed() >= limit => {
                    return Err(format!("the end of the log is not known: {error}"));
                }
                Err(_) => {}
            }
            std::thread::sleep(ASK_PAUSE);
        }
    }

    /// What retention has removed already can be neither found nor missed.
    fn check_retention(&self) -> Result<(), String> {
        let first = self
            .offsets(OffsetSpec::Earliest)
            .map_err(|error| format!("the beginning of the log is not known: {error}"))?;
        let removed: i64 = first
            .iter()
            .map(|(id, first)| (first - self.begin[id]).max(0))
            .sum();
        if removed > 0 {
            return Err(format!(
                "retention removed {removed} records of the run before they were read back: \
                 raise retention.bytes of the topic, or send less"
            ));
        }
        Ok(())
    }

    fn read(
        &self,
        ranges: &[PartitionRange],
        deadline: Duration,
        verifier: &mut Verifier,
        stop: &CancellationToken,
    ) -> Result<(), String> {
        let limits = ReadLimits {
            buffer_kib: BUFFER_KIB,
            ..ReadLimits::within(deadline)
        };
        let connection = self.cluster.connection();
        let end = read_ranges(connection, &self.topic, ranges, limits, |record| {
            verifier.read(
                record.partition,
                read_envelope(record.payload.unwrap_or_default()),
            );
            if stop.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        match end {
            Ok(ReadEnd::Complete | ReadEnd::Limited) => Ok(()),
            Ok(ReadEnd::Stopped) => Err("the run was stopped".to_owned()),
            Ok(ReadEnd::DeadlineReached { unfinished }) => Err(format!(
                "reading back took longer than {} s; partitions not read to their end: {unfinished:?}",
                deadline.as_secs()
            )),
            Err(error) => Err(format!("reading back failed: {error}")),
        }
    }

    /// The offset of every partition, or an error of one.
    fn offsets(&self, spec: OffsetSpec) -> Result<BTreeMap<i32, i64>, KafkaError> {
        let partitions: Vec<_> = self
            .begin
            .keys()
            .map(|id| TopicPartition::new(&self.topic, *id))
            .collect();
        let asked = self.cluster.offsets(&partitions, spec, ASK_DEADLINE);
        let answers = self.block_on(asked)?;
        partitions
            .iter()
            .map(|partition| match answers.get(partition) {
                Some(Ok(offset)) => Ok((partition.partition, *offset)),
                Some(Err(error)) => Err(error.clone()),
                None => Err(KafkaError::of_read(
                    "ListOffsets",
                    kafka_cluster::codes::LEADER_NOT_AVAILABLE,
                    format!("no offset of partition {}", partition.partition),
                )),
            })
            .collect()
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

fn expected(acknowledged: &BTreeMap<i32, u64>, partition: i32) -> i64 {
    let count = acknowledged.get(&partition).copied().unwrap_or_default();
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn report(found: Findings, reason: Option<String>, took: Duration) -> Verification {
    Verification {
        outcome: match &reason {
            Some(_) => VerificationOutcome::Incomplete,
            None if found.clean() => VerificationOutcome::Passed,
            None => VerificationOutcome::Failed,
        },
        reason,
        acknowledged: found.acknowledged,
        failed: FailedEvents {
            not_written: found.not_written,
            possibly_written: found.possibly_written,
        },
        read_back: found.read_back,
        lost: found.lost,
        duplicated: found.duplicated,
        out_of_order: found.out_of_order,
        corrupted: found.corrupted,
        failed_but_there: FailedEvents {
            not_written: found.not_written_but_there,
            possibly_written: found.possibly_written_and_there,
        },
        never_sent: found.never_sent,
        foreign: found.foreign,
        duration_ms: milliseconds(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)),
    }
}

impl Verification {
    /// What a reader of the report should be told; `None` where all is well.
    pub(super) fn note(&self) -> Option<String> {
        match self.outcome {
            VerificationOutcome::Passed => None,
            VerificationOutcome::Incomplete => Some(format!(
                "not verified: {}",
                self.reason.as_deref().unwrap_or_default()
            )),
            VerificationOutcome::Failed => Some(format!(
                "verification failed: of {} acknowledged events {} are lost; {} duplicated, {} out of \
                 order, {} corrupted, {} there although reported as not written, {} never sent",
                self.acknowledged,
                self.lost,
                self.duplicated,
                self.out_of_order,
                self.corrupted,
                self.failed_but_there.not_written,
                self.never_sent
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: Findings = Findings {
        acknowledged: 10,
        not_written: 0,
        possibly_written: 0,
        read_back: 10,
        lost: 0,
        duplicated: 0,
        out_of_order: 0,
        corrupted: 0,
        not_written_but_there: 0,
        possibly_written_and_there: 0,
        never_sent: 0,
        foreign: 0,
    };

    fn of(found: Findings, reason: Option<&str>) -> Verification {
        report(found, reason.map(str::to_owned), Duration::ZERO)
    }

    #[test]
    fn what_was_not_read_to_the_end_neither_passed_nor_failed() {
        assert_eq!(of(CLEAN, None).outcome, VerificationOutcome::Passed);
        let lossy = Findings { lost: 3, ..CLEAN };
        assert_eq!(of(lossy, None).outcome, VerificationOutcome::Failed);
        let cut_off = of(lossy, Some("stopped"));
        assert_eq!(cut_off.outcome, VerificationOutcome::Incomplete);
        assert_eq!(cut_off.note().unwrap(), "not verified: stopped");
    }

    #[test]
    fn a_failed_verification_says_what_is_wrong() {
        let lossy = Findings { lost: 3, ..CLEAN };
        let note = of(lossy, None).note().unwrap();
        assert!(
            note.contains("of 10 acknowledged events 3 are lost"),
            "{note}"
        );
        assert_eq!(of(CLEAN, None).note(), None);
    }
}
