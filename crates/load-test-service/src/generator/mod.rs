//! Sends records in an open loop: at their intended times, or as fast as the cluster takes them.
//!
//! One thread for each producer, no allocation per record of its own: a prepared record is patched in
//! place, and librdkafka copies it. When the producer, the partitions or the slots are full it waits
//! a moment and tries again; the intended time of a record stays what it was.

mod keyed;
mod pacing;
mod partitions;
mod slots;

pub use keyed::murmur2;
pub use pacing::{Schedule, Share};
pub use partitions::{Lanes, PartitionRuns, RunLimits};
pub use slots::{FreeSlots, InFlight, Slots};

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use kafka_cluster::{RunId, SendError, Sequenced, TopicProducer};
use tokio_util::sync::CancellationToken;

use crate::log_event::{Corpus, RecordFields};
use crate::metrics::Metrics;
use crate::plan::Keys;
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
/// What librdkafka allows for around each record in a batch.
/// Source: librdkafka `rdkafka_msg.h`, `RD_KAFKAP_MESSAGE_V2_MAX_OVERHEAD`.
pub const RECORD_FRAMING_BYTES: u64 = 36;
/// The ends (stop, deadline, stall) are looked for once per so many records.
const RECORDS_PER_LOOK: u64 = 256;
/// A record that is handed over so much later than intended, while nothing held it back, is the
/// generator's own fault: forty of its ticks.
pub const LATE: Duration = Duration::from_millis(20);

/// What to send, and when to give up.
pub struct Generation<'a> {
    /// Through which producer, to which topic.
    pub producer: &'a TopicProducer<Outcomes>,
    /// Who counts the outcomes.
    pub outcomes: &'a Outcomes,
    /// The run's clock.
    pub clock: Clock,
    /// With which keys.
    pub keys: Keys,
    /// How many records.
    pub count: u64,
    /// When each.
    pub schedule: Schedule,
    /// Which part of the schedule is this generator's.
    pub share: Share,
    /// The first intended send time, on the run's clock.
    pub started_ns: u64,
    /// Ends it by time, complete: nothing is sent that long after the first intended send.
    pub duration: Option<Duration>,
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
    /// Where lag and back-pressure are shown meanwhile.
    pub metrics: &'a Metrics,
}

/// Why sending ended. The later in this list, the less was planned: of several producers' ends the
/// greatest is the run's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Everything was sent.
    Complete,
    /// The deadline came first.
    DeadlineReached,
    /// Kafka acknowledged nothing any more.
    Stalled,
    /// It was stopped from outside.
    Stopped,
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
    /// The same of the last record.
    pub last_lag_ns: u64,
    /// Records handed over later than [`LATE`] although nothing had held the generator back.
    pub late: u64,
    /// Time in which a record was due and could not be handed over, in nanoseconds.
    pub back_pressure_ns: u64,
    /// Why it ended.
    pub end: End,
}

impl Generated {
    /// Nothing yet.
    pub fn nothing(started_ns: u64, end: End) -> Self {
        Self {
            sent: 0,
            payload_bytes: 0,
            started_ns,
            max_lag_ns: 0,
            last_lag_ns: 0,
            late: 0,
            back_pressure_ns: 0,
            end,
        }
    }

    /// With what another producer of the same run has sent.
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.payload_bytes += other.payload_bytes;
        self.max_lag_ns = self.max_lag_ns.max(other.max_lag_ns);
        self.last_lag_ns = self.last_lag_ns.max(other.last_lag_ns);
        self.late += other.late;
        self.back_pressure_ns += other.back_pressure_ns;
        self.end = self.end.max(other.end);
    }
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
    let mut generated = Generated::nothing(started_ns, End::Complete);
    // Without a schedule a record is intended for the moment of the first try, not of the last.
    let mut first_try_ns = None;
    let mut held_back = false;
    let mut look_at = 0;
    let mut told_ns = 0;
    let mut now_ns = clock.now_ns();
    while generated.sent < generation.count {
        if generated.sent >= look_at {
            look_at = generated.sent + RECORDS_PER_LOOK;
            if let Some(end) = generation.reason_to_end(now_ns) {
                generated.end = end;
                break;
            }
            generation.tell(&generated, &mut told_ns);
        }
        let index = generation.share.index(generated.sent);
        let intended_ns = match generation.schedule.intended_ns(index) {
            Some(offset_ns) => started_ns + offset_ns,
            None => *first_try_ns.get_or_insert(now_ns),
        };
        if intended_ns > now_ns {
            now_ns = clock.now_ns();
            if intended_ns > now_ns {
                let ahead = Duration::from_nanos(intended_ns - now_ns);
                std::thread::sleep(ahead.clamp(PACING_TICK, LONGEST_SLEEP));
                look_at = generated.sent;
                continue;
            }
        }
        let tried_ns = now_ns;
        match sender.send(generated.sent, intended_ns, &mut now_ns) {
            Handed::Over { payload_bytes } => {
                let lag_ns = now_ns.saturating_sub(intended_ns);
                generated.handed_over(payload_bytes, lag_ns, &mut held_back);
                counts.sent.fetch_add(1, Relaxed);
                first_try_ns = None;
            }
            Handed::Back => {
                held_back = true;
                std::thread::sleep(BACK_PRESSURE_PAUSE);
                now_ns = clock.now_ns();
                generated.back_pressure_ns += now_ns.saturating_sub(tried_ns);
                look_at = generated.sent;
            }
        }
    }
    generation.tell(&generated, &mut told_ns);
    generation.metrics.schedule_lag.set(0.0);
    generated
}

