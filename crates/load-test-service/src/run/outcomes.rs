//! Receives the outcome of every record and counts it: once for the report, the live progress and
//! the metrics alike, so that they cannot disagree.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kafka_cluster::{Delivery, DeliveryObserver, KafkaError, Persistence};
use prometheus::local::{LocalHistogram, LocalIntCounter};

use super::clock::Clock;
use super::progress::{Counts, Progress};
use super::statistics::ClientStatistics;
use super::tally::Tally;
use super::timeline::PresentSecond;
use crate::generator::{InFlight, Lanes, Slots};
use crate::ledger::{Fate, Ledger};
use crate::metrics::{self, Metrics, NOT_WRITTEN, POSSIBLY_WRITTEN, failure_kind};

/// Stands in for Kafka's name of the error where there was neither error nor acknowledgement.
const NO_OUTCOME: &str = "NO_OUTCOME";

/// What the tally of a phase is made for.
#[derive(Debug, Clone, Copy, Default)]
pub struct PhaseOfRun {
    /// The warm-up is counted apart.
    pub measured: bool,
    /// The first intended send time, on the run's clock.
    pub started_ns: u64,
    /// Whether to keep the fate of each record, of so many.
    pub ledger_for: Option<u64>,
}

/// The observer of a run's producer. Its callbacks come from the producer's poll thread, and while
/// the producer is drained from the draining thread too.
pub struct Outcomes {
    clock: Clock,
    slots: Slots,
    lanes: Arc<Lanes>,
    progress: Arc<Progress>,
    metrics: Metrics,
    counting: Mutex<Counting>,
    /// For the watch on a cluster that acknowledges nothing any more.
    last_acknowledged_ns: AtomicU64,
    statistics: Mutex<Option<(Instant, ClientStatistics)>>,
    statistics_came: Condvar,
}

struct Counting {
    tally: Tally,
    phase: PhaseOfRun,
    second: PresentSecond,
    acknowledged: LocalIntCounter,
    send_time: LocalHistogram,
}

impl Outcomes {
    /// An observer for records that take their places from `slots`.
    pub fn new(
        clock: Clock,
        slots: Slots,
        lanes: Arc<Lanes>,
        progress: Arc<Progress>,
        metrics: Metrics,
    ) -> Self {
        let counting = Counting {
            tally: Tally::empty(lanes.count()),
            phase: PhaseOfRun::default(),
            second: PresentSecond::new(),
            acknowledged: metrics.acknowledged.local(),
            send_time: metrics.send_time.local(),
        };
        Self {
            clock,
            slots,
            lanes,
            progress,
            metrics,
            counting: Mutex::new(counting),
            last_acknowledged_ns: AtomicU64::new(clock.now_ns()),
            statistics: Mutex::new(None),
            statistics_came: Condvar::new(),
        }
    }

    /// Where records in flight are kept.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Records in flight by partition.
    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Begins the next phase with an empty tally. Every record of the phase before must have its
    /// outcome.
    pub fn begin(&self, phase: PhaseOfRun) {
        let mut counting = self.counting();
        counting.tally = Tally::empty(self.lanes.count());
        let ledger = phase.ledger_for.map(Ledger::with_room_for);
        counting.tally.ledgers = ledger.into_iter().collect();
        counting.phase = phase;
        self.last_acknowledged_ns
            .store(self.clock.now_ns(), Relaxed);
    }

    /// The tally of a phase in which `sent` records were sent. Those that have no outcome even after
    /// they were given up count as possibly written.
    pub fn close(&self, sent: u64) -> Tally {
        let mut counting = self.counting();
        let settled = counting.tally.acknowledged() + counting.tally.failed();
        for _ in settled..sent {
            let kind = metrics::NO_OUTCOME;
            self.count_failure(
                &mut counting,
                Persistence::PossiblyPersisted,
                kind,
                NO_OUTCOME,
            );
        }
        counting.flush_metrics();
        if counting.phase.measured {
            counting.second.flush(&self.progress.timeline);
        }
        let empty = Tally::empty(self.lanes.count());
        let mut tally = std::mem::replace(&mut counting.tally, empty);
        tally.gaps.close(tally.last_outcome_ns);
        if let Some(ledger) = tally.ledgers.first_mut() {
            ledger.give_up(sent);
        }
        tally
    }

