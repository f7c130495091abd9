//! One run at a time: starts it on a thread of its own, keeps the totals and the reports.
//!
//! A run belongs to the service, not to the request that asked for it: a client that goes away ends
//! nothing, and finds the report in `GET /api/loadtest/stats`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use kafka_cluster::{Connection, KafkaError, RunId};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::metrics::{Metrics, NOT_STARTED};
use crate::plan::Plan;
use crate::reports::Reports;
use crate::run::{CountsSeen, Job, Progress, RunReport, execute};
use crate::target::Target;

/// Reports that `stats` lists, newest first; the rest is on disk.
const RECENT_RUNS: usize = 10;

/// Starts runs and remembers them. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    shared: Arc<Shared>,
}

struct Shared {
    connection: Connection,
    metrics: Metrics,
    stop: CancellationToken,
    state: Mutex<State>,
    reports: Mutex<Reports>,
    busy: watch::Sender<bool>,
}

struct State {
    running: Option<Arc<Running>>,
    /// Of finished runs since `since`, warm-ups included.
    totals: CountsSeen,
    since: Timestamp,
    recent: VecDeque<Arc<RunReport>>,
}

/// A run in progress.
#[derive(Debug)]
pub struct Running {
    /// Its id.
    pub id: RunId,
    /// What it does.
    pub plan: Plan,
    /// How far it is.
    pub progress: Arc<Progress>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    accepted: Instant,
}

/// What the runner knows at one moment.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Since when the totals count.
    pub since: Timestamp,
    /// Of all runs since then, the one in progress included.
    pub totals: CountsSeen,
    /// The run in progress.
    pub running: Option<Arc<Running>>,
    /// Reports, newest first.
    pub recent: Vec<Arc<RunReport>>,
}

/// Why a run was not started.
#[derive(Debug)]
pub enum NotStarted {
    /// Another one is in progress.
    Busy(Arc<Running>),
    /// The service is about to end.
    Stopping,
}

/// What becomes of a run that was started.
pub type Ending = Result<Arc<RunReport>, KafkaError>;

impl Running {
    /// Milliseconds since it was accepted.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.accepted.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn counts(&self) -> CountsSeen {
        self.progress.warmup.see() + self.progress.measured.see()
    }
}

impl Runner {
    /// A runner whose runs end with `stop`; `reports` holds those of earlier lives of the service.
    #[must_use]
    pub fn new(
        connection: Connection,
        metrics: Metrics,
        mut reports: Reports,
        stop: CancellationToken,
    ) -> Self {
        let recent = reports
            .take_newest(RECENT_RUNS)
            .into_iter()
            .map(Arc::new)
            .collect();
        let state = State {
            running: None,
            totals: CountsSeen::default(),
            since: service_kit::time::now(),
            recent,
        };
        Self {
            shared: Arc::new(Shared {
                connection,
                metrics,
                stop,
                state: Mutex::new(state),
                reports: Mutex::new(reports),
                busy: watch::Sender::new(false),
            }),
        }
    }

    /// The run in progress.
    #[must_use]
    pub fn running(&self) -> Option<Arc<Running>> {
        self.shared.state().running.clone()
    }

    /// Starts a run; its ending comes by the receiver, which may be dropped.
    ///
    /// # Errors
    /// Another run is in progress, or the service is stopping.
    pub fn start(
        &self,
        plan: Plan,
        target: Target,
    ) -> Result<oneshot::Receiver<Ending>, NotStarted> {
        if self.shared.stop.is_cancelled() {
            return Err(NotStarted::Stopping);
        }
        let running = self.shared.begin(plan)?;
        let job = Job {
            id: running.id,
            plan: running.plan.clone(),
            connection: self.shared.connection.clone(),
            target,
            metrics: self.shared.metrics.clone(),
            progress: Arc::clone(&running.progress),
            stop: self.shared.stop.clone(),
        };
        let (sender, receiver) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let in_progress = InProgress(shared);
        let thread = std::thread::Builder::new().name("load-test-run".to_owned());
        let spawned = thread.spawn(move || {
            let ending = in_progress.shared().conclude(execute(&job));
            // Over before it is answered: the caller's next call finds no run in progress.
            drop(in_progress);
            let _ = sender.send(ending);
        });
        if let Err(error) = spawned {
            // The closure was dropped, and with it the guard and the sender: the caller is told.
            tracing::error!(%error, "no thread for a run");
        }
        Ok(receiver)
    }

    /// What is known now.
    #[must_use]
    pub fn see(&self) -> Seen {
        self.shared.state().see()
    }

    /// Lets the totals begin again at zero; reports and metrics stay.
    ///
    /// # Errors
    /// A run is in progress.
    pub fn reset(&self) -> Result<Seen, Arc<Running>> {
        let mut state = self.shared.state();
        if let Some(running) = &state.running {
            return Err(Arc::clone(running));
        }
        state.totals = CountsSeen::default();
        state.since = service_kit::time::now();
        Ok(state.see())
    }

    /// Waits until no run is in progress.
    pub async fn idle(&self) {
        let mut busy = self.shared.busy.subscribe();
        // It fails only without a sender, which `self` holds.
        let _ = busy.wait_for(|busy| !busy).await;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, plan: Plan) -> Result<Arc<Running>, NotStarted> {
        let mut state = self.state();
        if let Some(running) = &state.running {
            return Err(NotStarted::Busy(Arc::clone(running)));
        }
        let accepted_at = service_kit::time::now();
        let running = Arc::new(Running {
            id: new_run_id(accepted_at),
            plan,
            progress: Arc::default(),
            accepted_at,
            accepted: Instant::now(),
        });
        state.running = Some(Arc::clone(&running));
        self.metrics.run_in_progress.set(1);
        self.busy.send_replace(true);
        Ok(running)
    }

