//! One run from its plan to its report: connect, warm up, send, drain, sum up. Blocks its thread.
//!
//! A run has producers of its own: their counters begin at zero, and nothing of an earlier run is in
//! their way. Before the clock starts, metadata are fetched and every leader is connected. The clock
//! runs from the first intended send to the last delivery report. A run that is verified is read back
//! after that.
//!
//! A run ends, in this order of likelihood: when every event has its outcome; when the service is
//! stopped; when Kafka acknowledged nothing for [`stall`]; at the plan's own deadline.

mod client;
mod client_times;
mod clock;
mod gaps;
mod grouping;
mod outcomes;
mod producer_settings;
mod progress;
mod report;
mod statistics;
mod summary;
mod tally;
mod temporary_topic;
mod timeline;
mod troubles;
mod verification;

pub use clock::Clock;
pub use outcomes::{Outcomes, PhaseOfRun};
pub use progress::{CountsSeen, Phase, Progress};
pub use report::{AcknowledgementGap, ClientError, Disturbances, Failures, Latency};
pub use report::{ClientTimes, Spread};
pub use report::{LatencyMeasures, Outcome, PercentilePoint, RunReport, Warmup};
#[cfg(test)]
pub use summary::sample_report;
pub use tally::Tally;
pub use timeline::{Timeline, TimelinePoint};
pub use verification::{FailedEvents, Verification, VerificationOutcome};

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use kafka_cluster::{Connection, KafkaError, KeptMemory, RunId};
use rdkafka::ClientConfig;
use tokio_util::sync::CancellationToken;

use crate::generator::{End, Share};
use crate::metrics::Metrics;
use crate::plan::{Keys, Plan};
use crate::target::Target;
use client::{Client, Sending};
use grouping::Grouping;
use producer_settings::{effective_properties, producer_config};
use report::milliseconds;
use statistics::ClientStatistics;
use summary::{Concluded, Sent, summarise};
use temporary_topic::TemporaryTopic;
use verification::{Readback, Written};

/// How long a stopped run waits for outcomes before it gives up on the rest.
pub const STOP_DRAIN: Duration = Duration::from_secs(4);
/// Beyond the time after which an event has failed: a run without any acknowledgement for so long is
/// given up.
const STALL_SLACK: Duration = Duration::from_secs(10);
/// Waiting for a connection to every leader: a leader that cannot be reached in this time costs the
/// run what it costs, since that is what would be measured.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// Waiting for librdkafka's counters; they come every 100 ms.
const STATISTICS_PATIENCE: Duration = Duration::from_secs(1);
/// What librdkafka needs to report records that were given up.
const PURGE_PATIENCE: Duration = Duration::from_secs(1);
/// Number of the warm-up's first producer in the envelope; the measured ones begin with 0.
const WARMUP_PRODUCER: u16 = 0xff00;

/// Everything that a run needs.
pub struct Job {
    /// Its id.
    pub id: RunId,
    /// What to do.
    pub plan: Plan,
    /// Where the cluster is.
    pub connection: Connection,
    /// The topic as seen when the run was accepted.
    pub target: Target,
    /// Where to count.
    pub metrics: Metrics,
    /// Where to show how far it is.
    pub progress: Arc<Progress>,
    /// Ends the run early.
    pub stop: CancellationToken,
}

/// Runs `job`, where the plan says so on a topic of its own. Blocks, at most until the plan's
/// deadlines and what draining adds.
///
/// # Errors
/// A producer or the temporary topic could not be made, or the topic's metadata or offsets could not
/// be fetched: nothing was sent, or only the warm-up.
pub fn execute(job: &Job) -> Result<RunReport, KafkaError> {
    let _kept = KeptMemory::begin();
    let mut report = if job.plan.cleanup {
        run_on_a_topic_of_its_own(job)?
    } else {
        run(job)?
    };
    report.notes.extend(job.target.notes.iter().cloned());
    Ok(report)
}

fn run_on_a_topic_of_its_own(job: &Job) -> Result<RunReport, KafkaError> {
    let Target {
        partitions,
        settings,
        ..
    } = &job.target;
    let overrides = settings.overrides.clone();
    let topic = TemporaryTopic::create(&job.connection, job.id, partitions, overrides)?;
    let mut plan = job.plan.clone();
    topic.name().clone_into(&mut plan.topic);
    let mut report = run(&Job {
        id: job.id,
        plan,
        connection: job.connection.clone(),
        target: Target::of(topic.partitions().to_vec()),
        metrics: job.metrics.clone(),
        progress: Arc::clone(&job.progress),
        stop: job.stop.clone(),
    })?;
    report.topic.clone_from(&job.plan.topic);
    report.plan = Some(job.plan.clone());
    report.temporary_topic = Some(topic.name().to_owned());
    if let Err(error) = topic.delete() {
        report.notes.push(format!(
            "the temporary topic may still be there, its deletion failed: {error}"
        ));
    }
    Ok(report)
}