    /// Records of the present phase that have their outcome.
    pub fn settled(&self) -> u64 {
        let counting = self.counting();
        counting.tally.acknowledged() + counting.tally.failed()
    }

    /// Live counters of the present phase.
    pub fn counts(&self) -> &Counts {
        let measured = self.counting().phase.measured;
        self.counts_of(measured)
    }

    /// When a record was last acknowledged, or the phase began, on the run's clock.
    pub fn last_acknowledged_ns(&self) -> u64 {
        self.last_acknowledged_ns.load(Relaxed)
    }

    /// Counts a record that the producer would not take.
    pub fn refused(&self, sequence: u64, error: &KafkaError) {
        let now_ns = self.clock.now_ns();
        let mut counting = self.counting();
        counting.tally.last_outcome_ns = now_ns;
        counting.settle(sequence, Fate::NotWritten);
        self.note_failure(&mut counting, now_ns);
        let kind = failure_kind(error.kind);
        self.count_failure(&mut counting, Persistence::NotPersisted, kind, &error.name);
    }

    /// Waits for statistics that `wanted` accepts among those that come from now on; blocks. `None`
    /// when none came in time.
    pub fn await_statistics(
        &self,
        patience: Duration,
        wanted: impl Fn(&ClientStatistics) -> bool,
    ) -> Option<ClientStatistics> {
        let asked = Instant::now();
        let fits = |seen: &Option<(Instant, ClientStatistics)>| {
            seen.as_ref()
                .is_some_and(|(at, statistics)| *at >= asked && wanted(statistics))
        };
        let guard = self
            .statistics
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (seen, _) = self
            .statistics_came
            .wait_timeout_while(guard, patience, |seen| !fits(seen))
            .unwrap_or_else(PoisonError::into_inner);
        if fits(&seen) {
            seen.as_ref().map(|(_, statistics)| statistics.clone())
        } else {
            None
        }
    }

    fn counting(&self) -> MutexGuard<'_, Counting> {
        self.counting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts_of(&self, measured: bool) -> &Counts {
        if measured {
            &self.progress.measured
        } else {
            &self.progress.warmup
        }
    }

    /// When it failed, which is known only of a record that has an outcome.
    fn note_failure(&self, counting: &mut Counting, now_ns: u64) {
        counting.tally.troubles.error(now_ns);
        if counting.phase.measured {
            let since_ns = now_ns.saturating_sub(counting.phase.started_ns);
            counting.second.failed(since_ns, &self.progress.timeline);
        }
    }

    fn count_failure(
        &self,
        counting: &mut Counting,
        persistence: Persistence,
        kind: &str,
        error_name: &str,
    ) {
        let label = match persistence {
            Persistence::NotPersisted => {
                counting.tally.not_written += 1;
                NOT_WRITTEN
            }
            Persistence::PossiblyPersisted => {
                counting.tally.possibly_written += 1;
                POSSIBLY_WRITTEN
            }
        };
        *counting
            .tally
            .errors
            .entry(error_name.to_owned())
            .or_default() += 1;
        self.metrics.failed.with_label_values(&[kind, label]).inc();
        self.counts_of(counting.phase.measured)
            .failed
            .fetch_add(1, Relaxed);
    }
}

impl Outcomes {
    fn acknowledged(&self, counting: &mut Counting, record: InFlight, now_ns: u64) {
        let InFlight {
            sequence,
            intended_ns,
            sent_ns,
            lane,
        } = record;
        let latency_ns = now_ns.saturating_sub(intended_ns);
        let service_ns = now_ns.saturating_sub(sent_ns);
        let latency_us = latency_ns / 1_000;
        counting.settle(sequence, Fate::Acknowledged);
        let Tally {
            gaps,
            troubles,
            latency_us: latencies,
            service_us: services,
            ..
        } = &mut counting.tally;
        latencies.saturating_record(latency_us);
        services.saturating_record(service_ns / 1_000);
        gaps.acknowledged(lane, intended_ns, now_ns);
        troubles.acknowledged(now_ns);
        if counting.phase.measured {
            let since_ns = now_ns.saturating_sub(counting.phase.started_ns);
            counting
                .second
                .acknowledged(since_ns, latency_us, &self.progress.timeline);
        }
        counting.acknowledged.inc();
        counting.send_time.observe(latency_ns as f64 / 1e9);
        self.counts_of(counting.phase.measured)
            .acknowledged
            .fetch_add(1, Relaxed);
        self.last_acknowledged_ns.store(now_ns, Relaxed);
    }
}