    /// Stores and counts what a run came to.
    fn conclude(&self, result: Result<RunReport, KafkaError>) -> Ending {
        let report = match result {
            Ok(report) => Arc::new(report),
            Err(error) => {
                tracing::warn!(%error, "a run could not be started");
                self.metrics.runs.with_label_values(&[NOT_STARTED]).inc();
                return Err(error);
            }
        };
        self.reports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .store(&report);
        self.metrics
            .runs
            .with_label_values(&[report.outcome.label()])
            .inc();
        log(&report);
        let mut state = self.state();
        state.recent.push_front(Arc::clone(&report));
        state.recent.truncate(RECENT_RUNS);
        Ok(report)
    }
}

impl State {
    fn see(&self) -> Seen {
        let live = self
            .running
            .as_ref()
            .map(|running| running.counts())
            .unwrap_or_default();
        Seen {
            since: self.since,
            totals: self.totals + live,
            running: self.running.clone(),
            recent: self.recent.iter().cloned().collect(),
        }
    }
}

/// While this lives the run is in progress; a run that panics ends by it too.
struct InProgress(Arc<Shared>);

impl InProgress {
    fn shared(&self) -> &Shared {
        &self.0
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if let Some(running) = state.running.take() {
            state.totals = state.totals + running.counts();
        }
        drop(state);
        self.0.metrics.run_in_progress.set(0);
        self.0.busy.send_replace(false);
    }
}

fn log(report: &RunReport) {
    tracing::info!(
        run = report.run_id,
        outcome = report.outcome.label(),
        topic = report.topic,
        events = report.event_count,
        acknowledged = report.acknowledged,
        failed = report.failed,
        events_per_second = report.throughput,
        p99_ms = report.latency.map(|latency| latency.p99_ms),
        "run ended"
    );
}

/// Ids sort by time: 48 bits of milliseconds since 1970, then 16 that tell two services apart.
fn new_run_id(now: Timestamp) -> RunId {
    let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let salt = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), milliseconds);
    RunId(milliseconds << 16 | salt >> 48)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use prometheus::Registry;

    use super::*;

    fn runner() -> Runner {
        let metrics = Metrics::register(&Registry::new(), &[]).unwrap();
        let connection = Connection::new("127.0.0.1:1");
        Runner::new(
            connection,
            metrics,
            Reports::in_memory(),
            CancellationToken::new(),
        )
    }

    /// A run that somebody else works on: only the bookkeeping is under test.
    fn begin(runner: &Runner) -> (Arc<Running>, InProgress) {
        let running = runner.shared.begin(Plan::new(10, "log-events")).unwrap();
        (running, InProgress(Arc::clone(&runner.shared)))
    }

    #[test]
    fn a_second_run_is_refused_naming_the_first() {
        let runner = runner();
        let (running, in_progress) = begin(&runner);
        let refused = runner
            .start(Plan::new(1, "log-events"), Target::of(Vec::new()))
            .unwrap_err();
        assert!(matches!(refused, NotStarted::Busy(other) if other.id == running.id));
        drop(in_progress);
        assert!(runner.running().is_none());
        assert!(runner.shared.begin(Plan::new(1, "log-events")).is_ok());
    }

    #[test]
    fn totals_show_the_run_in_progress_and_keep_it_when_it_ends() {
        let runner = runner();
        let (running, in_progress) = begin(&runner);
        running.progress.warmup.sent.store(5, Relaxed);
        running.progress.measured.sent.store(7, Relaxed);
        running.progress.measured.acknowledged.store(6, Relaxed);
        assert_eq!(
            (runner.see().totals.sent, runner.see().totals.acknowledged),
            (12, 6)
        );
        drop(in_progress);
        assert_eq!(
            (runner.see().totals.sent, runner.see().totals.acknowledged),
            (12, 6)
        );
    }

    #[test]
    fn a_reset_starts_totals_at_zero_but_not_during_a_run() {
        let runner = runner();
        let (running, in_progress) = begin(&runner);
        running.progress.measured.sent.store(7, Relaxed);
        assert_eq!(runner.reset().unwrap_err().id, running.id);
        drop(in_progress);
        let before = runner.see();
        let after = runner.reset().unwrap();
        assert_eq!(after.totals, CountsSeen::default());
        assert!(after.since >= before.since);
        assert_eq!(after.recent.len(), before.recent.len());
    }

    #[test]
    fn a_run_that_panics_is_over() {
        let runner = runner();
        let (_, in_progress) = begin(&runner);
        let thread = std::thread::spawn(move || {
            let _guard = in_progress;
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
        assert!(runner.running().is_none());
    }

    #[tokio::test]
    async fn idle_waits_for_the_run_in_progress() {
        let runner = runner();
        runner.idle().await;
        let (_, in_progress) = begin(&runner);
        let waiting = tokio::spawn({
            let runner = runner.clone();
            async move { runner.idle().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(in_progress);
        waiting.await.unwrap();
    }

    #[test]
    fn a_service_that_stops_starts_no_run() {
        let runner = runner();
        runner.shared.stop.cancel();
        let refused = runner
            .start(Plan::new(1, "log-events"), Target::of(Vec::new()))
            .unwrap_err();
        assert!(matches!(refused, NotStarted::Stopping));
    }

    #[test]
    fn ids_of_later_runs_are_greater() {
        let earlier = new_run_id(Timestamp::from_millisecond(1_763_831_160_042).unwrap());
        let later = new_run_id(Timestamp::from_millisecond(1_763_831_160_043).unwrap());
        assert!(later > earlier);
    }
}
