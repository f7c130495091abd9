//! What a run has so far, written every few seconds: a service that is killed in its midst finds it at
//! the next start.
//!
//! The file is replaced by renaming, so that it is whole after a kill. It is not synced: after a loss
//! of power there may be none, and then the run is not listed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{RunRecord, Running};

/// Name of the file in the service's data folder.
const FILE_NAME: &str = "run-in-progress.json";
/// What a killed run may lack.
const PERIOD: Duration = Duration::from_secs(2);

/// Writes checkpoints until it is dropped, and then removes the last.
pub struct Checkpoints {
    over: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    folder: PathBuf,
}

impl Checkpoints {
    /// The first is written before this returns. A disk that fails is said in the log, once.
    #[must_use]
    pub fn of(running: Arc<Running>, folder: PathBuf) -> Self {
        let first = write(&folder, &running.record());
        if let Err(error) = &first {
            tracing::warn!(%error, "the progress of a run cannot be stored");
        }
        let (over, told) = mpsc::channel();
        let thread = std::thread::Builder::new().name("checkpoints".to_owned());
        let spawned = {
            let folder = folder.clone();
            let mut failed = first.is_err();
            thread.spawn(move || {
                while told.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                    let written = write(&folder, &running.record());
                    if let Err(error) = &written
                        && !failed
                    {
                        tracing::warn!(%error, "the progress of a run cannot be stored");
                    }
                    failed = written.is_err();
                }
            })
        };
        if let Err(error) = &spawned {
            tracing::warn!(%error, "no thread to store the progress of a run");
        }
        Self {
            over: Some(over),
            thread: spawned.ok(),
            folder,
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        remove(&self.folder);
    }
}

/// Replaces the checkpoint in `folder`.
///
/// # Errors
/// The disk's; a checkpoint that was there stays.
pub fn write(folder: &Path, record: &RunRecord) -> io::Result<()> {
    let new = folder.join(format!("{FILE_NAME}.new"));
    fs::write(&new, serde_json::to_vec(record)?)
        .and_then(|()| fs::rename(&new, folder.join(FILE_NAME)))
        .inspect_err(|_| {
            let _ = fs::remove_file(&new);
        })
}

/// The checkpoint in `folder`; none when there is none that can be read.
#[must_use]
pub fn read(folder: &Path) -> Option<RunRecord> {
    let bytes = fs::read(folder.join(FILE_NAME)).ok()?;
    serde_json::from_slice(&bytes)
        .inspect_err(
            |error| tracing::warn!(%error, "passing over a checkpoint that cannot be read"),
        )
        .ok()
}

/// Removes the checkpoint.
pub fn remove(folder: &Path) {
    let _ = fs::remove_file(folder.join(FILE_NAME));
}

#[cfg(test)]
mod tests {
    use super::super::running::{sample_record, sample_running};
    use super::*;

    #[test]
    fn a_run_has_a_checkpoint_from_its_beginning_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let running = Arc::new(sample_running());
        let checkpoints = Checkpoints::of(Arc::clone(&running), folder.path().to_owned());
        let read_back = read(folder.path()).unwrap();
        assert_eq!(read_back.run_id, running.record().run_id);
        assert!(read_back.progress.is_some());
        drop(checkpoints);
        assert!(read(folder.path()).is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_checkpoint_that_cannot_be_read_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        for torn in ["", "{\"runId\":\"a\""] {
            fs::write(folder.path().join(FILE_NAME), torn).unwrap();
            assert!(read(folder.path()).is_none());
        }
    }

    #[test]
    fn a_checkpoint_that_cannot_be_written_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("not-there");
        assert!(write(&missing, &sample_record("a")).is_err());
        // A run under such a disk goes on all the same.
        drop(Checkpoints::of(Arc::new(sample_running()), missing));
    }
}
