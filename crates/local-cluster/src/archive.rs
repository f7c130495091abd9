//! The archive of class data that takes a third off the start of every node.
//!
//! Made once per Java and set of jars: one ZooKeeper and one broker run for a moment and list the
//! classes they load, then Java writes these into `kafka/target/classes-KEY.jsa`. The key holds
//! everything the archive depends on, so a stale one is simply not found. Java checks little of
//! what it maps and crashes on a damaged archive, so a checksum is kept beside it and looked at
//! before each use. It is written under a lock and renamed into place: whoever comes meanwhile
//! waits, and nobody maps half of it.
//!
//! No failure here stops a start; nodes then start without it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use crate::ensemble::Cluster;
use crate::error::{Error, Result, io_error};
use crate::jars;
use crate::java::{Classes, Java};
use crate::spec::ClusterSpec;
use crate::test_home::TestHome;

/// Longer than the slowest machine needs for its classes; 6 s were measured.
const LONGEST_DUMP: Duration = Duration::from_secs(120);

/// The archive for this Java and these jars, made when it is missing; `None` when it cannot be
/// had, which is tried once per key and then left until `kafka/target` is removed.
pub async fn ensure(java: &Java) -> Option<PathBuf> {
    let files = Files::of(java);
    if files.usable() {
        return Some(files.archive);
    }
    if files.failed.exists() {
        return None;
    }
    let lock_file = java.layout().kafka_target().join("classes.lock");
    let lock = tokio::task::spawn_blocking(move || jars::lock(&lock_file));
    let _lock = lock.await.ok()?.ok()?;
    if files.usable() {
        return Some(files.archive);
    }
    tracing::info!("preparing class data so that later starts are faster (once, 10 s) ...");
    match boxed_make(java, &files).await {
        Ok(()) => Some(files.archive),
        Err(error) => {
            tracing::warn!("starting without class data: {error}");
            let _ = std::fs::write(&files.failed, format!("{error}\n"));
            None
        }
    }
}

struct Files {
    archive: PathBuf,
    checksum: PathBuf,
    failed: PathBuf,
}

impl Files {
    fn of(java: &Java) -> Self {
        let target = java.layout().kafka_target();
        let name = |ending| target.join(format!("classes-{:016x}.{ending}", key(java)));
        Self {
            archive: name("jsa"),
            checksum: name("crc"),
            failed: name("failed"),
        }
    }

    fn usable(&self) -> bool {
        match (
            checksum(&self.archive),
            std::fs::read_to_string(&self.checksum),
        ) {
            (Ok(now), Ok(then)) => then.trim() == now,
            _ => false,
        }
    }
}

/// What the archive depends on: the Java machine, and each jar's place, size and time.
fn key(java: &Java) -> u64 {
    let mut hasher = DefaultHasher::new();
    let machine = java.program.parent().and_then(Path::parent);
    let library = machine.map(|home| home.join("lib/server/libjvm.so"));
    let files = java.jars.class_path.iter().chain(library.iter());
    java.program.hash(&mut hasher);
    for file in files {
        file.hash(&mut hasher);
        if let Ok(metadata) = std::fs::metadata(file) {
            metadata.len().hash(&mut hasher);
            let modified = metadata.modified().ok();
            modified
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                .hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Making an archive starts a cluster, and starting a cluster asks for the archive: the type of
/// that future has to end somewhere.
fn boxed_make<'a>(
    java: &'a Java,
    files: &'a Files,
) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>> {
    Box::pin(make(java, files))
}

async fn make(java: &Java, files: &Files) -> Result<()> {
    remove_others(java.layout().kafka_target().as_path());
    let home = TestHome::any(java.layout(), "class-data").await?;
    let list = list_classes(java, home).await?;
    let new = files.archive.with_extension("new");
    dump(java, &list, &new).await?;
    let sum = checksum(&new).map_err(io_error("the new archive"))?;
    std::fs::write(&files.checksum, sum)
        .and_then(|()| std::fs::rename(&new, &files.archive))
        .map_err(io_error(format!("archive {}", files.archive.display())))
}

/// Runs one ZooKeeper and one broker, and answers with the file of what both loaded.
async fn list_classes(java: &Java, home: TestHome) -> Result<PathBuf> {
    let target = java.layout().kafka_target();
    let dir = home.dir().to_owned();
    let spec = ClusterSpec {
        brokers: 1,
        zookeepers: 1,
        address: home.address(),
        ..ClusterSpec::new(java.layout().root(), &dir)
    };
    let mut listing = java.clone();
    listing.classes = Classes::Listed(dir.clone());
    let cluster = Cluster::guarded(spec, listing, home);
    cluster.start_missing().await?;
    cluster.down().await?;
    let mut classes: Vec<String> = vec![];
    for node in ["zookeeper-1", "kafka-1"] {
        let file = dir.join(format!("{node}.classes"));
        let text = std::fs::read_to_string(&file)
            .map_err(io_error(format!("class list {}", file.display())))?;
        classes.extend(text.lines().map(str::to_owned));
    }
    classes.sort();
    classes.dedup();
    let list = target.join("classes.list");
    std::fs::write(&list, classes.join("\n") + "\n")
        .map_err(io_error(format!("class list {}", list.display())))?;
    Ok(list)
}

async fn dump(java: &Java, list: &Path, archive: &Path) -> Result<()> {
    let mut command = tokio::process::Command::new(&java.program);
    command
        .args(["-Xshare:dump", "-XX:+UseG1GC", "-Xlog:cds=off"])
        .arg(format!("-XX:SharedClassListFile={}", list.display()))
        .arg(format!("-XX:SharedArchiveFile={}", archive.display()))
        .arg("-cp")
        .arg(java.jars.class_path_argument())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(LONGEST_DUMP, command.output())
        .await
        .map_err(|_| Error::State(format!("java -Xshare:dump took over {LONGEST_DUMP:?}")))?
        .map_err(io_error("java -Xshare:dump"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Err(Error::State(format!(
        "java -Xshare:dump ended with {}: {}",
        output.status,
        text.lines().last().unwrap_or_default()
    )))
}

/// Archives of other jars or another Java. Who has one mapped keeps it.
fn remove_others(target: &Path) {
    for entry in std::fs::read_dir(target).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("classes-") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Size and CRC-32 of a file; 60 MB take some 30 ms.
fn checksum(file: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(file)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(format!("{size} {:08x}", hasher.finalize()));
        }
        size += count;
        hasher.update(&buffer[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_or_shortened_archive_is_not_usable() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files {
            archive: dir.path().join("a.jsa"),
            checksum: dir.path().join("a.crc"),
            failed: dir.path().join("a.failed"),
        };
        assert!(!files.usable(), "missing");
        std::fs::write(&files.archive, b"class data").unwrap();
        assert!(!files.usable(), "no checksum");
        std::fs::write(&files.checksum, checksum(&files.archive).unwrap()).unwrap();
        assert!(files.usable());
        std::fs::write(&files.archive, b"class dat4").unwrap();
        assert!(!files.usable(), "damaged");
        std::fs::write(&files.archive, b"class").unwrap();
        assert!(!files.usable(), "shortened");
    }
}
