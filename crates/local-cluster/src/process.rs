//! One process: who it is, whether it lives, and how it is told to end.
//!
//! A process is its pid *and* its start time. Pids are used again, start times with the same pid
//! are not, so a signal goes to the process that was started or to none.

use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::error::{Result, io_error};
use crate::wait::wait_for_condition;

/// The identity of one process of this machine since its boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessId {
    /// Its pid, which is its process group and session too when [`crate::launch`] started it.
    pub pid: i32,
    /// When it started, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)).
    pub start_ticks: u64,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It runs or sleeps.
    Running,
    /// It was sent SIGSTOP.
    Paused,
    /// It is gone, or waits only for its parent to notice.
    Ended,
}

impl ProcessId {
    /// Who a pid file names; `None` when there is none or it is not yet written.
    #[must_use]
    pub fn read(pid_file: &Path) -> Option<Self> {
        let line = std::fs::read_to_string(pid_file).ok()?;
        parse_stat(&line).map(|(process, _)| process)
    }

    /// What it does now.
    #[must_use]
    pub fn life(self) -> Life {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid));
        match stat.ok().as_deref().and_then(parse_stat) {
            Some((now, life)) if now == self => life,
            _ => Life::Ended,
        }
    }

    /// Whether it exists, paused or not.
    #[must_use]
    pub fn is_alive(self) -> bool {
        self.life() != Life::Ended
    }

    /// Sends a signal to its process group; to nobody when it has ended.
    ///
    /// # Errors
    /// [`crate::Error::Io`] when this user may not.
    pub fn signal(self, signal: Signal) -> Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        let pid = Pid::from_raw(self.pid);
        // Between its fork and its setsid it leads no group yet.
        match killpg(pid, signal).or_else(|_| kill(pid, signal)) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(io_error(format!("{signal} to pid {}", self.pid))(
                errno.into(),
            )),
        }
    }

    /// Stops it with SIGSTOP, and returns once all of its threads stand still: on a busy machine they go
    /// on for some milliseconds.
    ///
    /// # Errors
    /// [`crate::Error::Io`] when this user may not; [`crate::Error::TimedOut`].
    pub async fn pause(self) -> Result<()> {
        self.signal(Signal::SIGSTOP)?;
        let what = format!("pid {} to stand still", self.pid);
        wait_for_condition(&what, Duration::from_secs(10), || async {
            if self.has_moving_thread() {
                Err("it moves")
            } else {
                Ok(())
            }
        })
        .await
    }

    fn has_moving_thread(self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid));
        threads.into_iter().flatten().flatten().any(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat"));
            let life = stat.ok().as_deref().and_then(parse_stat);
            life.is_some_and(|(_, life)| life == Life::Running)
        })
    }

    /// Asks it to end (SIGTERM, after SIGCONT if it is paused), waits up to `grace`, then ends it
    /// (SIGKILL). Says whether it ended by itself.
    ///
    /// # Errors
    /// [`crate::Error::Io`] or [`crate::Error::TimedOut`] when it cannot be ended at all.
    pub async fn end(self, grace: Duration) -> Result<bool> {
        self.signal(Signal::SIGTERM)?;
        self.signal(Signal::SIGCONT)?;
        if self.wait_ended(grace).await.is_ok() {
            return Ok(true);
        }
        self.signal(Signal::SIGKILL)?;
        self.wait_ended(Duration::from_secs(10)).await?;
        Ok(false)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// [`crate::Error::TimedOut`].
    pub async fn wait_ended(self, limit: Duration) -> Result<()> {
        wait_for_condition(&format!("the end of pid {}", self.pid), limit, || async {
            match self.life() {
                Life::Ended => Ok(()),
                life => Err(format!("{life:?}")),
            }
        })
        .await
    }

    /// Resident memory in bytes.
    #[must_use]
    pub fn resident_bytes(self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024)
    }
}

/// Identity and state from a line of `/proc/PID/stat` (proc(5)). The program's name, in
/// parentheses, may itself hold spaces and parentheses. A process whose first thread has ended is
/// called a zombie while its other threads still hold its ports.
fn parse_stat(line: &str) -> Option<(ProcessId, Life)> {
    let (pid, rest) = line.split_once(' ')?;
    let (_, fields) = rest.rsplit_once(')')?;
    // The first of these is field 3 of the line.
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let threads: u32 = fields.get(20 - 3)?.parse().ok()?;
    let life = match *fields.first()? {
        "Z" | "X" | "x" if threads <= 1 => Life::Ended,
        "T" | "t" => Life::Paused,
        _ => Life::Running,
    };
    let process = ProcessId {
        pid: pid.parse().ok()?,
        start_ticks: fields.get(22 - 3)?.parse().ok()?,
    };
    Some((process, life))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(state: char, threads: u32) -> String {
        format!("42 (a b) c) {state} 1 42 42 0 -1 4 1 2 3 4 5 6 7 8 20 0 {threads} 0 987654 1 2")
    }

    #[test]
    fn a_program_name_with_parentheses_is_no_trap() {
        let (process, life) = parse_stat(&stat('S', 3)).unwrap();
        assert_eq!((process.pid, process.start_ticks), (42, 987_654));
        assert_eq!(life, Life::Running);
    }

    #[test]
    fn a_zombie_whose_threads_still_end_has_not_ended() {
        assert_eq!(parse_stat(&stat('Z', 12)).unwrap().1, Life::Running);
        assert_eq!(parse_stat(&stat('Z', 1)).unwrap().1, Life::Ended);
        assert_eq!(parse_stat(&stat('T', 12)).unwrap().1, Life::Paused);
    }

    #[test]
    fn a_pid_with_another_start_time_has_ended() {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let (me, _) = parse_stat(&stat).unwrap();
        assert_eq!(me.life(), Life::Running);
        let earlier = ProcessId {
            start_ticks: me.start_ticks - 1,
            ..me
        };
        assert_eq!(earlier.life(), Life::Ended);
        earlier.signal(Signal::SIGKILL).unwrap();
    }
}
