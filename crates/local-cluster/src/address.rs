//! An address of its own for each test cluster: 127.88.N.1, under a lock file. With it, every
//! cluster uses the same fixed ports, none of which can be in use by chance.
//!
//! Linux answers on all of 127.0.0.0/8 without set-up.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::error::{Error, Result, io_error};
use crate::node::NodeId;
use crate::ports;
use crate::process::ProcessId;
use crate::wait::wait_for_condition;

/// The one address of the cluster that faults are injected into: never two at once.
const FAULTS: u8 = 0;
const LAST: u8 = 250;

/// An address, and the lock that keeps it ours. The lock goes to the watchdog.
#[derive(Debug)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// Its lock file, open and locked; its text is the directory of the cluster that has it.
    pub lock: File,
}

/// Takes the first free address. What a killed user left there is ended first.
///
/// # Errors
/// [`Error::State`] when none is free.
pub async fn lease_any(dir: &Path) -> Result<Lease> {
    for number in FAULTS + 1..=LAST {
        if let Some(lease) = try_lease(number, dir).await?
            && is_unused(lease.address)
        {
            return Ok(lease);
        }
    }
    Err(Error::State(
        "every address for test clusters is taken".into(),
    ))
}

/// Takes the address of the fault cluster, waiting for whoever has it.
///
/// # Errors
/// [`Error::TimedOut`] when `limit` is not enough.
pub async fn lease_for_faults(dir: &Path, limit: Duration) -> Result<Lease> {
    wait_for_condition("the lock of the fault cluster", limit, || async {
        match try_lease(FAULTS, dir).await {
            Ok(Some(lease)) => Ok(lease),
            Ok(None) => Err("another test process has it".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}

async fn try_lease(number: u8, dir: &Path) -> Result<Option<Lease>> {
    let file = lock_dir()?.join(format!("127.88.{number}.1"));
    let what = || format!("lock {}", file.display());
    let mut lock = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&file)
        .map_err(io_error(what()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(io_error(what())(error)),
    }
    let mut left = String::new();
    lock.read_to_string(&mut left).map_err(io_error(what()))?;
    if !left.is_empty() {
        end_leftovers(Path::new(&left)).await?;
    }
    lock.set_len(0)
        .and_then(|()| lock.rewind())
        .and_then(|()| lock.write_all(dir.to_string_lossy().as_bytes()))
        .map_err(io_error(what()))?;
    let address = Ipv4Addr::new(127, 88, number, 1);
    Ok(Some(Lease { address, lock }))
}

/// Ends what still runs of the cluster in `dir` and removes its data, but not its logs; only a killed test process whose watchdog was
/// killed as well leaves any.
async fn end_leftovers(dir: &Path) -> Result<()> {
    for entry in std::fs::read_dir(dir.join("run"))
        .into_iter()
        .flatten()
        .flatten()
    {
        if let Some(process) = ProcessId::read(&entry.path()) {
            process.signal(Signal::SIGKILL)?;
            process.wait_ended(Duration::from_secs(10)).await?;
        }
    }
    for part in ["data", "conf", "run"] {
        let _ = std::fs::remove_dir_all(dir.join(part));
    }
    Ok(())
}

/// Another user of this machine may have a cluster at the same address.
fn is_unused(address: Ipv4Addr) -> bool {
    [NodeId::broker(1), NodeId::zookeeper(1)]
        .into_iter()
        .all(|node| {
            let address = SocketAddr::from((address, ports::client(node)));
            ports::require_free(address, "a test cluster").is_ok()
        })
}

/// One per user, since nobody may lock another's files.
fn lock_dir() -> Result<PathBuf> {
    let name = format!("local-cluster-{}", nix::unistd::getuid());
    let dir = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&dir).map_err(io_error(format!("directory {}", dir.display())))?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_leases_have_two_addresses() {
        let dir = tempfile::tempdir().unwrap();
        let first = lease_any(dir.path()).await.unwrap();
        let second = lease_any(dir.path()).await.unwrap();
        assert_ne!(first.address, second.address);
        assert!(first.address.is_loopback());
    }
}
