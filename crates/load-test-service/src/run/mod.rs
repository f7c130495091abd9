//! One run from its plan to its report: connect, warm up, send, drain, sum up. Blocks its thread.
//!
//! A run of its own producer: its counters begin at zero, and nothing of an earlier run is in its
//! way. Before the clock starts, metadata are fetched and every leader is connected. The clock runs
//! from the first intended send to the last delivery report. A run that is verified is read back
//! after that.
//!
//! A run ends, in this order of likelihood: when every event has its outcome; when the service is
//! stopped; when Kafka acknowledged nothing for [`STALL`]; at the plan's own deadline.

mod clock;
mod gaps;
mod grouping;
mod outcomes;
mod producer_settings;
mod progress;
mod report;
mod statistics;
mod summary;
mod timeline;
mod troubles;
mod verification;

pub use clock::Clock;
pub use outcomes::{Outcomes, PhaseOfRun, Tally};
pub use progress::{CountsSeen, Phase, Progress};
pub use report::{AcknowledgementGap, ClientError, Disturbances, Failures, Latency};
pub use report::{LatencyMeasures, Outcome, PercentilePoint, RunReport, Warmup};
#[cfg(test)]
pub use summary::sample_report;
pub use timeline::{Timeline, TimelinePoint};
pub use verification::{FailedEvents, Verification, VerificationOutcome};

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use kafka_cluster::{Connection, KafkaError, PartitionMetadata, RecordProducer, RunId};
use rdkafka::ClientConfig;
use tokio_util::sync::CancellationToken;

use crate::generator::{End, Generation, Lanes, PartitionRuns, Schedule, Slots, generate};
use crate::log_event::Corpus;
use crate::metrics::Metrics;
use crate::plan::Plan;
use grouping::{Grouping, max_run_age};
use producer_settings::{MESSAGE_TIMEOUT, effective_properties, producer_config};
use report::milliseconds;
use summary::{Concluded, Sent, summarise};
use verification::{Readback, Written};

/// A run without any acknowledgement for so long is given up: by then everything that was in flight
/// has failed (`MESSAGE_TIMEOUT`), and what is sent now would too.
pub const STALL: Duration = MESSAGE_TIMEOUT.saturating_add(Duration::from_secs(10));
/// How long a stopped run waits for outcomes before it gives up on the rest.
pub const STOP_DRAIN: Duration = Duration::from_secs(4);
/// Fetching the topic's metadata with the run's own producer.
const METADATA_DEADLINE: Duration = Duration::from_secs(5);
/// Waiting for a connection to every leader: a leader that cannot be reached in this time costs the
/// run what it costs, since that is what would be measured.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// Waiting for librdkafka's counters; they come every 100 ms.
const STATISTICS_PATIENCE: Duration = Duration::from_secs(1);
/// One look at the outcomes while draining.
const DRAIN_SLICE: Duration = Duration::from_millis(20);
/// Pause between two looks.
const DRAIN_PAUSE: Duration = Duration::from_millis(1);
/// What librdkafka needs to report records that were given up.
const PURGE_PATIENCE: Duration = Duration::from_secs(1);
/// Number of the warm-up's producer in the envelope; the measured one is 0.
const WARMUP_PRODUCER: u16 = u16::MAX;

/// Everything that a run needs.
pub struct Job {
    /// Its id.
    pub id: RunId,
    /// What to do.
    pub plan: Plan,
    /// Where the cluster is.
    pub connection: Connection,
    /// The topic's partitions as seen when the run was accepted; at least one has a leader.
    pub partitions: Vec<PartitionMetadata>,
    /// Where to count.
    pub metrics: Metrics,
    /// Where to show how far it is.
    pub progress: Arc<Progress>,
    /// Ends the run early.
    pub stop: CancellationToken,
}