impl Counting {
    fn settle(&mut self, sequence: u64, fate: Fate) {
        if let Some(ledger) = self.tally.ledgers.first_mut() {
            ledger.settle(sequence, fate);
        }
    }

    fn flush_metrics(&mut self) {
        self.acknowledged.flush();
        self.send_time.flush();
    }
}

impl DeliveryObserver for Outcomes {
    fn delivered(&self, token: usize, delivery: &Delivery) {
        let record = self.slots.give_back(token);
        self.lanes.settled(record.lane);
        let now_ns = self.clock.now_ns();
        let mut counting = self.counting();
        counting.tally.last_outcome_ns = now_ns;
        match delivery {
            Delivery::Acknowledged { .. } => self.acknowledged(&mut counting, record, now_ns),
            Delivery::Failed { persistence, error } => {
                let fate = match persistence {
                    Persistence::NotPersisted => Fate::NotWritten,
                    Persistence::PossiblyPersisted => Fate::PossiblyWritten,
                };
                counting.settle(record.sequence, fate);
                counting.tally.gaps.failed(record.lane, record.intended_ns);
                self.note_failure(&mut counting, now_ns);
                let kind = failure_kind(error.kind);
                self.count_failure(&mut counting, *persistence, kind, &error.name);
            }
        }
    }

    fn client_error(&self, error: &KafkaError, reason: &str) {
        let now_ns = self.clock.now_ns();
        let mut counting = self.counting();
        counting.tally.troubles.say(now_ns, &error.name, reason);
    }

