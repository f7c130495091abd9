//! Reports on disk, so that they survive a restart. A disk that fails costs the reports, never a run.

use std::path::Path;

use service_kit::journal::Journal;

use crate::run::RunReport;

/// Name of the file in the service's data folder.
const FILE_NAME: &str = "runs.jsonl";

/// The stored reports.
pub struct Reports {
    /// `None` where they are kept in memory only.
    journal: Option<Journal<RunReport>>,
    /// What was there when the service started, oldest first, until it is taken.
    found: Vec<RunReport>,
}

impl Reports {
    /// Opens the reports in `folder`, at most `kept` of them. Where that fails it is said in the log
    /// and reports live in memory only.
    #[must_use]
    pub fn open(folder: &Path, kept: usize) -> Self {
        match Journal::open(folder.join(FILE_NAME), kept) {
            Ok((journal, found)) => Self {
                journal: Some(journal),
                found,
            },
            Err(error) => {
                let folder = folder.display();
                tracing::warn!(%error, %folder, "run reports are not stored: they end with the service");
                Self::in_memory()
            }
        }
    }

    /// No reports, and none will be stored.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            journal: None,
            found: Vec::new(),
        }
    }

    /// The newest of the reports found at the start, newest first; the others are let go of.
    pub fn take_newest(&mut self, count: usize) -> Vec<RunReport> {
        let mut newest = std::mem::take(&mut self.found);
        newest.reverse();
        newest.truncate(count);
        newest
    }

    /// Adds a report. Blocks on the disk; a failure is said in the log.
    pub fn store(&mut self, report: &RunReport) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.append(report)
        {
            tracing::error!(%error, run = report.run_id, "the report of a run could not be stored");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::sample_report;

    fn ids(reports: &[RunReport]) -> Vec<&str> {
        reports
            .iter()
            .map(|report| report.run_id.as_str())
            .collect()
    }

    #[test]
    fn reports_survive_a_restart_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut reports = Reports::open(folder.path(), 10);
        for id in ["a", "b", "c"] {
            reports.store(&sample_report(id));
        }
        drop(reports);
        let mut reports = Reports::open(folder.path(), 10);
        assert_eq!(ids(&reports.take_newest(2)), ["c", "b"]);
    }

    #[test]
    fn a_folder_that_cannot_be_used_costs_only_the_reports() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut reports = Reports::open(file.path(), 10);
        reports.store(&sample_report("a"));
        assert_eq!(reports.take_newest(1), []);
    }
}