fn run(job: &Job) -> Result<RunReport, KafkaError> {
    let mut run = Run::connect(job)?;
    let (warmup, end_of_warmup) = run.warm_up();
    let readback = job.plan.verify.then(|| run.begin_readback()).transpose()?;
    let before = run.statistics();
    let mut measured = match end_of_warmup {
        End::Complete => run.measure(),
        cut_short => Sent::nothing(cut_short, run.clock.now_ns()),
    };
    let after = run.statistics();
    let verification = readback.map(|readback| run.verify(readback, &mut measured));
    let mut report = summarise(Concluded {
        run_id: run_id_text(job.id),
        plan: &job.plan,
        clock: run.clock,
        sent: &measured,
        warmup,
        timeline: run.timeline(measured.duration_ns()),
        partitions: run.partitions().to_vec(),
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

/// A run without any acknowledgement for so long is given up: by then everything that was in flight
/// has failed, and what is sent now would too.
#[must_use]
pub fn stall(plan: &Plan) -> Duration {
    plan.message_timeout() + STALL_SLACK
}

/// A runtime for the few questions that a run's own thread asks; it waits for each.
fn blocking_runtime(operation: &'static str) -> Result<tokio::runtime::Runtime, KafkaError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            let code = kafka_cluster::codes::LOCAL_INVALID_ARG;
            KafkaError::of_read(operation, code, error.to_string())
        })
}

/// A run that is connected.
struct Run<'a> {
    job: &'a Job,
    clock: Clock,
    clients: Vec<Client<'a>>,
    config: ClientConfig,
    grouping: Grouping,
    all_connected: bool,
}

impl<'a> Run<'a> {
    fn connect(job: &'a Job) -> Result<Self, KafkaError> {
        let partitions = &job.target.partitions;
        let writable = match job.plan.keys {
            Keys::None => partitions.iter().filter(|p| p.leader.is_some()).count(),
            Keys::Service | Keys::Unique => partitions.len(),
        };
        let grouping = Grouping::of(&job.plan, writable);
        let config = producer_config(&job.connection, "load-test-service", &job.plan, grouping);
        let clock = Clock::start();
        let clients = (0..job.plan.tuning.producers)
            .map(|number| Client::connect(job, clock, &config, grouping, number))
            .collect::<Result<Vec<_>, _>>()?;
        let mut leaders: Vec<i32> = partitions.iter().filter_map(|p| p.leader).collect();
        leaders.sort_unstable();
        leaders.dedup();
        let connected = |client: &Client<'_>| {
            let ready = |statistics: &ClientStatistics| statistics.ready_for(&leaders);
            client.await_statistics(CONNECT_DEADLINE, ready).is_some()
        };
        Ok(Self {
            all_connected: clients.iter().all(connected),
            job,
            clock,
            clients,
            config,
            grouping,
        })
    }

    fn warm_up(&mut self) -> (Warmup, End) {
        let plan = &self.job.plan;
        if plan.warmup_events == 0 {
            return (Warmup::default(), End::Complete);
        }
        self.job.progress.enter(Phase::WarmingUp);
        let sent = self.send(Sending {
            phase: PhaseOfRun {
                measured: false,
                started_ns: self.clock.now_ns(),
                ledger_for: None,
            },
            count: plan.warmup_events,
            rate: None,
            duration: None,
            deadline: plan.warmup_deadline(),
            first_number: WARMUP_PRODUCER,
            share: Share::WHOLE,
        });
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
        self.send(Sending {
            phase: PhaseOfRun {
                measured: true,
                started_ns: self.clock.now_ns(),
                ledger_for: plan.verify.then_some(plan.event_count),
            },
            count: plan.event_count,
            rate: plan.rate,
            duration: plan.duration_seconds.map(Duration::from_secs),
            deadline: plan.deadline(),
            first_number: 0,
            share: Share::WHOLE,
        })
    }

    /// All producers send their shares, each on a thread of its own.
    fn send(&mut self, sending: Sending) -> Sent {
        let of = self.job.plan.tuning.producers;
        let progress = &self.job.progress;
        let draining = || progress.enter(Phase::Draining);
        let mut parts = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..of)
                .zip(&mut self.clients)
                .map(|(number, client)| {
                    let share = Share { number, of };
                    let sending = Sending { share, ..sending };
                    scope.spawn(move || client.send(&sending, draining))
                })
                .collect();
            let ended = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            ended
                .map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Vec<_>>()
        })
        .into_iter();
        let first = parts.next();
        let mut all = first.unwrap_or_else(|| Sent::nothing(End::Complete, self.clock.now_ns()));
        for part in parts {
            all.merge(part);
        }
        all
    }

    /// The counters of all producers together.
    fn statistics(&self) -> Option<ClientStatistics> {
        let each = self
            .clients
            .iter()
            .map(|client| client.await_statistics(STATISTICS_PATIENCE, |_| true));
        each.reduce(|sum, more| Some(sum?.plus(&more?))).flatten()
    }

    /// The partition of each lane, which is the same for every producer.
    fn partitions(&self) -> &[i32] {
        self.clients.first().map_or(&[], Client::partitions)
    }

    /// Where the partitions end before the measured records: the warm-up is behind us.
    fn begin_readback(&self) -> Result<Readback, KafkaError> {
        let (connection, topic) = (&self.job.connection, &self.job.plan.topic);
        Readback::begin(connection, topic, self.partitions())
    }

    fn verify(&self, readback: Readback, sent: &mut Sent) -> Verification {
        self.job.progress.enter(Phase::Verifying);
        let gaps = &sent.tally.gaps;
        let partitions = self.partitions().iter().enumerate();
        let written = Written {
            run: self.job.id,
            acknowledged: partitions
                .map(|(lane, id)| (*id, gaps.acknowledged_on(lane)))
                .collect(),
            ledgers: std::mem::take(&mut sent.tally.ledgers),
        };
        let found = readback.verify(written, &self.job.stop);
        self.job.metrics.verified(&found);
        found
    }

    fn timeline(&self, duration_ns: u64) -> Vec<TimelinePoint> {
        let timeline = self.job.progress.timeline.lock();
        let timeline = timeline.unwrap_or_else(PoisonError::into_inner);
        timeline.points(duration_ns)
    }
}