    /// Comes every `statistics.interval.ms`, which is also how often the metrics are brought up to
    /// date.
    fn statistics(&self, json: &[u8]) {
        let parsed = ClientStatistics::parse(json);
        let mut counting = self.counting();
        counting.flush_metrics();
        if let Some(statistics) = &parsed {
            counting.tally.times.add(statistics);
        }
        drop(counting);
        if let Some(statistics) = parsed {
            let mut latest = self
                .statistics
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *latest = Some((Instant::now(), statistics));
            drop(latest);
            self.statistics_came.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::{PartitionMetadata, codes};
    use prometheus::Registry;

    use super::*;
    use crate::generator::FreeSlots;

    struct Fixture {
        outcomes: Outcomes,
        free: FreeSlots,
        clock: Clock,
        metrics: Metrics,
        sequence: u64,
    }

    impl Fixture {
        fn new() -> Self {
            let partition = PartitionMetadata {
                id: 0,
                leader: Some(1),
                replicas: vec![1],
                in_sync_replicas: vec![1],
            };
            let clock = Clock::start();
            let metrics = Metrics::register(&Registry::new(), &[]).unwrap();
            let outcomes = Outcomes::new(
                clock,
                Slots::new(10),
                Arc::new(Lanes::new(&[partition])),
                Arc::default(),
                metrics.clone(),
            );
            outcomes.begin(PhaseOfRun {
                measured: true,
                started_ns: 0,
                ledger_for: Some(10),
            });
            let free = FreeSlots::default();
            Self {
                outcomes,
                free,
                clock,
                metrics,
                sequence: 0,
            }
        }

        /// Sends one record and reports its outcome.
        fn settle(&mut self, delivery: &Delivery) {
            let intended_ns = self.clock.now_ns();
            let place = InFlight {
                sequence: self.sequence,
                intended_ns,
                sent_ns: intended_ns,
                lane: 0,
            };
            self.sequence += 1;
            let token = self.outcomes.slots().take(&mut self.free, place).unwrap();
            self.outcomes.lanes().sent(0);
            self.outcomes.delivered(token, delivery);
        }
    }

    fn acknowledged() -> Delivery {
        Delivery::Acknowledged {
            partition: 0,
            offset: None,
        }
    }

    fn failed(persistence: Persistence) -> Delivery {
        let error = KafkaError::of_read("Produce", codes::REQUEST_TIMED_OUT, "");
        Delivery::Failed { persistence, error }
    }

    #[test]
    fn the_report_the_progress_and_the_metrics_count_the_same() {
        let mut fixture = Fixture::new();
        for _ in 0..5 {
            fixture.settle(&acknowledged());
        }
        fixture.settle(&failed(Persistence::NotPersisted));
        fixture.settle(&failed(Persistence::PossiblyPersisted));
        let tally = fixture.outcomes.close(7);
        assert_eq!((tally.acknowledged(), tally.failed()), (5, 2));
        assert_eq!((tally.not_written, tally.possibly_written), (1, 1));
        assert_eq!(tally.errors["REQUEST_TIMED_OUT"], 2);
        let seen = fixture.outcomes.counts().see();
        assert_eq!((seen.acknowledged, seen.failed), (5, 2));
        assert_eq!(fixture.metrics.acknowledged.get(), 5);
        assert_eq!(fixture.metrics.send_time.get_sample_count(), 5);
        let failures = |label| {
            let series = fixture
                .metrics
                .failed
                .with_label_values(&["timed_out", label]);
            series.get()
        };
        assert_eq!((failures(NOT_WRITTEN), failures(POSSIBLY_WRITTEN)), (1, 1));
    }

    #[test]
    fn the_ledger_the_gaps_and_the_timeline_are_told_each_outcome() {
        let mut fixture = Fixture::new();
        fixture.settle(&acknowledged());
        fixture.settle(&failed(Persistence::NotPersisted));
        let error = KafkaError::of_read("Produce", codes::REQUEST_TIMED_OUT, "");
        fixture.outcomes.client_error(&error, "a:1/1: lost");
        fixture.settle(&acknowledged());
        let tally = fixture.outcomes.close(4);
        let ledger = &tally.ledgers[0];
        let fates: Vec<_> = (0..4).map(|sequence| ledger.fate(sequence)).collect();
        let expected = [
            Fate::Acknowledged,
            Fate::NotWritten,
            Fate::Acknowledged,
            Fate::PossiblyWritten,
        ];
        assert_eq!(fates, expected.map(Some));
        assert_eq!(tally.gaps.acknowledged_on(0), 2);
        assert!(tally.troubles.first_acknowledgement_after_ns > tally.troubles.first_error_ns);
        assert_eq!(tally.troubles.said[0].text, "a:1/1: lost");
        let timeline = fixture.outcomes.progress.timeline.lock().unwrap();
        let points = timeline.points(1_000_000_000);
        assert_eq!((points[0].acknowledged, points[0].failed), (2, 1));
    }

    #[test]
    fn a_record_without_any_outcome_is_possibly_written() {
        let mut fixture = Fixture::new();
        fixture.settle(&acknowledged());
        let tally = fixture.outcomes.close(3);
        assert_eq!((tally.acknowledged(), tally.possibly_written), (1, 2));
        assert_eq!(tally.errors[NO_OUTCOME], 2);
    }

    #[test]
    fn a_new_phase_begins_with_nothing() {
        let mut fixture = Fixture::new();
        fixture.settle(&acknowledged());
        fixture.outcomes.begin(PhaseOfRun::default());
        assert_eq!(fixture.outcomes.close(0).acknowledged(), 0);
    }

    #[test]
    fn statistics_that_came_before_the_question_are_not_its_answer() {
        let fixture = Fixture::new();
        let json = br#"{"tx_bytes":1,"txmsg_bytes":1}"#;
        fixture.outcomes.statistics(json);
        let patience = Duration::from_millis(20);
        assert_eq!(fixture.outcomes.await_statistics(patience, |_| true), None);
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| {
                fixture
                    .outcomes
                    .await_statistics(Duration::from_secs(10), |_| true)
            });
            while !asked.is_finished() {
                fixture.outcomes.statistics(json);
                std::thread::yield_now();
            }
            assert_eq!(asked.join().unwrap().map(|seen| seen.sent_bytes), Some(1));
        });
    }
}
