//! A run in progress: what it is, how far it is, and the switch that cancels it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use kafka_cluster::RunId;
use tokio_util::sync::CancellationToken;

use super::{Kind, ProgressView, RunRecord, RunState, Step, new_run_id};
use crate::plan::Plan;
use crate::run::{CountsSeen, Progress, TimelinePoint, run_id_text};

/// A run in progress; of one part after the other where it has several.
#[derive(Debug)]
pub struct Running {
    /// Its id.
    pub id: RunId,
    /// What it is made of.
    pub kind: Kind,
    /// The user's own name for it.
    pub label: Option<String>,
    /// Where to.
    pub topic: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    accepted: Instant,
    stop: CancellationToken,
    cancelled: AtomicBool,
    over: CancellationToken,
    live: Mutex<Live>,
}

/// The part that is being done, and the sums of those before it.
#[derive(Debug, Default)]
struct Live {
    step: Option<Step>,
    event_count: Option<u64>,
    rate: Option<u64>,
    progress: Arc<Progress>,
    measured_before: CountsSeen,
    warmup_before: CountsSeen,
}

impl Live {
    fn measured(&self) -> CountsSeen {
        self.measured_before + self.progress.measured.see()
    }

    fn warmup(&self) -> CountsSeen {
        self.warmup_before + self.progress.warmup.see()
    }
}

impl Running {
    /// A run that begins now and ends with `service_stop` at the latest.
    #[must_use]
    pub fn new(
        kind: Kind,
        label: Option<String>,
        topic: String,
        service_stop: &CancellationToken,
    ) -> Self {
        let accepted_at = service_kit::time::now();
        Self {
            id: new_run_id(accepted_at),
            kind,
            label,
            topic,
            accepted_at,
            accepted: Instant::now(),
            stop: service_stop.child_token(),
            cancelled: AtomicBool::new(false),
            over: CancellationToken::new(),
            live: Mutex::default(),
        }
    }

    /// Ends it early; it goes on until what is in flight has its outcome, some seconds at most.
    pub fn cancel(&self) {
        if !self.stop.is_cancelled() {
            self.cancelled.store(true, Relaxed);
        }
        self.stop.cancel();
    }

    /// Whether its user ended it, and not the end of the service.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    /// What ends it early.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Waits until it is over and its record can be asked for.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Says that it is.
    pub fn set_over(&self) {
        self.over.cancel();
    }

    /// Begins the next part, and gives the counters that it is to use.
    pub fn begin_part(&self, step: Option<Step>, plan: &Plan) -> Arc<Progress> {
        let mut live = self.live();
        *live = Live {
            step,
            event_count: Some(plan.event_count),
            rate: plan.rate,
            progress: Arc::default(),
            measured_before: live.measured(),
            warmup_before: live.warmup(),
        };
        Arc::clone(&live.progress)
    }

    /// Events so far, warm-ups included.
    #[must_use]
    pub fn counts(&self) -> CountsSeen {
        let live = self.live();
        live.warmup() + live.measured()
    }

    /// How far it is, with the present part from second to second.
    #[must_use]
    pub fn progress(&self) -> ProgressView {
        let live = self.live();
        let timeline = timeline(&live.progress);
        ProgressView {
            phase: live.progress.phase(),
            step: live.step.clone(),
            event_count: live.event_count,
            rate: live.rate,
            elapsed_ms: u64::try_from(self.accepted.elapsed().as_millis()).unwrap_or(u64::MAX),
            counted: live.measured().into(),
            warmup_sent: live.warmup().sent,
            last_second: timeline.last().copied(),
            timeline,
        }
    }

    /// Its record as of now.
    #[must_use]
    pub fn record(&self) -> RunRecord {
        RunRecord {
            run_id: run_id_text(self.id),
            kind: self.kind,
            state: RunState::Running,
            label: self.label.clone(),
            topic: self.topic.clone(),
            accepted_at: self.accepted_at,
            ended_at: None,
            progress: Some(self.progress()),
            report: None,
            sweep: None,
            comparison: None,
            error: None,
            notes: Vec::new(),
        }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn timeline(progress: &Progress) -> Vec<TimelinePoint> {
    let timeline = progress.timeline.lock();
    let timeline = timeline.unwrap_or_else(PoisonError::into_inner);
    // Where it ends is not known yet: no point is cut off.
    timeline.points(u64::MAX)
}

/// A run in progress, for tests of what is done with it.
#[cfg(test)]
pub fn sample_running() -> Running {
    let stop = CancellationToken::new();
    Running::new(Kind::Run, None, "log-events".to_owned(), &stop)
}

/// A run that is over, for tests of what is done with it.
#[cfg(test)]
pub fn sample_record(run_id: &str) -> RunRecord {
    let report = crate::run::sample_report(run_id);
    RunRecord {
        run_id: run_id.to_owned(),
        state: RunState::Ended,
        accepted_at: "2026-11-22T17:06:00Z".parse().unwrap(),
        ended_at: Some("2026-11-22T17:06:01Z".parse().unwrap()),
        progress: None,
        report: Some(crate::run::RunReport {
            started_at: "2026-11-22T17:06:00Z".parse().unwrap(),
            ended_at: "2026-11-22T17:06:01Z".parse().unwrap(),
            ..report
        }),
        ..sample_running().record()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn parts_add_up() {
        let running = sample_running();
        let plan = Plan::new(10, "log-events");
        for (number, sent) in [(1, 5), (2, 7)] {
            let name = format!("part {number}");
            let progress = running.begin_part(Some(Step { number, name }), &plan);
            progress.measured.sent.store(sent, Relaxed);
            progress.warmup.sent.store(1, Relaxed);
        }
        let view = running.progress();
        assert_eq!((view.counted.sent, view.warmup_sent), (12, 2));
        assert_eq!(view.step.unwrap().name, "part 2");
        assert_eq!(running.counts().sent, 14);
    }

    #[test]
    fn only_a_user_cancels() {
        let stop = CancellationToken::new();
        let running = Running::new(Kind::Run, None, "log-events".to_owned(), &stop);
        stop.cancel();
        running.cancel();
        assert!(!running.is_cancelled(), "the service had ended it before");
        let running = sample_running();
        running.cancel();
        assert!(running.is_cancelled() && running.stop().is_cancelled());
    }
}