impl Generated {
    /// Once behind by back-pressure, the records until it has caught up are late by that too.
    fn handed_over(&mut self, payload_bytes: u64, lag_ns: u64, held_back: &mut bool) {
        self.sent += 1;
        self.payload_bytes += payload_bytes;
        self.max_lag_ns = self.max_lag_ns.max(lag_ns);
        self.last_lag_ns = lag_ns;
        if Duration::from_nanos(lag_ns) <= LATE {
            *held_back = false;
        } else if !*held_back {
            self.late += 1;
        }
    }
}

impl Generation<'_> {
    /// Brings the metrics up to date; `told_ns` is the back-pressure that was counted before.
    fn tell(&self, generated: &Generated, told_ns: &mut u64) {
        if self.schedule != Schedule::AsFastAsPossible {
            let lag = Duration::from_nanos(generated.last_lag_ns);
            self.metrics.schedule_lag.set(lag.as_secs_f64());
        }
        let new = Duration::from_nanos(generated.back_pressure_ns - *told_ns);
        if !new.is_zero() {
            self.metrics.back_pressure.inc_by(new.as_secs_f64());
            *told_ns = generated.back_pressure_ns;
        }
    }

    fn reason_to_end(&self, now_ns: u64) -> Option<End> {
        let since = |ns: u64| Duration::from_nanos(now_ns.saturating_sub(ns));
        let elapsed = since(self.started_ns);
        if self.stop.is_cancelled() {
            Some(End::Stopped)
        } else if self.duration.is_some_and(|duration| elapsed >= duration) {
            Some(End::Complete)
        } else if elapsed >= self.deadline {
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
    /// Makes the record before it chooses where to: the thread may lose its core meanwhile, and a run
    /// that is too old by then must not get the record. `now_ns` is brought up to date in between.
    fn send(&mut self, sequence: u64, intended_ns: u64, now_ns: &mut u64) -> Handed {
        let Generation {
            outcomes,
            producer,
            run,
            producer_number,
            keys,
            clock,
            ..
        } = *self.generation;
        let envelope = Sequenced {
            run,
            producer: producer_number,
            sequence,
        };
        let identity;
        let key: Option<&[u8]> = match keys {
            Keys::None => None,
            Keys::Service => Some(self.corpus.service(sequence).as_bytes()),
            Keys::Unique => {
                identity = envelope.identity();
                Some(&identity)
            }
        };
        let record = self.corpus.record(&RecordFields {
            envelope,
            timestamp_ms: clock.epoch_ms(*now_ns),
        });
        let payload_bytes = record.len() as u64;
        *now_ns = clock.now_ns();
        let lane = match key {
            None => self.lane.take().or_else(|| {
                self.runs
                    .next(*now_ns, payload_bytes + RECORD_FRAMING_BYTES)
            }),
            Some(key) => self.runs.of_key(key),
        };
        let Some(lane) = lane else {
            return Handed::Back;
        };
        let place = InFlight {
            sequence,
            intended_ns,
            sent_ns: *now_ns,
            lane,
        };
        let Some(token) = outcomes.slots().take(&mut self.free, place) else {
            self.lane = Some(lane);
            return Handed::Back;
        };
        let lanes = outcomes.lanes();
        // Counted before it is sent: its outcome may come at once.
        lanes.sent(lane);
        match producer.send(Some(lanes.partition(lane)), key, record, token) {
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
                outcomes.refused(sequence, &error);
                Handed::Over { payload_bytes: 0 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_held_back_is_the_generators_own_lateness() {
        let mut generated = Generated::nothing(0, End::Complete);
        let late_ns = LATE.as_nanos() as u64 + 1;
        let mut held_back = false;
        generated.handed_over(1, late_ns, &mut held_back);
        assert_eq!(generated.late, 1);
        held_back = true;
        generated.handed_over(1, 2 * late_ns, &mut held_back);
        generated.handed_over(1, late_ns, &mut held_back);
        assert_eq!(generated.late, 1, "still catching up");
        generated.handed_over(1, 0, &mut held_back);
        generated.handed_over(1, late_ns, &mut held_back);
        assert_eq!((generated.late, generated.sent), (2, 5));
        assert_eq!(generated.max_lag_ns, 2 * late_ns);
    }

    #[test]
    fn the_least_planned_end_is_that_of_the_run() {
        let mut run = Generated::nothing(0, End::Complete);
        run.merge(&Generated::nothing(0, End::DeadlineReached));
        run.merge(&Generated::nothing(0, End::Complete));
        assert_eq!(run.end, End::DeadlineReached);
        run.merge(&Generated::nothing(0, End::Stopped));
        assert_eq!(run.end, End::Stopped);
    }
}
