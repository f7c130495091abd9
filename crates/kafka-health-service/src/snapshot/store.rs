//! Where the snapshot lives: one writer at a time, any number of readers, none of them waiting.

use std::sync::Arc;

use tokio::sync::watch;

use super::Snapshot;

/// Holds the current snapshot and tells of changes.
#[derive(Debug)]
pub struct Store {
    current: watch::Sender<Arc<Snapshot>>,
}

impl Store {
    /// Starts with `snapshot`.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            current: watch::Sender::new(Arc::new(snapshot)),
        }
    }

    /// The snapshot as it is now; later changes do not touch it.
    #[must_use]
    pub fn read(&self) -> Arc<Snapshot> {
        self.current.borrow().clone()
    }

    /// Replaces the snapshot by a changed copy.
    pub fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        self.current
            .send_modify(|current| change(Arc::make_mut(current)));
    }

    /// Tells when the snapshot changes.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.current.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::metadata;
    use crate::moment::Moment;

    #[test]
    fn a_snapshot_that_was_read_does_not_change_any_more() {
        let store = Store::new(Snapshot::default());
        let before = store.read();
        store.update(|snapshot| snapshot.take_in(&metadata(&[1], &[]), Moment::now()));
        assert!(before.brokers.is_empty());
        assert_eq!(store.read().brokers.len(), 1);
    }
}
