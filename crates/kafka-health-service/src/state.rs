//! What routes, metrics and the log share: the snapshot, judged at the moment it is asked for.

use std::sync::Arc;

use service_kit::Readiness;
use tokio_util::sync::CancellationToken;

use crate::maintenance::Windows;
use crate::moment::Moment;
use crate::record::{LagHistory, Record};
use crate::rules::{Judgement, Limits, judge};
use crate::snapshot::{Snapshot, Store};

/// The state of the service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct State {
    store: Arc<Store>,
    limits: Limits,
    most_partition_series: usize,
    record: Arc<Record>,
    lag_history: Arc<LagHistory>,
    maintenance: Arc<Windows>,
    stop: CancellationToken,
}

/// One snapshot and what it means now: whatever is answered from one view cannot disagree.
#[derive(Debug, Clone)]
pub struct View {
    /// What is known.
    pub snapshot: Arc<Snapshot>,
    /// What it means.
    pub judgement: Judgement,
    /// How many series by partition `/metrics` may show.
    pub most_partition_series: usize,
    /// What happened.
    pub record: Arc<Record>,
    /// Alerts are silent.
    pub silent: bool,
}

impl State {
    /// Judges what `store` holds by `limits`; `/metrics` shows no series by partition, and what happens
    /// is kept in memory.
    #[must_use]
    pub fn new(store: Arc<Store>, limits: Limits) -> Self {
        Self {
            store,
            limits,
            most_partition_series: 0,
            record: Arc::new(Record::in_memory(1)),
            lag_history: Arc::default(),
            maintenance: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    /// The same, with what happens kept in `record`; streams of events end at `stop`.
    #[must_use]
    pub fn recording(self, record: Record, stop: CancellationToken) -> Self {
        Self {
            record: Arc::new(record),
            stop,
            ..self
        }
    }

    /// The same with these maintenance windows.
    #[must_use]
    pub fn maintained(self, windows: Windows) -> Self {
        Self {
            maintenance: Arc::new(windows),
            ..self
        }
    }

    /// The same with up to `most` series by partition in `/metrics`.
    #[must_use]
    pub fn with_partition_series(self, most: usize) -> Self {
        Self {
            most_partition_series: most,
            ..self
        }
    }

    /// Where the snapshot is kept.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// What happened.
    #[must_use]
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// When alerts are silent.
    #[must_use]
    pub fn maintenance(&self) -> &Arc<Windows> {
        &self.maintenance
    }

    /// How the lag of each group went.
    #[must_use]
    pub fn lag_history(&self) -> &Arc<LagHistory> {
        &self.lag_history
    }

    /// Cancelled when the service stops.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The snapshot as it is, judged now. It asks nobody and waits for nobody.
    #[must_use]
    pub fn view(&self) -> View {
        let snapshot = self.store.read();
        let judgement = judge(&snapshot, Moment::now(), &self.limits);
        View {
            snapshot,
            judgement,
            most_partition_series: self.most_partition_series,
            record: self.record.clone(),
            silent: self.maintenance.any_at(service_kit::time::now()),
        }
    }
}

impl Readiness for State {
    /// Ready once there is something to judge: the first attempt to read the cluster has ended,
    /// well or not. A cluster that is down makes this service UNKNOWN, not unready.
    fn check(&self) -> Result<(), String> {
        if self.store.read().topics.attempts.finished > 0 {
            Ok(())
        } else {
            Err("the first look at the cluster has not ended yet".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_after_the_first_look_even_if_that_failed() {
        let store = Arc::new(Store::new(Snapshot::default()));
        let state = State::new(store.clone(), Limits::default());
        assert!(state.check().is_err());
        let now = Moment::now();
        store.update(|snapshot| {
            snapshot
                .topics
                .attempts
                .note(now, now, Err("no broker".to_owned()));
        });
        assert_eq!(state.check(), Ok(()));
    }
}
