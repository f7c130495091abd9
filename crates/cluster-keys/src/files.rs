//! Files that only their owner may read, written all or nothing.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::error::{Error, Result};

const SECRET_FILE: u32 = 0o600;
const SECRET_DIR: u32 = 0o700;

/// Writes `text` to `path`, which has mode 0600 from its first moment; whoever reads it meanwhile
/// sees the old text or the new one. A file that holds it already is left alone.
///
/// That matters to who watches a file: ZooKeeper reads its key, its certificate and the authority's again for
/// each of its files that is replaced, by a thread for each; told of two at once it can end up with the
/// old key and the new certificate, and then nobody gets a connection any more. Seen with 3.8.6.
///
/// # Errors
/// [`Error::Io`].
pub fn write(path: &Path, text: &[u8]) -> Result<()> {
    write_for(path, text, None)
}

/// The same for a file that belongs to `owner`, where this process may give it away: whoever waits for
/// the file finds it readable.
pub fn write_for(path: &Path, text: &[u8], owner: Option<u32>) -> Result<()> {
    let failed = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let owner = owner.filter(|_| nix::unistd::geteuid().is_root());
    if holds(path, text, owner) {
        return Ok(());
    }
    let new = path.with_added_extension("new");
    let _ = std::fs::remove_file(&new);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(SECRET_FILE)
            .open(&new)?;
        file.write_all(text)?;
        file.sync_all()?;
        if let Some(owner) = owner {
            std::os::unix::fs::fchown(&file, Some(owner), Some(owner))?;
        }
        std::fs::rename(&new, path)
    };
    write().map_err(failed)
}

/// Whether it has this text, is its owner's alone, and is `owner`'s.
fn holds(path: &Path, text: &[u8], owner: Option<u32>) -> bool {
    let is_owned = |metadata: std::fs::Metadata| {
        metadata.mode() & 0o777 == SECRET_FILE && owner.is_none_or(|owner| metadata.uid() == owner)
    };
    std::fs::symlink_metadata(path).is_ok_and(|there| there.is_file() && is_owned(there))
        && std::fs::read(path).is_ok_and(|there| there == text)
}

/// Reads a text, refusing one that others can get at.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    check_mode(path, SECRET_FILE)?;
    std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// Makes a directory that only its owner may enter, with those above it.
pub fn make_dir(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(SECRET_DIR)
        .create(path)
        .map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })
}

/// Makes a directory that only its owner may enter; one that is there is closed to others.
///
/// # Errors
/// [`Error::Io`].
pub fn close_dir(path: &Path) -> Result<()> {
    make_dir(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(SECRET_DIR)).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// Makes sure that a directory's entries are on disk.
pub fn sync_dir(path: &Path) -> Result<()> {
    let synced = File::open(path).and_then(|dir| dir.sync_all());
    synced.map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// Refuses a directory that others can enter.
pub fn check_dir(path: &Path) -> Result<()> {
    check_mode(path, SECRET_DIR)
}

/// Refuses a file that others than its owner can get at, or that is not there.
pub fn check_file(path: &Path) -> Result<()> {
    check_mode(path, SECRET_FILE)
}

fn check_mode(path: &Path, wanted: u32) -> Result<()> {
    let metadata = std::fs::metadata(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing(path.to_owned()),
        _ => Error::Io {
            path: path.to_owned(),
            source,
        },
    })?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::Mode {
            path: path.to_owned(),
            mode,
            wanted,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_owners_alone_whatever_the_umask() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        write(&file, b"x").unwrap();
        write(&file, b"y").unwrap();
        let mode = std::fs::metadata(&file).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(read(&file).unwrap(), b"y");
    }

    #[test]
    fn a_file_is_replaced_only_by_another_text() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        let inode = || std::fs::metadata(&file).unwrap().ino();
        write(&file, b"x").unwrap();
        // So that its number is not given to the next one.
        let held = File::open(&file).unwrap();
        write(&file, b"x").unwrap();
        assert_eq!(inode(), held.metadata().unwrap().ino());
        write(&file, b"y").unwrap();
        assert_ne!(inode(), held.metadata().unwrap().ino());
        // Others could read it meanwhile: it is made anew.
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        write(&file, b"y").unwrap();
        check_file(&file).unwrap();
    }

    #[test]
    fn a_directory_that_was_open_to_others_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("a");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        close_dir(&open).unwrap();
        check_dir(&open).unwrap();
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        write(&file, b"x").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let message = read(&file).unwrap_err().to_string();
        assert!(message.contains("mode 0644"), "{message}");
        assert!(message.contains("chmod 600 "), "{message}");
    }
}
