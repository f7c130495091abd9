//! Starting a process in the background, known from its first moment, and why one ended.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::error::{Error, Result, io_error};
use crate::process::ProcessId;

/// A process to start in the background, in a session of its own.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Node or service, for messages.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment on top of this process's own.
    pub env: Vec<(String, String)>,
    /// Where its output goes, appended.
    pub log: PathBuf,
    /// Where it writes who it is.
    pub pid_file: PathBuf,
}

/// Writes its own line of `/proc` to the pid file, then becomes the program: there is no moment
/// in which the program runs and nobody could know it. `.closed` is the watchdog's sign that the
/// starter is gone and nothing may start any more.
const WRAPPER: &str = r#"IFS= read -r stat <"/proc/$$/stat"
printf '%s\n' "$stat" >"$0"
[ ! -e "${0%/*}/.closed" ] || exit 1
exec "$@""#;

/// Begins the line that a log gets at each start.
const STARTS: &str = "--- local-cluster starts";
const NO_MACHINE: &str = "Could not create the Java Virtual Machine";

impl Launch {
    /// Starts it. Returns once its pid file is there, not once it is ready; blocks for some 3 ms.
    ///
    /// # Errors
    /// [`Error::Died`] when it ended at once, [`Error::Io`] when a directory, the log or the program cannot be used.
    pub fn spawn(&self) -> Result<ProcessId> {
        let what = || format!("starting {} ({})", self.name, self.program.display());
        for file in [&self.log, &self.pid_file] {
            if let Some(parent) = file.parent() {
                std::fs::create_dir_all(parent)
                    .map_err(io_error(format!("directory {}", parent.display())))?;
            }
        }
        let mut log = open_log(&self.log)?;
        // Without the line an old end would be told as the reason of this one.
        writeln!(log, "{STARTS} {}", self.name).map_err(io_error(what()))?;
        let _ = std::fs::remove_file(&self.pid_file);
        let mut child = Command::new("setsid")
            .args(["sh", "-c", WRAPPER])
            .arg(&self.pid_file)
            .arg(&self.program)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(io_error(what()))?)
            .stderr(log)
            .spawn()
            .map_err(io_error(what()))?;
        let process = self.first_sign(&mut child);
        // Somebody has to take note of its end, or it stays as a zombie.
        std::thread::spawn(move || child.wait());
        process
    }

    /// Waits for the pid file, some 3 ms after the fork.
    fn first_sign(&self, child: &mut Child) -> Result<ProcessId> {
        loop {
            let ended = !matches!(child.try_wait(), Ok(None));
            if let Some(process) = ProcessId::read(&self.pid_file) {
                return Ok(process);
            }
            if ended {
                return Err(died(&self.name, &self.log));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Opens a log for appending, moved aside when it has grown over 20 MB.
fn open_log(path: &Path) -> Result<File> {
    const LARGE: u64 = 20 * 1024 * 1024;
    if std::fs::metadata(path).is_ok_and(|file| file.len() > LARGE) {
        let _ = std::fs::rename(path, path.with_extension("log.1"));
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(io_error(format!("log {}", path.display())))
}

/// An [`Error::Died`] with the last line of the log that looks like the reason.
#[must_use]
pub fn died(name: &str, log: &Path) -> Error {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    Error::Died {
        name: name.to_owned(),
        reason: last_reason(&text).to_owned(),
        log: log.to_owned(),
    }
}

fn last_reason(log: &str) -> &str {
    let telling = ["Caused by", "Exception", "ERROR", "FATAL", "Error", "error"];
    let recent: Vec<&str> = log
        .lines()
        .rev()
        .take(200)
        .take_while(|line| !line.starts_with(STARTS))
        .collect();
    // Java says why its machine did not start, and then only that it did not.
    if let Some(refused) = recent.iter().position(|line| line.contains(NO_MACHINE)) {
        return recent.get(refused + 1).unwrap_or(&recent[refused]).trim();
    }
    telling
        .iter()
        .find_map(|word| recent.iter().find(|line| line.contains(word)))
        .or_else(|| recent.iter().find(|line| !line.trim().is_empty()))
        .map_or("it wrote nothing", |line| line.trim())
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::Signal;

    use super::*;
    use crate::process::Life;
    use crate::wait::wait_for_condition;

    #[tokio::test]
    async fn a_launched_process_writes_who_it_is_and_ends_when_told() {
        let dir = tempfile::tempdir().unwrap();
        let launch = Launch {
            name: "sleeper".into(),
            program: "sleep".into(),
            args: vec!["60".into()],
            env: vec![],
            log: dir.path().join("logs/sleeper.log"),
            pid_file: dir.path().join("run/sleeper.pid"),
        };
        let process = launch.spawn().unwrap();
        let limit = Duration::from_secs(5);
        assert_eq!(ProcessId::read(&launch.pid_file), Some(process));
        process.signal(Signal::SIGSTOP).unwrap();
        wait_for_condition("the pause", limit, || async {
            (process.life() == Life::Paused)
                .then_some(())
                .ok_or("not paused")
        })
        .await
        .unwrap();
        assert!(process.end(limit).await.unwrap());
        assert_eq!(process.life(), Life::Ended);
    }

    #[test]
    fn the_reason_of_an_end_is_the_telling_line() {
        let log = "[x] INFO a\n[x] ERROR Exiting Kafka due to fatal exception\njava.net.BindException: in use\n\tat y\n";
        assert_eq!(last_reason(log), "java.net.BindException: in use");
        assert_eq!(last_reason(""), "it wrote nothing");
    }

    #[test]
    fn the_reason_is_one_of_this_start_and_says_why_java_refused() {
        let before = "java.lang.InterruptedException\n--- local-cluster starts kafka-3\n";
        assert_eq!(last_reason(before), "it wrote nothing");
        let refused = format!(
            "{before}Invalid maximum heap size: -Xmx3q\nError: Could not create the Java Virtual Machine.\nError: A fatal exception has occurred. Program will exit.\n"
        );
        assert_eq!(last_reason(&refused), "Invalid maximum heap size: -Xmx3q");
    }
}
