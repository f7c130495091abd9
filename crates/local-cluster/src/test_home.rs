//! Where a test cluster lives: an address and a directory of its own, and a watchdog that ends
//! and removes everything when this value or this process is gone. A test that panics keeps the
//! logs, and says where they are.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use crate::address::{self, Lease};
use crate::ensemble::Cluster;
use crate::error::{Result, io_error};
use crate::java::Java;
use crate::layout::Layout;
use crate::spec::{ClusterSpec, Jvm};
use crate::watchdog::Watchdog;

/// Another test process may be in the middle of its faults, one after the other.
const LONGEST_WAIT_FOR_FAULTS: Duration = Duration::from_secs(30 * 60);

/// Directories of the clusters of this process, for the panic hook.
static HOMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// An address, a directory and a watchdog; the end of all three on drop.
#[derive(Debug)]
pub struct TestHome {
    address: Ipv4Addr,
    dir: PathBuf,
    _watchdog: Watchdog,
}

impl TestHome {
    /// A home at any free address.
    ///
    /// # Errors
    /// When no address is free or the directory cannot be made.
    pub async fn any(layout: &Layout, name: &str) -> Result<Self> {
        let dir = new_dir(layout, name)?;
        let lease = address::lease_any(&dir).await?;
        Self::with(dir, lease)
    }

    /// The home of the one fault cluster of this machine; waits for it up to half an hour.
    ///
    /// # Errors
    /// As [`TestHome::any`], or when another test process keeps it for too long.
    pub async fn for_faults(layout: &Layout) -> Result<Self> {
        let dir = new_dir(layout, "faults")?;
        let lease = address::lease_for_faults(&dir, LONGEST_WAIT_FOR_FAULTS).await?;
        Self::with(dir, lease)
    }

    /// The address of its nodes.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Says that the logs are to stay when everything else goes.
    pub fn keep_logs(&self) {
        let _ = std::fs::write(self.dir.join("keep"), "");
    }

    fn with(dir: PathBuf, lease: Lease) -> Result<Self> {
        let watchdog = Watchdog::start(&dir, lease.lock)?;
        HOMES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(dir.clone());
        keep_logs_on_panic();
        Ok(Self {
            address: lease.address,
            dir,
            _watchdog: watchdog,
        })
    }
}

impl Drop for TestHome {
    fn drop(&mut self) {
        let mut homes = HOMES.lock().unwrap_or_else(PoisonError::into_inner);
        homes.retain(|dir| *dir != self.dir);
    }
}

/// Starts a cluster for one test, changed by `change` from three quick ZooKeepers and brokers;
/// it ends when the last clone of it is dropped.
///
/// # Errors
/// When it does not become ready; its logs are kept then, and named.
///
/// # Examples
/// ```no_run
/// # async fn example() -> local_cluster::Result<()> {
/// let cluster = local_cluster::start_for_test("small", |spec| spec.brokers = 1).await?;
/// println!("{}", cluster.bootstrap());
/// # Ok(()) }
/// ```
pub async fn start_for_test(name: &str, change: impl FnOnce(&mut ClusterSpec)) -> Result<Cluster> {
    let layout = Layout::find()?;
    let java = Java::prepare(&layout).await?;
    let home = TestHome::any(&layout, name).await?;
    start_in(home, java, change).await
}

/// Starts a cluster in `home`.
pub(crate) async fn start_in(
    home: TestHome,
    java: Java,
    change: impl FnOnce(&mut ClusterSpec),
) -> Result<Cluster> {
    let mut spec = ClusterSpec {
        address: home.address(),
        jvm: Jvm::quick(),
        ..ClusterSpec::new(java.layout().root(), home.dir())
    };
    change(&mut spec);
    let cluster = Cluster::guarded(spec, java, home);
    match cluster.start_missing().await {
        Ok(()) => Ok(cluster),
        Err(error) => {
            cluster.keep_logs();
            Err(error)
        }
    }
}

fn new_dir(layout: &Layout, name: &str) -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = layout
        .test_dir()
        .join(format!("{name}-{}-{number}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).map_err(io_error(format!("directory {}", dir.display())))?;
    Ok(dir)
}

/// A failed test is a panic. Which cluster it used is not known, so all logs stay.
fn keep_logs_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            before(panic);
            for dir in HOMES.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let _ = std::fs::write(dir.join("keep"), "");
                eprintln!("logs of the test cluster are kept: {}/logs", dir.display());
            }
        }));
    });
}
