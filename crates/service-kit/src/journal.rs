//! A bounded history on disk: one JSON value a line, appended and synced, so that what was
//! acknowledged survives a crash, and a torn last line harms nothing before it.
//!
//! Calls block on the disk: from a handler, go through `spawn_blocking`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An append-only file of `T`, owned by one process at a time.
///
/// The file keeps at least the last `max_entries` lines and at most twice as many: at that size it
/// is rewritten, beside itself and then renamed, so that a crash leaves the old one or the new one.
pub struct Journal<T> {
    path: PathBuf,
    file: File,
    max_entries: usize,
    /// Lines in the file, readable or not.
    lines: usize,
    /// Bytes of whole lines; what a failed append left behind them is cut off before the next.
    whole_bytes: u64,
    unreadable_lines: usize,
    /// Held for as long as the journal is open.
    _lock: File,
    entries: PhantomData<fn(T)>,
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
    /// Opens or makes the file, its folder included, and gives its last `max_entries` entries,
    /// oldest first. A torn last line is cut off, and said in the log; a line that is not a `T` is
    /// passed over and counted.
    ///
    /// # Errors
    /// The file cannot be read or written, or another process has it open
    /// ([`io::ErrorKind::WouldBlock`]).
    pub fn open(path: impl Into<PathBuf>, max_entries: usize) -> io::Result<(Self, Vec<T>)> {
        let path = path.into();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let lock = lock(&path)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(&path)?;
        let bytes = fs::read(&path)?;
        let whole = &bytes[..whole_length(&bytes)];
        if whole.len() < bytes.len() {
            let torn_bytes = bytes.len() - whole.len();
            tracing::warn!(path = %path.display(), torn_bytes, "cutting off a torn last line");
        }
        sync_folder(&path)?;
        let mut journal = Self {
            path,
            file,
            max_entries: max_entries.max(1),
            lines: lines(whole).count(),
            whole_bytes: whole.len() as u64,
            unreadable_lines: 0,
            _lock: lock,
            entries: PhantomData,
        };
        journal.cut_to_whole()?;
        let entries = journal.read_entries(whole);
        Ok((journal, entries))
    }

    /// The journal of this name in `folder`, and its entries; none without a folder.
    ///
    /// # Errors
    /// As [`Journal::open`], with the path.
    pub fn open_in(
        folder: Option<&Path>,
        name: &str,
        max_entries: usize,
    ) -> anyhow::Result<(Option<Self>, Vec<T>)> {
        let Some(folder) = folder else {
            return Ok((None, Vec::new()));
        };
        let path = folder.join(name);
        let opened = Self::open(&path, max_entries);
        let (journal, entries) =
            opened.with_context(|| format!("cannot open {}", path.display()))?;
        Ok((Some(journal), entries))
    }

    /// Adds one entry and returns once it is on the disk.
    ///
    /// # Errors
    /// It could not be written (the disk is full, say) or synced. Then it is not in the journal, what
    /// was there before is whole, and the next append tries anew.
    pub fn append(&mut self, entry: &T) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        if let Err(error) = self.write(&line) {
            // Where this fails too, the next append begins with it.
            let _ = self.cut_to_whole();
            return Err(error);
        }
        self.whole_bytes += line.len() as u64;
        self.lines += 1;
        if self.lines >= self.max_entries * 2
            && let Err(error) = self.shorten()
        {
            tracing::warn!(path = %self.path.display(), %error, "the journal could not be shortened");
        }
        Ok(())
    }

    /// Lines that were no `T` when the journal was opened: written by another version, or damaged.
    /// They stay in the file until they are the oldest.
    #[must_use]
    pub fn unreadable_lines(&self) -> usize {
        self.unreadable_lines
    }

    fn read_entries(&mut self, whole: &[u8]) -> Vec<T> {
        let skip = self.lines.saturating_sub(self.max_entries);
        let mut entries = Vec::new();
        for line in lines(whole).skip(skip) {
            match serde_json::from_slice(line) {
                Ok(entry) => entries.push(entry),
                Err(_) => self.unreadable_lines += 1,
            }
        }
        if self.unreadable_lines > 0 {
            let (path, count) = (self.path.display(), self.unreadable_lines);
            tracing::warn!(%path, count, "passing over lines that cannot be read");
        }
        entries
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.cut_to_whole()?;
        self.file.write_all(line)?;
        self.file.sync_data()
    }

    fn cut_to_whole(&self) -> io::Result<()> {
        if self.file.metadata()?.len() == self.whole_bytes {
            return Ok(());
        }
        self.file.set_len(self.whole_bytes)?;
        self.file.sync_data()
    }

    /// Rewrites the file with its last `max_entries` lines as they are.
    fn shorten(&mut self) -> io::Result<()> {
        let bytes = fs::read(&self.path)?;
        let skip = self.lines - self.max_entries;
        let kept_from: usize = lines(&bytes).take(skip).map(|line| line.len() + 1).sum();
        let kept = &bytes[kept_from..];
        let new_path = beside(&self.path, "new");
        let written = write_new(&new_path, kept)
            .and_then(|file| fs::rename(&new_path, &self.path).map(|()| file));
        // The file is taken over at once: what goes on to be appended must go to the new one.
        self.file = match written {
            Ok(file) => file,
            Err(error) => {
                let _ = fs::remove_file(&new_path);
                return Err(error);
            }
        };
        self.lines = self.max_entries;
        self.whole_bytes = kept.len() as u64;
        sync_folder(&self.path)
    }
}