/// Runs `job`. Blocks, at most until the plan's deadlines and what draining adds.
///
/// # Errors
/// The producer could not be made, or the topic's metadata could not be fetched: nothing was sent.
pub fn execute(job: &Job) -> Result<RunReport, KafkaError> {
    let mut run = Run::connect(job)?;
    let (warmup, end_of_warmup) = run.warm_up();
    let readback = job.plan.verify.then(|| run.begin_readback()).transpose()?;
    let before = run.outcomes.await_statistics(STATISTICS_PATIENCE, |_| true);
    let mut measured = match end_of_warmup {
        End::Complete => run.measure(),
        cut_short => Sent::nothing(cut_short, run.clock.now_ns()),
    };
    let after = run.outcomes.await_statistics(STATISTICS_PATIENCE, |_| true);
    let verification = readback.map(|readback| run.verify(readback, &mut measured));
    let mut report = summarise(Concluded {
        run_id: run_id_text(job.id),
        plan: &job.plan,
        clock: run.clock,
        sent: &measured,
        warmup,
        timeline: run.timeline(measured.duration_ns()),
        partitions: run.lanes.partitions().to_vec(),
        verification,
        producer_properties: effective_properties(&run.config),
        slots: run.grouping.slots,
        all_connected: run.all_connected,
    });
    report.set_wire_use(
        before
            .zip(after)
            .and_then(|(before, after)| statistics::wire_use(&before, &after)),
    );
    Ok(report)
}

/// A run's id as it is written everywhere: 16 hexadecimal digits, as in its records.
#[must_use]
pub fn run_id_text(id: RunId) -> String {
    format!("{:016x}", id.0)
}

/// A run that is connected.
struct Run<'a> {
    job: &'a Job,
    clock: Clock,
    outcomes: Arc<Outcomes>,
    producer: RecordProducer<Outcomes>,
    config: ClientConfig,
    lanes: Arc<Lanes>,
    grouping: Grouping,
    all_connected: bool,
    corpus: Corpus,
}

impl<'a> Run<'a> {
    fn connect(job: &'a Job) -> Result<Self, KafkaError> {
        let lanes = Arc::new(Lanes::new(&job.partitions));
        let grouping = Grouping::of(lanes.count());
        let config = producer_config(&job.connection, "load-test-service", grouping);
        let clock = Clock::start();
        let outcomes = Arc::new(Outcomes::new(
            clock,
            Slots::new(grouping.slots),
            Arc::clone(&lanes),
            Arc::clone(&job.progress),
            job.metrics.clone(),
        ));
        let producer = RecordProducer::new(&config, Arc::clone(&outcomes))?;
        producer.warm_up(&job.plan.topic, METADATA_DEADLINE)?;
        let mut leaders: Vec<i32> = job.partitions.iter().filter_map(|p| p.leader).collect();
        leaders.sort_unstable();
        leaders.dedup();
        let connected = outcomes.await_statistics(CONNECT_DEADLINE, |statistics| {
            statistics.ready_for(&leaders)
        });
        Ok(Self {
            job,
            clock,
            outcomes,
            producer,
            config,
            lanes,
            grouping,
            all_connected: connected.is_some(),
            corpus: Corpus::new(job.plan.seed),
        })
    }

    fn warm_up(&mut self) -> (Warmup, End) {
        let plan = &self.job.plan;
        if plan.warmup_events == 0 {
            return (Warmup::default(), End::Complete);
        }
        self.job.progress.enter(Phase::WarmingUp);
        let phase = PhaseOfRun {
            measured: false,
            started_ns: self.clock.now_ns(),
            ledger_for: None,
        };
        let sent = self.send(
            phase,
            plan.warmup_events,
            None,
            WARMUP_PRODUCER,
            plan.warmup_deadline(),
        );
        let warmup = Warmup {
            event_count: plan.warmup_events,
            sent: sent.generated.sent,
            acknowledged: sent.tally.acknowledged(),
            failed: sent.tally.failed(),
            duration_ms: milliseconds(sent.duration_ns()),
        };
        (warmup, sent.generated.end)
    }

