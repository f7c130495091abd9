//! Sends records in an open loop: at their intended times, or as fast as the cluster takes them.
//!
//! One thread, no allocation per record of its own: a prepared record is patched in place, and
//! librdkafka copies it. When the producer, the partitions or the slots are full it waits a moment
//! and tries again; the intended time of a record stays what it was.

mod pacing;
mod partitions;
mod slots;

pub use pacing::Schedule;
pub use partitions::{Lanes, PartitionRuns};
pub use slots::{FreeSlots, InFlight, Slots};

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use kafka_cluster::{RecordProducer, RunId, SendError, Sequenced};
use tokio_util::sync::CancellationToken;

use crate::log_event::{Corpus, RecordFields};
use crate::run::{Clock, Outcomes};

/// Pause when nothing can be sent: long enough to leave the core to others, short beside the
/// milliseconds of a request.
const BACK_PRESSURE_PAUSE: Duration = Duration::from_micros(150);
/// A paced generator that is ahead sleeps at least this long, then sends all that is due: a sleep
/// for each of 40,000 records a second would cost more than the records. Half of it is added to
/// the median latency, since that counts from the intended time.
const PACING_TICK: Duration = Duration::from_micros(500);
/// The longest sleep of a paced generator, so that a stop is noticed soon at any rate.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);
/// The ends (stop, deadline, stall) are looked for once per so many records.
const RECORDS_PER_LOOK: u64 = 256;

/// What to send, and when to give up.
pub struct Generation<'a> {
    /// Through which producer.
    pub producer: &'a RecordProducer<Outcomes>,
    /// Who counts the outcomes.
    pub outcomes: &'a Outcomes,
    /// The run's clock.
    pub clock: Clock,
    /// To which topic.
    pub topic: &'a str,
    /// How many records.
    pub count: u64,
    /// When each.
    pub schedule: Schedule,
    /// The first intended send time, on the run's clock.
    pub started_ns: u64,
    /// The run that the records belong to.
    pub run: RunId,
    /// Which producer of the run this is.
    pub producer_number: u16,
    /// Give up this long after the first intended send.
    pub deadline: Duration,
    /// Give up when nothing was acknowledged for so long.
    pub stall: Duration,
    /// Give up when this is cancelled.
    pub stop: &'a CancellationToken,
}

/// Why sending ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everything was sent.
    Complete,
    /// It was stopped from outside.
    Stopped,
    /// The deadline came first.
    DeadlineReached,
    /// Kafka acknowledged nothing any more.
    Stalled,
}

/// How sending went.
#[derive(Debug, Clone, Copy)]
pub struct Generated {
    /// Records handed to the producer, or refused by it.
    pub sent: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// The first intended send time on the run's clock, in nanoseconds.
    pub started_ns: u64,
    /// The most that a record was handed over later than intended, in nanoseconds.
    pub max_lag_ns: u64,
    /// Time in which a record was due and could not be handed over, in nanoseconds.
    pub back_pressure_ns: u64,
    /// Why it ended.
    pub end: End,
}

