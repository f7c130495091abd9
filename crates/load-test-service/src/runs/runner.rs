//! One run at a time: starts it on a thread of its own, keeps the totals and what runs came to.
//!
//! A run belongs to the service, not to the request that asked for it: a client that goes away ends
//! nothing, and finds it under `GET /api/loadtest/runs`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kafka_cluster::{Connection, KafkaError};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::checkpoint::Checkpoints;
use super::{Archive, Lab, RunRecord, RunState, Running, Task, not_stored};
use crate::metrics::{Metrics, NOT_STARTED};
use crate::run::CountsSeen;
use crate::target::Target;

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
    /// Apart from the state, since storing waits for the disk.
    archive: Mutex<Archive>,
    busy: watch::Sender<bool>,
}

struct State {
    running: Option<Arc<Running>>,
    /// Of runs that are over since `since`, warm-ups included.
    totals: CountsSeen,
    since: Timestamp,
    /// Runs that are over, newest first.
    over: VecDeque<Arc<RunRecord>>,
    /// How many of them are kept.
    kept: usize,
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
    /// Runs that are over, newest first.
    pub over: Vec<Arc<RunRecord>>,
}

/// Why a run was not started.
#[derive(Debug)]
pub enum NotStarted {
    /// Another one is in progress.
    Busy(Arc<Running>),
    /// The service is about to end.
    Stopping,
}

/// A run that was started.
pub struct Started {
    /// The run.
    pub running: Arc<Running>,
    /// What becomes of it; may be dropped.
    pub ending: oneshot::Receiver<Ending>,
}

/// What a run came to; the error where it could not even begin, which is recorded as well.
pub type Ending = Result<Arc<RunRecord>, KafkaError>;

impl Runner {
    /// A runner whose runs end with `stop`; `archive` holds those of earlier lives of the service.
    #[must_use]
    pub fn new(
        connection: Connection,
        metrics: Metrics,
        mut archive: Archive,
        stop: CancellationToken,
    ) -> Self {
        let state = State {
            running: None,
            totals: CountsSeen::default(),
            since: service_kit::time::now(),
            over: archive.take_found().into_iter().map(Arc::new).collect(),
            kept: archive.kept(),
        };
        Self {
            shared: Arc::new(Shared {
                connection,
                metrics,
                stop,
                state: Mutex::new(state),
                archive: Mutex::new(archive),
                busy: watch::Sender::new(false),
            }),
        }
    }

    /// The run in progress.
    #[must_use]
    pub fn running(&self) -> Option<Arc<Running>> {
        self.shared.state().running.clone()
    }

    /// A run that is over.
    #[must_use]
    pub fn over(&self, run_id: &str) -> Option<Arc<RunRecord>> {
        let state = self.shared.state();
        state.over.iter().find(|run| run.run_id == run_id).cloned()
    }

    /// Starts a run.
    ///
    /// # Errors
    /// Another run is in progress, or the service is stopping.
    pub fn start(&self, task: Task, targets: Vec<Target>) -> Result<Started, NotStarted> {
        if self.shared.stop.is_cancelled() {
            return Err(NotStarted::Stopping);
        }
        let mut in_progress = InProgress::begin(&self.shared, &task)?;
        let running = Arc::clone(&in_progress.running);
        let (sender, ending) = oneshot::channel();
        let thread = std::thread::Builder::new().name("load-test-run".to_owned());
        let spawned = thread.spawn(move || {
            let ending = in_progress.work(task, &targets);
            // Over before it is answered: the caller's next call finds no run in progress.
            drop(in_progress);
            let _ = sender.send(ending);
        });
        if let Err(error) = spawned {
            // The closure was dropped, and with it the guard and the sender: the caller is told.
            tracing::error!(%error, "no thread for a run");
        }
        Ok(Started { running, ending })
    }

    /// What is known now.
    #[must_use]
    pub fn see(&self) -> Seen {
        self.shared.state().see()
    }

    /// Lets the totals begin again at zero; runs and metrics stay.
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

    /// Cancelled when the service stops.
    #[must_use]
    pub fn service_stop(&self) -> &CancellationToken {
        &self.shared.stop
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

    fn archive(&self) -> MutexGuard<'_, Archive> {
        self.archive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a run that is over and adds it to the others.
    fn keep(&self, mut record: RunRecord) -> Arc<RunRecord> {
        if let Err(error) = self.archive().store(&record) {
            tracing::error!(error, run = record.run_id, "a run could not be stored");
            record.say(not_stored(error));
        }
        let record = Arc::new(record);
        let mut state = self.state();
        state.over.push_front(Arc::clone(&record));
        let kept = state.kept;
        state.over.truncate(kept);
        record
    }
}

impl State {
    fn see(&self) -> Seen {
        let live = self.running.as_ref().map(|running| running.counts());
        Seen {
            since: self.since,
            totals: self.totals + live.unwrap_or_default(),
            running: self.running.clone(),
            over: self.over.iter().cloned().collect(),
        }
    }
}

/// While this lives the run is in progress; a run that panics ends by it too.
struct InProgress {
    shared: Arc<Shared>,
    running: Arc<Running>,
    /// Whether its record is among those that are over.
    concluded: bool,
}

impl InProgress {
    fn begin(shared: &Arc<Shared>, task: &Task) -> Result<Self, NotStarted> {
        let mut state = shared.state();
        if let Some(running) = &state.running {
            return Err(NotStarted::Busy(Arc::clone(running)));
        }
        let running = Arc::new(task.begin(&shared.stop));
        state.running = Some(Arc::clone(&running));
        shared.metrics.run_in_progress.set(1);
        shared.busy.send_replace(true);
        drop(state);
        Ok(Self {
            shared: Arc::clone(shared),
            running,
            concluded: false,
        })
    }
}

impl InProgress {
    fn work(&mut self, task: Task, targets: &[Target]) -> Ending {
        let folder = self.shared.archive().folder().map(ToOwned::to_owned);
        let checkpoints = folder.map(|folder| Checkpoints::of(Arc::clone(&self.running), folder));
        let lab = Lab {
            connection: &self.shared.connection,
            targets,
            metrics: &self.shared.metrics,
            running: &self.running,
        };
        let came_to = task.perform(&lab);
        let mut record = self.running.record();
        record.ended_at = Some(service_kit::time::now());
        let error = match came_to {
            Ok(results) => {
                results.put_into(&mut record, &self.running);
                None
            }
            Err(error) => {
                tracing::warn!(%error, "a run could not be started");
                let runs = &self.shared.metrics.runs;
                runs.with_label_values(&[NOT_STARTED]).inc();
                record.state = RunState::Failed;
                record.error = Some(error.to_string());
                Some(error)
            }
        };
        let record = self.conclude(record);
        // After the record is on the disk, so that a kill in between leaves one of both.
        drop(checkpoints);
        error.map_or(Ok(record), Err)
    }

