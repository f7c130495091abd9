//! Kafka's jars, copied once by Maven from the list in `kafka/pom.xml`, and again when that list
//! changes. A directory made by other hands (the same Maven goal) is used when Maven is missing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, Result, io_error};
use crate::layout::Layout;

/// A copy of the pom, kept beside the jars it produced.
const STAMP: &str = ".pom.xml";

/// The jars of one checkout.
#[derive(Debug, Clone)]
pub struct Jars {
    /// Every jar but the agent, sorted; listed one by one since a wildcard defeats class-data
    /// sharing.
    pub class_path: Vec<PathBuf>,
    /// The JMX exporter, loaded as a Java agent.
    pub agent: PathBuf,
}

impl Jars {
    /// Copies the jars when they are missing or the pom has changed (4 s with a warm Maven), and
    /// lists them. May block for as long as Maven takes; whoever comes meanwhile waits.
    ///
    /// # Errors
    /// [`Error::Prerequisite`] when Maven is missing or fails, with what to do.
    pub fn ensure(layout: &Layout) -> Result<Self> {
        let target = layout.kafka_target();
        std::fs::create_dir_all(&target)
            .map_err(io_error(format!("directory {}", target.display())))?;
        if !is_current(layout) {
            let lock = lock(&target.join("jars.lock"))?;
            if !is_current(layout) {
                copy(layout)?;
            }
            drop(lock);
        }
        Self::list(layout)
    }

    /// Lists the jars that are there.
    ///
    /// # Errors
    /// [`Error::Prerequisite`] when Kafka's own or the agent is not among them.
    pub fn list(layout: &Layout) -> Result<Self> {
        let libs = layout.libs();
        let mut jars: Vec<PathBuf> = std::fs::read_dir(&libs)
            .map_err(io_error(format!("jars in {}", libs.display())))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jar"))
            .collect();
        jars.sort();
        let (agents, class_path): (Vec<_>, Vec<_>) = jars
            .into_iter()
            .partition(|jar| named(jar, "jmx_prometheus_javaagent-"));
        let agent = agents.into_iter().next_back();
        match agent {
            Some(agent) if class_path.iter().any(|jar| named(jar, "kafka_2.13-")) => {
                Ok(Self { class_path, agent })
            }
            _ => Err(Error::Prerequisite(format!(
                "{} holds no complete set of jars: remove it and try again",
                libs.display()
            ))),
        }
    }

    /// The class path as Java wants it.
    #[must_use]
    pub fn class_path_argument(&self) -> String {
        let paths: Vec<_> = self
            .class_path
            .iter()
            .map(|p| p.to_string_lossy())
            .collect();
        paths.join(":")
    }
}

/// Takes the lock file at `path`, waiting for whoever has it; released on drop.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let what = || format!("lock {}", path.display());
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(io_error(what()))?;
    file.lock().map_err(io_error(what()))?;
    Ok(file)
}

fn named(jar: &Path, start: &str) -> bool {
    jar.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(start))
}

fn is_current(layout: &Layout) -> bool {
    let pom = std::fs::read(layout.kafka().join("pom.xml"));
    let stamp = std::fs::read(layout.libs().join(STAMP));
    matches!((pom, stamp), (Ok(pom), Ok(stamp)) if pom == stamp)
}

/// Into a directory of its own, then renamed: an interrupted copy leaves nothing that looks
/// complete, and jars of an older pom do not stay.
fn copy(layout: &Layout) -> Result<()> {
    let (libs, new) = (layout.libs(), layout.kafka_target().join("libs.new"));
    let _ = std::fs::remove_dir_all(&new);
    tracing::info!("copying Kafka's jars with Maven ...");
    let pom = layout.kafka().join("pom.xml");
    let maven = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(&pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-Dlibs.directory={}", new.display()))
        .stdin(Stdio::null())
        .output();
    match maven {
        Ok(output) if output.status.success() => {
            std::fs::copy(&pom, new.join(STAMP)).map_err(io_error("the copied jars"))?;
            let _ = std::fs::remove_dir_all(&libs);
            std::fs::rename(&new, &libs).map_err(io_error(format!("jars into {}", libs.display())))
        }
        Ok(output) => Err(Error::Prerequisite(format!(
            "mvn -f {} dependency:copy-dependencies failed: {}",
            pom.display(),
            String::from_utf8_lossy(&output.stdout).trim()
        ))),
        Err(_) if Jars::list(layout).is_ok() => {
            tracing::warn!("mvn is not installed: using the jars in {}", libs.display());
            Ok(())
        }
        Err(_) => Err(Error::Prerequisite(
            "mvn is not installed, and it copies Kafka's jars: apt-get install maven".into(),
        )),
    }
}
