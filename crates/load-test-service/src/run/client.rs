//! One producer of a run with everything that belongs to it: its outcomes, lanes and corpus.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_cluster::{KafkaError, RecordProducer, TopicProducer};
use rdkafka::ClientConfig;

use super::grouping::{Grouping, limits_in_phase};
use super::outcomes::{Outcomes, PhaseOfRun};
use super::statistics::ClientStatistics;
use super::summary::Sent;
use super::{Clock, Job, PURGE_PATIENCE, STOP_DRAIN};
use crate::generator::{
    End, Generated, Generation, Lanes, PartitionRuns, Schedule, Share, Slots, generate,
};
use crate::log_event::Corpus;
use crate::plan::Keys;

/// Fetching the topic's metadata with the run's own producer.
const METADATA_DEADLINE: Duration = Duration::from_secs(5);
/// One look at the outcomes while draining.
const DRAIN_SLICE: Duration = Duration::from_millis(20);
/// Pause between two looks.
const DRAIN_PAUSE: Duration = Duration::from_millis(1);

/// A producer that has the topic's metadata.
pub struct Client<'a> {
    job: &'a Job,
    clock: Clock,
    outcomes: Arc<Outcomes>,
    producer: RecordProducer<Outcomes>,
    topic: TopicProducer<Outcomes>,
    lanes: Arc<Lanes>,
    grouping: Grouping,
    corpus: Corpus,
}

/// What a phase of sending is.
#[derive(Debug, Clone, Copy)]
pub struct Sending {
    /// How it is counted.
    pub phase: PhaseOfRun,
    /// Records of all producers together.
    pub count: u64,
    /// Events a second of all producers together.
    pub rate: Option<u64>,
    /// Ends it by time.
    pub duration: Option<Duration>,
    /// Gives it up.
    pub deadline: Duration,
    /// Number of the first producer in the envelope.
    pub first_number: u16,
    /// Which part is this producer's.
    pub share: Share,
}

impl<'a> Client<'a> {
    /// Makes the producer of this number and fetches the topic's metadata; blocks for some seconds at
    /// most.
    ///
    /// # Errors
    /// The producer could not be made, or no broker told of the topic.
    pub fn connect(
        job: &'a Job,
        clock: Clock,
        config: &ClientConfig,
        grouping: Grouping,
        number: u16,
    ) -> Result<Self, KafkaError> {
        let plan = &job.plan;
        let lanes = Arc::new(match plan.keys {
            Keys::None => Lanes::new(&job.target.partitions),
            Keys::Service | Keys::Unique => Lanes::for_keys(&job.target.partitions),
        });
        let outcomes = Arc::new(Outcomes::new(
            clock,
            Slots::new(grouping.slots),
            Arc::clone(&lanes),
            Arc::clone(&job.progress),
            job.metrics.clone(),
        ));
        let producer = RecordProducer::new(config, Arc::clone(&outcomes))?;
        let producer = producer.keeping_up_with(&job.connection, config)?;
        producer.warm_up(&plan.topic, METADATA_DEADLINE)?;
        Ok(Self {
            job,
            clock,
            outcomes,
            topic: producer.topic(&plan.topic)?,
            producer,
            grouping,
            lanes,
            // The first producer's events are those of the seed; each other has its own.
            corpus: Corpus::sized(
                plan.seed.wrapping_add(u64::from(number)),
                plan.event_size_bytes,
            ),
        })
    }

    /// The partitions that it writes to, in the order of its lanes.
    pub fn partitions(&self) -> &[i32] {
        self.lanes.partitions()
    }

    /// librdkafka's counters from now on, the first that `wanted` accepts; blocks up to `patience`.
    pub fn await_statistics(
        &self,
        patience: Duration,
        wanted: impl Fn(&ClientStatistics) -> bool,
    ) -> Option<ClientStatistics> {
        self.outcomes.await_statistics(patience, wanted)
    }

    /// Sends its share of a phase and waits for every outcome. Blocks.
    pub fn send(&mut self, sending: &Sending, sent_all: impl Fn()) -> Sent {
        let count = sending.share.part_of(sending.count);
        let phase = PhaseOfRun {
            ledger_for: sending.phase.ledger_for.map(|_| self.ledger_size(sending)),
            ..sending.phase
        };
        self.outcomes.begin(phase);
        let generation = Generation {
            producer: &self.topic,
            outcomes: &self.outcomes,
            clock: self.clock,
            keys: self.job.plan.keys,
            count,
            schedule: Schedule::from_rate(sending.rate),
            share: sending.share,
            started_ns: phase.started_ns,
            duration: sending.duration,
            run: self.job.id,
            producer_number: sending.first_number.saturating_add(sending.share.number),
            deadline: sending.deadline,
            stall: super::stall(&self.job.plan),
            stop: &self.job.stop,
            metrics: &self.job.metrics,
        };
        let limits = limits_in_phase(self.grouping, &self.job.plan, count, self.lanes.count());
        let mut runs = PartitionRuns::new(Arc::clone(&self.lanes), limits);
        let generated = generate(&generation, &mut self.corpus, &mut runs);
        sent_all();
        self.drain(&generated);
        Sent {
            tally: self.outcomes.close(generated.sent),
            generated,
        }
    }

    /// Room for the fates of its records; where only time ends the run it grows.
    fn ledger_size(&self, sending: &Sending) -> u64 {
        match (sending.duration, sending.rate) {
            (Some(_), None) => 0,
            _ => sending.share.part_of(sending.count),
        }
    }

    /// Waits until every record that was sent has its outcome. Records have theirs after the plan's
    /// message time-out at the latest; a run that was stopped or given up does not wait for that.
    fn drain(&self, generated: &Generated) {
        let all_settled = || self.outcomes.settled() >= generated.sent;
        let patience = match generated.end {
            End::Complete => self.job.plan.message_timeout() + STOP_DRAIN,
            End::Stopped => STOP_DRAIN,
            End::DeadlineReached | End::Stalled => PURGE_PATIENCE,
        };
        let mut end = Instant::now() + patience;
        let mut stopped = generated.end == End::Stopped;
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