    fn conclude(&mut self, record: RunRecord) -> Arc<RunRecord> {
        self.concluded = true;
        self.shared.keep(record)
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        if !self.concluded {
            let mut record = self.running.record();
            record.state = RunState::Failed;
            record.error = Some("the service failed in the midst of it; see its log".to_owned());
            self.conclude(record);
        }
        let mut state = self.shared.state();
        state.running = None;
        state.totals = state.totals + self.running.counts();
        drop(state);
        self.shared.metrics.run_in_progress.set(0);
        self.shared.busy.send_replace(false);
        self.running.set_over();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use prometheus::Registry;

    use super::*;
    use crate::plan::Plan;

    fn runner() -> Runner {
        let metrics = Metrics::register(&Registry::new(), &[]).unwrap();
        let connection = Connection::new("127.0.0.1:1");
        let archive = Archive::in_memory(3);
        Runner::new(connection, metrics, archive, CancellationToken::new())
    }

    fn task() -> Task {
        Task::Run(Box::new(Plan::new(10, "log-events")))
    }

    /// A run that somebody else works on: only the bookkeeping is under test.
    fn begin(runner: &Runner) -> (Arc<Running>, InProgress) {
        let in_progress = InProgress::begin(&runner.shared, &task()).unwrap();
        (Arc::clone(&in_progress.running), in_progress)
    }

    #[test]
    fn a_second_run_is_refused_naming_the_first() {
        let runner = runner();
        let (running, in_progress) = begin(&runner);
        let refused = runner.start(task(), Vec::new()).err().unwrap();
        assert!(matches!(refused, NotStarted::Busy(other) if other.id == running.id));
        drop(in_progress);
        assert!(runner.running().is_none());
        assert!(InProgress::begin(&runner.shared, &task()).is_ok());
    }

    #[test]
    fn totals_show_the_run_in_progress_and_keep_it_when_it_ends() {
        let runner = runner();
        let (running, in_progress) = begin(&runner);
        let progress = running.begin_part(None, &Plan::new(10, "log-events"));
        progress.warmup.sent.store(5, Relaxed);
        progress.measured.sent.store(7, Relaxed);
        progress.measured.acknowledged.store(6, Relaxed);
        let totals = || (runner.see().totals.sent, runner.see().totals.acknowledged);
        assert_eq!(totals(), (12, 6));
        drop(in_progress);
        assert_eq!(totals(), (12, 6));
    }

    #[test]
    fn a_reset_starts_totals_at_zero_but_not_during_a_run() {
        let runner = runner();
        let (running, in_progress) = begin(&runner);
        assert_eq!(runner.reset().unwrap_err().id, running.id);
        drop(in_progress);
        let before = runner.see();
        let after = runner.reset().unwrap();
        assert_eq!(after.totals, CountsSeen::default());
        assert!(after.since >= before.since);
        assert_eq!(after.over.len(), before.over.len());
    }

    #[test]
    fn a_run_that_panics_is_over_and_recorded_as_failed() {
        let runner = runner();
        let (running, in_progress) = begin(&runner);
        let thread = std::thread::spawn(move || {
            let _guard = in_progress;
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
        assert!(runner.running().is_none());
        let id = crate::run::run_id_text(running.id);
        assert_eq!(runner.over(&id).unwrap().state, RunState::Failed);
    }

    #[test]
    fn only_so_many_runs_are_kept() {
        let runner = runner();
        let ids: Vec<_> = (0..4)
            .map(|_| crate::run::run_id_text(begin(&runner).0.id))
            .collect();
        assert_eq!(runner.see().over.len(), 3);
        assert!(runner.over(&ids[0]).is_none());
        assert!(runner.over(&ids[3]).is_some());
    }

    #[tokio::test]
    async fn idle_waits_for_the_run_in_progress() {
        let runner = runner();
        runner.idle().await;
        let (running, in_progress) = begin(&runner);
        let waiting = tokio::spawn({
            let runner = runner.clone();
            async move { runner.idle().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(in_progress);
        waiting.await.unwrap();
        running.over().await;
    }

    #[test]
    fn a_service_that_stops_starts_no_run() {
        let runner = runner();
        runner.shared.stop.cancel();
        let refused = runner.start(task(), Vec::new()).err().unwrap();
        assert!(matches!(refused, NotStarted::Stopping));
    }
}