    fn measure(&mut self) -> Sent {
        let plan = &self.job.plan;
        self.job.progress.enter(Phase::Sending);
        let phase = PhaseOfRun {
            measured: true,
            started_ns: self.clock.now_ns(),
            ledger_for: plan.verify.then_some(plan.event_count),
        };
        self.send(phase, plan.event_count, plan.rate, 0, plan.deadline())
    }

    /// Where the partitions end before the measured records: the warm-up is behind us.
    fn begin_readback(&self) -> Result<Readback, KafkaError> {
        let (connection, topic) = (&self.job.connection, &self.job.plan.topic);
        Readback::begin(connection, topic, self.lanes.partitions())
    }

    fn verify(&self, readback: Readback, sent: &mut Sent) -> Verification {
        self.job.progress.enter(Phase::Verifying);
        let gaps = &sent.tally.gaps;
        let partitions = self.lanes.partitions().iter().enumerate();
        let written = Written {
            run: self.job.id,
            acknowledged: partitions
                .map(|(lane, id)| (*id, gaps.acknowledged_on(lane)))
                .collect(),
            ledgers: sent.tally.ledger.take().into_iter().collect(),
        };
        readback.verify(written, &self.job.stop)
    }

    fn timeline(&self, duration_ns: u64) -> Vec<TimelinePoint> {
        let timeline = self.job.progress.timeline.lock();
        let timeline = timeline.unwrap_or_else(PoisonError::into_inner);
        timeline.points(duration_ns)
    }

    fn send(
        &mut self,
        phase: PhaseOfRun,
        count: u64,
        rate: Option<u64>,
        producer_number: u16,
        deadline: Duration,
    ) -> Sent {
        self.outcomes.begin(phase);
        let generation = Generation {
            producer: &self.producer,
            outcomes: &self.outcomes,
            clock: self.clock,
            topic: &self.job.plan.topic,
            count,
            schedule: Schedule::from_rate(rate),
            started_ns: phase.started_ns,
            run: self.job.id,
            producer_number,
            deadline,
            stall: STALL,
            stop: &self.job.stop,
        };
        let partitions = self.lanes.count();
        let run_records = self
            .grouping
            .run_records_for(count, partitions, &self.config);
        let max_age_ns = u64::try_from(max_run_age(&self.config).as_nanos()).unwrap_or(u64::MAX);
        let mut runs = PartitionRuns::new(Arc::clone(&self.lanes), run_records, max_age_ns);
        let generated = generate(&generation, &mut self.corpus, &mut runs);
        self.job.progress.enter(Phase::Draining);
        self.drain(generated.sent, generated.end);
        Sent {
            tally: self.outcomes.close(generated.sent),
            generated,
        }
    }

    /// Waits until every record that was sent has its outcome. Records have theirs after
    /// [`MESSAGE_TIMEOUT`] at the latest; a run that was stopped or given up does not wait for that.
    fn drain(&self, sent: u64, end_of_sending: End) {
        let all_settled = || self.outcomes.settled() >= sent;
        let patience = match end_of_sending {
            End::Complete => MESSAGE_TIMEOUT + STOP_DRAIN,
            End::Stopped => STOP_DRAIN,
            End::DeadlineReached | End::Stalled => PURGE_PATIENCE,
        };
        let mut end = Instant::now() + patience;
        let mut stopped = end_of_sending == End::Stopped;
        while !all_settled() && Instant::now() < end {
            if !stopped && self.job.stop.is_cancelled() {
                stopped = true;
                end = end.min(Instant::now() + STOP_DRAIN);
            }
            self.producer.drain(DRAIN_SLICE);
            // The last outcomes may be on their way through the poll thread.
            std::thread::sleep(DRAIN_PAUSE);
        }
        if !all_settled() {
            self.producer.purge();
            self.producer.drain(PURGE_PATIENCE);
        }
    }
}
