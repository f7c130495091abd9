//! Runs a client as a process of its own, so that what it used is counted the same way for all:
//! by the operating system, when the process ends. And what is asked of any process.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use local_cluster::layout::Layout;
use nix::sys::resource::{UsageWho, getrusage};

/// What a process said and used.
#[derive(Debug)]
pub struct Finished {
    /// Its standard output.
    pub output: String,
    /// CPU seconds, user and system, of all its threads.
    pub cpu_s: f64,
    /// From its start to its end.
    pub wall_s: f64,
}

/// Runs `program` to its end. No other process that this one waits for may end meanwhile.
///
/// # Errors
/// It cannot be started, or ends with another status than 0.
pub fn run(program: &Path, arguments: &[String]) -> Result<Finished> {
    let before = cpu_of(UsageWho::RUSAGE_CHILDREN)?;
    let began = Instant::now();
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    let wall_s = began.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!(
            "{} {}: {}\n{}{}",
            program.display(),
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
    }
    Ok(Finished {
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        cpu_s: cpu_of(UsageWho::RUSAGE_CHILDREN)? - before,
        wall_s,
    })
}

/// CPU seconds, user and system.
///
/// # Errors
/// The operating system does not say.
pub fn cpu_of(who: UsageWho) -> Result<f64> {
    let usage = getrusage(who).context("getrusage")?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// The release build of a program of this workspace.
///
/// # Errors
/// It is not built.
pub fn release_build(name: &str) -> Result<PathBuf> {
    let program = Layout::find()?.root().join("target/release").join(name);
    ensure!(
        program.exists(),
        "{} is missing: cargo build --release -p {name}",
        program.display()
    );
    Ok(program)
}

/// A size of `/proc/PID/status` (proc(5)), such as `VmRSS`, in MB of a million bytes; `None` once the
/// process has ended.
pub fn memory_mb(pid: i32, size: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(size))?;
    let kib: f64 = line
        .strip_prefix(':')?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    Some(kib * 1024.0 / 1e6)
}
