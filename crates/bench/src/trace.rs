//! Counts how often a client asks the operating system whether there is something to do: a client
//! that does so far more often than it sends requests spins. By strace, which slows everything
//! down, so a traced run gives no other figure.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// The calls by which Java and librdkafka wait for sockets.
const CALLS: [&str; 4] = ["poll", "ppoll", "epoll_wait", "epoll_pwait"];

/// Whether there is a strace, and it may trace here.
pub fn available() -> bool {
    let traced = Command::new("strace")
        .args(["-c", "-o", "/dev/null", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    traced.is_ok_and(|status| status.success())
}

/// The command that runs `program` with all its threads traced, into the file `counts`.
pub fn command(counts: &Path, program: &Path, arguments: &[String]) -> (PathBuf, Vec<String>) {
    let calls = format!("trace={}", CALLS.join(","));
    let mut all = vec!["-f".into(), "-c".into(), "-e".into(), calls, "-o".into()];
    all.push(counts.display().to_string());
    all.push(program.display().to_string());
    all.extend(arguments.iter().cloned());
    ("strace".into(), all)
}

/// The calls that were counted.
///
/// # Errors
/// There is no such file.
pub fn calls(counts: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(counts).context("counts of strace")?;
    Ok(sum(&text))
}

/// Of `% time, seconds, usecs/call, calls, [errors,] syscall`, the calls.
fn sum(text: &str) -> u64 {
    text.lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let counted = fields.last().is_some_and(|name| CALLS.contains(name));
            counted
                .then(|| fields.get(3)?.parse::<u64>().ok())
                .flatten()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_summed_with_and_without_errors() {
        let text = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.001000          10       100         3 poll
 40.00    0.000500          10        50           epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.001500          10       150         3 total
";
        assert_eq!(sum(text), 150);
    }
}
