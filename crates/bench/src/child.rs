//! Runs a client as a process of its own, so that what it used is counted the same way for all:
//! by the operating system, when the process ends.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
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
