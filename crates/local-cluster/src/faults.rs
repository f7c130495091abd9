//! The cluster that faults are injected into: one test at a time, one process of this machine at
//! a time, and whole again for each.

use std::ops::Deref;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

use crate::ensemble::Cluster;
use crate::error::Result;
use crate::java::Java;
use crate::layout::Layout;
use crate::test_home::{TestHome, start_in};

/// Longer than recovery after a kill, shorter than patience; then it is built anew.
const LONGEST_HEALING: Duration = Duration::from_secs(60);

static FAULTS: LazyLock<Mutex<Option<Cluster>>> = LazyLock::new(|| Mutex::new(None));

/// The fault cluster, ours until this is dropped.
#[derive(Debug)]
pub struct FaultLease {
    cluster: Cluster,
    _turn: MutexGuard<'static, Option<Cluster>>,
}

impl Deref for FaultLease {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

/// Leases the fault cluster with every node running and every replica in sync: starts it for the
/// first of this process, heals it for the next, builds it anew when it cannot be healed. Waits
/// for other tests of this process, and up to half an hour for other processes.
///
/// `TEST_CLUSTER` has no say here: nobody else's cluster is harmed.
///
/// # Errors
/// When it can be neither healed nor started.
pub async fn lease_for_faults() -> Result<FaultLease> {
    let mut turn = FAULTS.lock().await;
    let healed = match turn.take() {
        Some(cluster) => healed(cluster).await,
        None => None,
    };
    let cluster = match healed {
        Some(cluster) => cluster,
        None => start().await?,
    };
    *turn = Some(cluster.clone());
    Ok(FaultLease {
        cluster,
        _turn: turn,
    })
}

/// The cluster when it is well again; its end, by dropping the last clone, when it is not.
async fn healed(cluster: Cluster) -> Option<Cluster> {
    match cluster.heal(LONGEST_HEALING).await {
        Ok(()) => Some(cluster),
        Err(error) => {
            cluster.keep_logs();
            eprintln!("the fault cluster is built anew: {error}");
            None
        }
    }
}

async fn start() -> Result<Cluster> {
    let layout = Layout::find()?;
    let java = Java::prepare(&layout).await?;
    let home = TestHome::for_faults(&layout).await?;
    start_in(home, java, |spec| {
        // Kafka gives leaders back by itself some seconds after a new controller; here tests do.
        let settings = &mut spec.broker_settings;
        settings.insert("auto.leader.rebalance.enable".into(), "false".into());
    })
    .await
}
