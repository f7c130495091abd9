//! Keeps the record: judges whenever something was observed, and once a second, since things also change
//! by growing old.

use std::sync::Arc;
use std::time::Duration;

use service_kit::Readiness;
use tokio_util::sync::CancellationToken;

use super::Tracker;
use crate::state::State;

const LOOK: Duration = Duration::from_secs(1);
/// Several observations in a row are judged once.
const BREATH: Duration = Duration::from_millis(100);

/// Records until `stop`.
pub async fn run(state: State, stop: CancellationToken) {
    let record = state.record().clone();
    let mut tracker = Tracker::resuming(record.open_incidents());
    let mut changes = state.store().changes();
    let forever = async {
        loop {
            // Until the first look at the cluster has ended there is nothing to say.
            if state.check().is_ok() {
                if let Some(groups) = &state.store().read().groups.seen {
                    state.lag_history().take_in(&groups.value);
                }
                let changes = tracker.observe(&state.view().judgement);
                if changes != super::tracker::Changes::default() {
                    let record = Arc::clone(&record);
                    // A panic in there would be a defect; what was observed is observed again.
                    let _ = tokio::task::spawn_blocking(move || record.add(changes)).await;
                }
            }
            tokio::time::sleep(BREATH).await;
            // The store outlives this loop; an error would only mean that nothing changes any more.
            let _ = tokio::time::timeout(LOOK, changes.changed()).await;
        }
    };
    stop.run_until_cancelled(forever).await;
}
