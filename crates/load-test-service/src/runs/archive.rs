//! The runs that are over, on disk, so that they survive a restart. A disk that fails costs what it
//! should have kept, never a run.

use std::path::{Path, PathBuf};

use service_kit::journal::Journal;

use super::{RunRecord, checkpoint};

/// Name of the file in the service's data folder.
const FILE_NAME: &str = "runs.jsonl";

/// The stored runs.
pub struct Archive {
    kept: usize,
    /// Where checkpoints go; `None` where nothing is stored.
    folder: Option<PathBuf>,
    journal: Option<Journal<RunRecord>>,
    /// Why nothing is stored, unless that is meant so.
    problem: Option<String>,
    /// What was there when the service started, newest first, until it is taken.
    found: Vec<RunRecord>,
}

impl Archive {
    /// Opens the runs in `folder`, at most `kept` of them, and adds the one that a killed service
    /// left behind. Where that fails it is said in the log and in each run to come, and runs live in
    /// memory only.
    #[must_use]
    pub fn open(folder: &Path, kept: usize) -> Self {
        let mut archive = Self::in_memory(kept);
        match Journal::open(folder.join(FILE_NAME), archive.kept) {
            Ok((journal, found)) => {
                archive.found = found.into_iter().rev().collect();
                archive.journal = Some(journal);
                archive.folder = Some(folder.to_owned());
                archive.adopt(folder);
            }
            Err(error) => {
                let path = folder.display();
                tracing::warn!(%error, folder = %path, "runs are not stored: they end with the service");
                archive.problem = Some(error.to_string());
            }
        }
        archive
    }

    /// No runs, and none will be stored.
    #[must_use]
    pub fn in_memory(kept: usize) -> Self {
        Self {
            kept: kept.max(1),
            folder: None,
            journal: None,
            problem: None,
            found: Vec::new(),
        }
    }

    /// How many runs are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Where checkpoints go.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The runs found at the start, newest first.
    pub fn take_found(&mut self) -> Vec<RunRecord> {
        std::mem::take(&mut self.found)
    }

    /// Adds a run that is over. Blocks on the disk.
    ///
    /// # Errors
    /// It was not stored, and why.
    pub fn store(&mut self, record: &RunRecord) -> Result<(), String> {
        match (&mut self.journal, &self.problem) {
            (Some(journal), _) => journal.append(record).map_err(|error| error.to_string()),
            (None, Some(problem)) => Err(problem.clone()),
            (None, None) => Ok(()),
        }
    }

    /// Killed between storing a run and removing its checkpoint, a service leaves both.
    fn adopt(&mut self, folder: &Path) {
        let Some(left) = checkpoint::read(folder) else {
            return;
        };
        if self.found.iter().all(|record| record.run_id != left.run_id) {
            tracing::warn!(
                run = left.run_id,
                "a run was interrupted by the end of the service"
            );
            let interrupted = left.interrupted();
            if let Err(error) = self.store(&interrupted) {
                tracing::error!(error, "an interrupted run could not be stored");
            }
            self.found.insert(0, interrupted);
            self.found.truncate(self.kept);
        }
        checkpoint::remove(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::super::running::sample_record;
    use super::*;
    use crate::runs::RunState;

    fn open(folder: &Path) -> (Archive, Vec<RunRecord>) {
        let mut archive = Archive::open(folder, 3);
        let found = archive.take_found();
        (archive, found)
    }

    fn ids(records: &[RunRecord]) -> Vec<&str> {
        records
            .iter()
            .map(|record| record.run_id.as_str())
            .collect()
    }

    #[test]
    fn runs_survive_a_restart_newest_first_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let (mut archive, _) = open(folder.path());
        for id in ["a", "b", "c", "d"] {
            archive.store(&sample_record(id)).unwrap();
        }
        drop(archive);
        let (_, found) = open(folder.path());
        assert_eq!(ids(&found), ["d", "c", "b"]);
        assert_eq!(found[1], sample_record("c"));
    }

    #[test]
    fn a_folder_that_cannot_be_used_costs_only_the_storing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (mut archive, found) = open(file.path());
        assert!(found.is_empty());
        assert!(archive.store(&sample_record("a")).is_err());
    }

    #[test]
    fn the_run_of_a_killed_service_is_found_as_interrupted_once() {
        let folder = tempfile::tempdir().unwrap();
        let (mut archive, _) = open(folder.path());
        archive.store(&sample_record("a")).unwrap();
        drop(archive);
        checkpoint::write(folder.path(), &sample_record("b")).unwrap();
        for _ in 0..2 {
            let (_, found) = open(folder.path());
            assert_eq!(ids(&found), ["b", "a"]);
            assert_eq!(found[0].state, RunState::Interrupted);
            assert!(checkpoint::read(folder.path()).is_none());
        }
    }

    #[test]
    fn a_run_that_was_stored_before_the_service_was_killed_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (mut archive, _) = open(folder.path());
        archive.store(&sample_record("a")).unwrap();
        drop(archive);
        checkpoint::write(folder.path(), &sample_record("a")).unwrap();
        let (_, found) = open(folder.path());
        assert_eq!(found, [sample_record("a")]);
    }
}