/// Sends until the count is reached or a reason to end comes first. Blocks its thread.
pub fn generate(
    generation: &Generation<'_>,
    corpus: &mut Corpus,
    runs: &mut PartitionRuns,
) -> Generated {
    let clock = generation.clock;
    let counts = generation.outcomes.counts();
    let mut sender = Sender {
        generation,
        corpus,
        runs,
        free: FreeSlots::default(),
        lane: None,
    };
    let started_ns = generation.started_ns;
    let mut generated = Generated {
        sent: 0,
        payload_bytes: 0,
        started_ns,
        max_lag_ns: 0,
        back_pressure_ns: 0,
        end: End::Complete,
    };
    // Without a schedule a record is intended for the moment of the first try, not of the last.
    let mut first_try_ns = None;
    let mut look_at = 0;
    while generated.sent < generation.count {
        let now_ns = clock.now_ns();
        if generated.sent >= look_at {
            look_at = generated.sent + RECORDS_PER_LOOK;
            if let Some(end) = generation.reason_to_end(now_ns, started_ns) {
                generated.end = end;
                break;
            }
        }
        let intended_ns = match generation.schedule.intended_ns(generated.sent) {
            Some(offset_ns) => started_ns + offset_ns,
            None => *first_try_ns.get_or_insert(now_ns),
        };
        if intended_ns > now_ns {
            let ahead = Duration::from_nanos(intended_ns - now_ns);
            std::thread::sleep(ahead.clamp(PACING_TICK, LONGEST_SLEEP));
            look_at = generated.sent;
            continue;
        }
        match sender.send(generated.sent, intended_ns, now_ns) {
            Handed::Over { payload_bytes } => {
                generated.sent += 1;
                generated.payload_bytes += payload_bytes;
                generated.max_lag_ns = generated.max_lag_ns.max(now_ns - intended_ns);
                counts.sent.store(generated.sent, Relaxed);
                first_try_ns = None;
            }
            Handed::Back => {
                std::thread::sleep(BACK_PRESSURE_PAUSE);
                generated.back_pressure_ns += clock.now_ns().saturating_sub(now_ns);
                look_at = generated.sent;
            }
        }
    }
    generated
}

impl Generation<'_> {
    fn reason_to_end(&self, now_ns: u64, started_ns: u64) -> Option<End> {
        let since = |ns: u64| Duration::from_nanos(now_ns.saturating_sub(ns));
        if self.stop.is_cancelled() {
            Some(End::Stopped)
        } else if since(started_ns) >= self.deadline {
            Some(End::DeadlineReached)
        } else if since(self.outcomes.last_acknowledged_ns()) >= self.stall {
            Some(End::Stalled)
        } else {
            None
        }
    }
}

/// Whether a record was taken.
enum Handed {
    /// It was, or never will be and is counted as failed.
    Over { payload_bytes: u64 },
    /// Not now.
    Back,
}

/// Makes and sends one record at a time.
struct Sender<'a> {
    generation: &'a Generation<'a>,
    corpus: &'a mut Corpus,
    runs: &'a mut PartitionRuns,
    free: FreeSlots,
    /// The lane chosen for a record that could not be sent yet.
    lane: Option<u32>,
}

impl Sender<'_> {
    fn send(&mut self, sequence: u64, intended_ns: u64, now_ns: u64) -> Handed {
        let Generation {
            outcomes,
            producer,
            run,
            producer_number,
            topic,
            clock,
            ..
        } = *self.generation;
        let Some(lane) = self.lane.take().or_else(|| self.runs.next(now_ns)) else {
            return Handed::Back;
        };
        let place = InFlight {
            sequence,
            intended_ns,
            sent_ns: now_ns,
            lane,
        };
        let Some(token) = outcomes.slots().take(&mut self.free, place) else {
            self.lane = Some(lane);
            return Handed::Back;
        };
        let record = self.corpus.record(&RecordFields {
            envelope: Sequenced {
                run,
                producer: producer_number,
                sequence,
            },
            timestamp_ms: clock.epoch_ms(now_ns),
        });
        let lanes = outcomes.lanes();
        let payload_bytes = record.len() as u64;
        // Counted before it is sent: its outcome may come at once.
        lanes.sent(lane);
        match producer.send(topic, Some(lanes.partition(lane)), None, record, token) {
            Ok(()) => Handed::Over { payload_bytes },
            Err(SendError::QueueFull) => {
                lanes.settled(lane);
                outcomes.slots().give_back(token);
                self.lane = Some(lane);
                Handed::Back
            }
            Err(SendError::Refused(error)) => {
                lanes.settled(lane);
                outcomes.slots().give_back(token);
                outcomes.refused(sequence, &error.name);
                Handed::Over { payload_bytes: 0 }
            }
        }
    }
}