/// Length up to and with the last line break.
fn whole_length(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |last| last + 1)
}

fn lines(whole: &[u8]) -> impl Iterator<Item = &[u8]> {
    whole
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| &line[..line.len() - 1])
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// The lock is on a file of its own, since a rewrite replaces the journal's.
fn lock(path: &Path) -> io::Result<File> {
    let lock = File::create(beside(path, "lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let message = format!("{} is open in another process", path.display());
            Err(io::Error::new(io::ErrorKind::WouldBlock, message))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    // What an earlier attempt left behind is replaced, not appended to.
    File::create(path)?;
    let mut file = OpenOptions::new().append(true).read(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

/// A new name is on the disk only once its folder is. Source: `fsync(2)`.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tempfile::{TempDir, tempdir};

    use super::*;

    fn open(folder: &TempDir, max_entries: usize) -> (Journal<String>, Vec<String>) {
        Journal::open(folder.path().join("j"), max_entries).unwrap()
    }

    fn text(folder: &TempDir) -> String {
        fs::read_to_string(folder.path().join("j")).unwrap()
    }

    fn append_all(journal: &mut Journal<String>, numbers: std::ops::Range<u32>) {
        for number in numbers {
            journal.append(&number.to_string()).unwrap();
        }
    }

    #[test]
    fn entries_come_back_in_order() {
        let folder = tempdir().unwrap();
        let (mut journal, entries) = open(&folder, 10);
        assert!(entries.is_empty());
        append_all(&mut journal, 0..3);
        drop(journal);
        let (mut journal, entries) = open(&folder, 10);
        assert_eq!(entries, ["0", "1", "2"]);
        append_all(&mut journal, 3..4);
        assert_eq!(text(&folder), "\"0\"\n\"1\"\n\"2\"\n\"3\"\n");
    }

    #[test]
    fn a_missing_folder_is_made() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a/b/j");
        Journal::<String>::open(&path, 10)
            .unwrap()
            .0
            .append(&"x".into())
            .unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "\"x\"\n");
    }

    #[test]
    fn a_line_torn_at_any_byte_costs_itself_only() {
        for torn in ["\"", "\"2", "\"2\"", "\"\u{e9}"] {
            let folder = tempdir().unwrap();
            fs::write(folder.path().join("j"), format!("\"0\"\n\"1\"\n{torn}")).unwrap();
            let (mut journal, entries) = open(&folder, 10);
            assert_eq!(entries, ["0", "1"], "{torn}");
            assert_eq!(text(&folder), "\"0\"\n\"1\"\n", "{torn}");
            journal.append(&"next".into()).unwrap();
            assert_eq!(text(&folder), "\"0\"\n\"1\"\n\"next\"\n", "{torn}");
        }
    }

    #[test]
    fn a_part_of_a_line_that_could_not_be_cut_off_is_cut_before_the_next_line() {
        let folder = tempdir().unwrap();
        let (mut journal, _) = open(&folder, 10);
        append_all(&mut journal, 0..1);
        // What a failed append leaves where cutting fails as well.
        journal.file.write_all(b"\"par").unwrap();
        append_all(&mut journal, 1..2);
        assert_eq!(text(&folder), "\"0\"\n\"1\"\n");
    }

    #[test]
    fn lines_that_cannot_be_read_are_counted_and_passed_over() {
        let folder = tempdir().unwrap();
        fs::write(
            folder.path().join("j"),
            b"\"0\"\nnonsense\n\xff\xfe\n\n42\n\"1\"\n",
        )
        .unwrap();
        let (journal, entries) = open(&folder, 10);
        assert_eq!(entries, ["0", "1"]);
        assert_eq!(journal.unreadable_lines(), 4);
    }

    #[test]
    fn the_file_keeps_to_twice_the_bound_and_loses_the_oldest_only() {
        let folder = tempdir().unwrap();
        let (mut journal, _) = open(&folder, 5);
        for number in 0..100 {
            append_all(&mut journal, number..number + 1);
            let lines = text(&folder).lines().count();
            assert!(lines < 10, "{lines}");
            assert_eq!(lines, journal.lines);
            assert!(text(&folder).ends_with(&format!("\"{number}\"\n")));
        }
        drop(journal);
        let (_, entries) = open(&folder, 5);
        assert_eq!(entries, ["95", "96", "97", "98", "99"]);
    }

    #[test]
    fn a_smaller_bound_later_gives_the_newest() {
        let folder = tempdir().unwrap();
        append_all(&mut open(&folder, 100).0, 0..50);
        let (mut journal, entries) = open(&folder, 2);
        assert_eq!(entries, ["48", "49"]);
        append_all(&mut journal, 50..51);
        assert_eq!(text(&folder), "\"49\"\n\"50\"\n");
    }

    #[test]
    fn what_an_interrupted_rewrite_left_behind_does_no_harm() {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("j.new"), "\"left behind\"\n").unwrap();
        let (mut journal, _) = open(&folder, 2);
        append_all(&mut journal, 0..4);
        assert_eq!(text(&folder), "\"2\"\n\"3\"\n");
        assert!(!folder.path().join("j.new").exists());
    }

    #[test]
    fn a_rewrite_that_fails_loses_nothing_and_is_tried_again() {
        let folder = tempdir().unwrap();
        // A folder of this name cannot be written as a file.
        fs::create_dir(folder.path().join("j.new")).unwrap();
        let (mut journal, _) = open(&folder, 2);
        append_all(&mut journal, 0..6);
        assert_eq!(text(&folder).lines().count(), 6);
        fs::remove_dir(folder.path().join("j.new")).unwrap();
        append_all(&mut journal, 6..7);
        assert_eq!(text(&folder), "\"5\"\n\"6\"\n");
    }

    #[test]
    fn a_second_owner_is_refused_and_the_lock_ends_with_the_first() {
        let folder = tempdir().unwrap();
        let (first, _) = open(&folder, 10);
        let second = Journal::<String>::open(folder.path().join("j"), 10);
        assert_eq!(second.err().unwrap().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        open(&folder, 10);
    }

    const LIMITED: &str = "JOURNAL_TEST_LIMITED_FOLDER";

    /// Runs itself again under a bound on file sizes, where a write stops in the midst of a line as
    /// on a full disk.
    #[test]
    fn an_append_that_does_not_fit_is_an_error_and_leaves_the_rest_whole() {
        if let Some(folder) = std::env::var_os(LIMITED) {
            return append_until_it_fails(Path::new(&folder));
        }
        let folder = tempdir().unwrap();
        let name =
            "journal::tests::an_append_that_does_not_fit_is_an_error_and_leaves_the_rest_whole";
        let output = Command::new("sh")
            // SIGXFSZ would end the process; a full disk sends no signal either.
            .args([
                "-c",
                "trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact \"$1\" --nocapture",
            ])
            .arg(std::env::current_exe().unwrap())
            .arg(name)
            .env(LIMITED, folder.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{told}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            told.contains("1 passed"),
            "the inner test did not run: {told}"
        );
        let (_, entries) = open(&folder, 1_000);
        assert_eq!(entries.last().map(String::as_str), Some("short"));
        assert!(entries.len() > 2 && entries[0].len() == 900);
    }

    fn append_until_it_fails(folder: &Path) {
        let (mut journal, _) = Journal::open(folder.join("j"), 1_000).unwrap();
        let long = "x".repeat(900);
        let mut whole = 0;
        let error = loop {
            match journal.append(&long) {
                Ok(()) => whole += 1,
                Err(error) => break error,
            }
            assert!(whole < 100, "nothing bounded the file");
        };
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let length = fs::metadata(folder.join("j")).unwrap().len();
        assert_eq!(length, whole * 903, "a part of the line was left behind");
        journal.append(&"short".to_owned()).unwrap();
    }
}
