//! Ends a test cluster when the test process is gone, also when that was killed.
//!
//! Rust drops no statics at the end of a process, and Linux's parent-death signal follows the
//! thread that spawned, so neither can do this. A small shell process holds the reading end of a
//! pipe; when the only writing end closes, it ends what the pid files name and removes the data.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Result, io_error};

const SCRIPT: &str = include_str!("watchdog.sh");

/// The pipe to the shell process; closing it (drop) ends the cluster.
#[derive(Debug)]
pub struct Watchdog {
    pipe: Arc<Mutex<Pipe>>,
}

#[derive(Debug)]
enum Pipe {
    Open(#[expect(dead_code, reason = "held open, never written")] ChildStdin),
    Closed,
}

impl Watchdog {
    /// Watches over the cluster in `dir`; `lock` is held until its last node is gone. Killed by
    /// somebody, the shell process is started again for as long as this one lives.
    ///
    /// # Errors
    /// [`crate::Error::Io`] when no shell can be started.
    pub fn start(dir: &Path, lock: File) -> Result<Self> {
        let (child, stdin) = spawn(dir, &lock)?;
        let pipe = Arc::new(Mutex::new(Pipe::Open(stdin)));
        let (watched, dir) = (Arc::clone(&pipe), dir.to_owned());
        std::thread::spawn(move || keep_alive(child, &watched, &dir, &lock));
        Ok(Self { pipe })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.pipe.lock().unwrap_or_else(PoisonError::into_inner) = Pipe::Closed;
    }
}

fn keep_alive(mut child: Child, pipe: &Mutex<Pipe>, dir: &Path, lock: &File) {
    loop {
        let _ = child.wait();
        let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*pipe, Pipe::Closed) {
            return;
        }
        match spawn(dir, lock) {
            Ok((again, stdin)) => {
                child = again;
                *pipe = Pipe::Open(stdin);
            }
            Err(error) => return tracing::warn!("no watchdog for {}: {error}", dir.display()),
        }
    }
}

fn spawn(dir: &Path, lock: &File) -> Result<(Child, ChildStdin)> {
    let what = || format!("watchdog of {}", dir.display());
    let lock = lock.try_clone().map_err(io_error(what()))?;
    let mut child = Command::new("sh")
        .args(["-c", SCRIPT, "local-cluster-watchdog"])
        .arg(dir)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(lock)
        .stderr(Stdio::null())
        // Ctrl-C in the terminal ends the test; the watchdog has its work then.
        .process_group(0)
        .spawn()
        .map_err(io_error(what()))?;
    let stdin = child.stdin.take().expect("the pipe was asked for");
    Ok((child, stdin))
}
