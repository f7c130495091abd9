//! Maintenance windows: times in which alerts are silent. They never change what is reported of the
//! cluster, and each ends by itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longer ones are forgotten by those who made them.
pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// Windows at a time.
const MOST: usize = 100;
const FILE_NAME: &str = "maintenance.json";

/// A time in which alerts are silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Its id.
    #[schema(example = "20261125T221500-1")]
    pub id: String,
    /// When it began.
    #[serde(with = "service_kit::time::millis")]
    pub from: Timestamp,
    /// When it ends by itself.
    #[serde(with = "service_kit::time::millis")]
    pub until: Timestamp,
    /// What for.
    #[schema(example = "disks of kafka-2 are replaced")]
    pub reason: String,
    /// The token of whoever asked for it; null where there are no tokens.
    #[schema(required = true)]
    pub by: Option<String>,
}

/// The windows that are open.
#[derive(Debug, Default)]
pub struct Windows {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    open: Vec<Window>,
    made: u64,
    file: Option<PathBuf>,
}

/// Why a window was not made, or not ended.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// There are enough of them.
    #[error("{MOST} windows are open already")]
    TooMany,
    /// It could not be stored, and is not open.
    #[error("it could not be stored: {0}")]
    NotStored(#[from] std::io::Error),
}

impl Windows {
    /// Those that were stored in `folder`; without one they end with the service.
    ///
    /// # Errors
    /// A file that cannot be read: a window that is not known of would let alerts through.
    pub fn open(folder: Option<&Path>) -> anyhow::Result<Self> {
        let Some(folder) = folder else {
            return Ok(Self::default());
        };
        let file = folder.join(FILE_NAME);
        let open = match std::fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => anyhow::bail!("{}: {error}", file.display()),
        };
        Ok(Self {
            inner: Mutex::new(Inner {
                open,
                made: 0,
                file: Some(file),
            }),
        })
    }

    /// Those that are open at `now`, oldest first.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Vec<Window> {
        let inner = self.lock();
        let open = inner.open.iter().filter(|window| window.until > now);
        open.cloned().collect()
    }

    /// Whether alerts are silent at `now`.
    #[must_use]
    pub fn any_at(&self, now: Timestamp) -> bool {
        self.lock().open.iter().any(|window| window.until > now)
    }

    /// Opens one now. Blocks on the disk for a moment.
    ///
    /// # Errors
    /// [`WindowError`]; it is not open then.
    pub fn begin(
        &self,
        now: Timestamp,
        lasts: Duration,
        reason: String,
        by: Option<String>,
    ) -> Result<Window, WindowError> {
        let mut inner = self.lock();
        inner.open.retain(|window| window.until > now);
        if inner.open.len() >= MOST {
            return Err(WindowError::TooMany);
        }
        inner.made += 1;
        let window = Window {
            id: format!("{}-{}", now.strftime("%Y%m%dT%H%M%S%3f"), inner.made),
            from: now,
            until: now.saturating_add(lasts).unwrap_or(Timestamp::MAX),
            reason,
            by,
        };
        inner.open.push(window.clone());
        if let Err(error) = inner.store() {
            inner.open.pop();
            return Err(error.into());
        }
        Ok(window)
    }

    /// Ends one; `None`: there is none of this id.
    ///
    /// # Errors
    /// It could not be stored, and goes on.
    pub fn end(&self, id: &str, now: Timestamp) -> Result<Option<Window>, WindowError> {
        let mut inner = self.lock();
        inner.open.retain(|window| window.until > now);
        let Some(index) = inner.open.iter().position(|window| window.id == id) else {
            return Ok(None);
        };
        let ended = inner.open.remove(index);
        if let Err(error) = inner.store() {
            inner.open.insert(index, ended);
            return Err(error.into());
        }
        Ok(Some(ended))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// All or nothing.
    fn store(&self) -> std::io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let new = file.with_extension("json.new");
        let mut written = std::fs::File::create(&new)?;
        written.write_all(&serde_json::to_vec_pretty(&self.open)?)?;
        written.sync_all()?;
        std::fs::rename(new, file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_764_000_000 + second).unwrap()
    }

    fn begin(windows: &Windows, now: Timestamp) -> Window {
        windows.begin(now, HOUR, "disks".to_owned(), None).unwrap()
    }

    #[test]
    fn a_window_ends_by_itself_or_when_it_is_ended() {
        let windows = Windows::default();
        assert!(!windows.any_at(at(0)));
        let first = begin(&windows, at(0));
        let second = begin(&windows, at(10));
        assert_ne!(first.id, second.id);
        assert_eq!(windows.at(at(20)), [first.clone(), second.clone()]);
        assert_eq!(windows.end(&first.id, at(30)).unwrap(), Some(first.clone()));
        assert_eq!(windows.end(&first.id, at(30)).unwrap(), None);
        assert!(windows.any_at(at(3_609)));
        assert!(!windows.any_at(at(3_610)));
        assert_eq!(windows.end(&second.id, at(3_610)).unwrap(), None);
    }

    #[test]
    fn windows_outlive_the_service_and_a_broken_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Windows::open(Some(folder.path()));
        let window = begin(&open().unwrap(), at(0));
        assert_eq!(open().unwrap().at(at(5)), [window]);
        std::fs::write(folder.path().join(FILE_NAME), "{").unwrap();
        assert!(open().unwrap_err().to_string().contains(FILE_NAME));
    }

    #[test]
    fn there_are_so_many_and_no_more() {
        let windows = Windows::default();
        for _ in 0..MOST {
            begin(&windows, at(0));
        }
        let more = windows.begin(at(1), HOUR, String::new(), None);
        assert!(matches!(more, Err(WindowError::TooMany)));
        // Those that have ended make room.
        begin(&windows, at(3_600));
    }
}
