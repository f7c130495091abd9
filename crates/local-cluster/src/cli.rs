//! What each command does.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use local_cluster::layout::Layout;
use local_cluster::status::{ProcessStatus, State};
use local_cluster::{Cluster, ClusterSpec, Error};
use tokio::signal::unix::{SignalKind, signal};

use crate::alertmanager;
use crate::arguments::{Arguments, Command, Renewal, Up};
use crate::prometheus;
use crate::stack::{Beside, Stack};

/// Does what the arguments say.
pub async fn run(arguments: Arguments) -> Result<()> {
    let layout = match &arguments.root {
        Some(root) => Layout::at(root)?,
        None => Layout::find()?,
    };
    let dir = match arguments.dir {
        Some(dir) => std::path::absolute(dir)?,
        None => layout.default_dir(),
    };
    let is_started = ClusterSpec::state_file(&dir).exists();
    match arguments.command {
        Command::Up(options) => up(layout, dir, options).await,
        Command::Jars => {
            local_cluster::java::Java::prepare(&layout).await?;
            Ok(())
        }
        // Data without a state file can be wiped all the same.
        Command::Reset { yes } if is_started || dir.join("data").exists() => {
            let (_lock, stack) = (lock(&dir, true)?, open(layout, &dir)?);
            reset(&stack, yes).await
        }
        _ if !is_started => absent(&dir, &arguments.command),
        Command::Status { json } => status(&open(layout, &dir)?, json),
        Command::Logs {
            name,
            follow,
            lines,
        } => logs(&open(layout, &dir)?, &name, follow, lines),
        Command::Down => {
            let (_lock, stack) = (lock(&dir, true)?, open(layout, &dir)?);
            down(&stack).await
        }
        Command::Renew { what } => {
            let (_lock, stack) = (lock(&dir, true)?, open(layout, &dir)?);
            renew(stack.cluster(), &what).await
        }
        command => {
            let (_lock, stack) = (lock(&dir, false)?, open(layout, &dir)?);
            node(stack.cluster(), &command).await
        }
    }
}

async fn up(layout: Layout, dir: PathBuf, options: Up) -> Result<()> {
    let began = Instant::now();
    std::fs::create_dir_all(&dir).with_context(|| format!("directory {}", dir.display()))?;
    let _lock = lock(&dir, true)?;
    let mut spec = ClusterSpec::new(layout.root(), &dir);
    let state = ClusterSpec::state_file(&dir);
    if state.exists() {
        let saved = ClusterSpec::load(&state)?;
        (spec.brokers, spec.address) = (saved.brokers, saved.address);
        spec.secure = saved.secure;
    }
    secure(&mut spec, options.secure)?;
    spec.brokers = options.brokers.unwrap_or(spec.brokers);
    spec.address = options.address.unwrap_or(spec.address);
    refuse_tokens_in_clear(&spec, options.allow_tokens_in_clear)?;
    let beside = Beside {
        services: options.services.map(std::path::absolute).transpose()?,
        prometheus: prometheus::program().filter(|_| !options.no_prometheus),
        alertmanager: alertmanager::wanted().filter(|_| !options.no_prometheus),
    };
    let stack = Stack::new(Cluster::open(spec), layout);
    let before = stack.before();
    let with_services = beside.services.is_some();
    let runs = stack.runs(&beside);
    if runs {
        say!("it runs already");
    }
    // A secured one may lack rights that kafka/acls.yml gives by now, or a password whose renewal was interrupted.
    if !runs || stack.cluster().spec().secure {
        let started = tokio::select! {
            started = stack.start(beside) => started,
            name = interrupted() => Err(anyhow::anyhow!("interrupted by {name}")),
        };
        if let Err(error) = started {
            stack.undo(&before).await;
            return Err(error);
        }
    }
    if with_services {
        tokio::select! {
            healthy = stack.wait_healthy() => healthy.context(
                "everything runs, but it is not healthy; `local-cluster down` ends it",
            )?,
            name = interrupted() => {
                stack.undo(&before).await;
                bail!("interrupted by {name}");
            }
        }
    }
    say!("ready after {:.1} s", began.elapsed().as_secs_f64());
    print_status(&stack.status());
    say!("bootstrap servers: {}", stack.cluster().bootstrap());
    if let Some(keys) = stack.cluster().keys() {
        say!(
            "secured: clients connect with {} (docs/SECURITY.md)",
            keys.client("PRINCIPAL").display()
        );
    }
    if with_services {
        let address = stack.cluster().spec().address;
        let header = stack
            .cluster()
            .keys()
            .map(|keys| keys.token_header("admin"));
        let of_curl = header
            .as_ref()
            .map(|file| format!("-H @{} ", file.display()));
        let of_script = header.map(|file| format!("TOKEN_HEADER_FILE={} ", file.display()));
        say!(
            "health says HEALTHY; APIs are described at /swagger-ui/ of each service, for example:"
        );
        let (of_curl, of_script) = (of_curl.unwrap_or_default(), of_script.unwrap_or_default());
        say!("  curl {of_curl}http://{address}:8082/api/health");
        say!("  {of_script}./load-test.sh http://{address}:8083");
    }
    Ok(())
}

/// Secures a cluster that is to be. One that has data stays what it is: what was written while
/// everybody could write is not to be trusted because of a flag.
fn secure(spec: &mut ClusterSpec, wanted: bool) -> Result<()> {
    let nodes = spec.nodes().into_iter();
    let mut data = nodes.map(|node| spec.data_dir(&node.to_string()));
    let has_data = data.any(|data| data.exists());
    // Whatever its state file says, or if that is gone: it does not come up in plain text.
    let was_secured = local_cluster::security::is_marked(spec);
    if !wanted && !spec.secure && was_secured {
        bail!(
            "the data in {} are a secured cluster's, and its cluster.json does not say so any more: \
             `./setup.sh --native --secure` goes on with it, `./setup.sh --reset` begins anew",
            spec.dir.display()
        );
    }
    if wanted && !spec.secure {
        if has_data && !was_secured {
            bail!(
                "the cluster in {} was not secured, and what is in it may be anybody's: begin anew \
                 with `./setup.sh --reset`, or secure another one with --dir",
                spec.dir.display()
            );
        }
        spec.secure = true;
    }
    Ok(())
}

/// The connections to Kafka are encrypted, those to the REST APIs, pages and Prometheus are not.
fn refuse_tokens_in_clear(spec: &ClusterSpec, allowed: bool) -> Result<()> {
    if spec.secure && !spec.address.is_loopback() && !allowed {
        bail!(
            "at {} others would reach the REST APIs and pages, which are plain HTTP: tokens would cross the network \
             in clear. Leave --address on 127.0.0.1 and put a proxy with TLS before them, or say \
             --allow-tokens-in-clear",
            spec.address
        );
    }
    Ok(())
}

async fn down(stack: &Stack) -> Result<()> {
    stack.down().await?;
    say!(
        "everything is stopped; data stays in {}",
        stack.cluster().spec().dir.display()
    );
    Ok(())
}

async fn renew(cluster: &Cluster, what: &Renewal) -> Result<()> {
    match what {
        Renewal::Certificates => {
            cluster.renew_certificates().await?;
            say!("every certificate is new");
        }
        Renewal::Tokens => {
            let keys = cluster.renew_tokens()?;
            say!("the tokens are new: {}", keys.token("admin").display());
        }
        Renewal::Brokers => {
            let old = cluster.renew_broker_password().await?;
            old.iter().for_each(|broker| say!("{broker}"));
        }
        Renewal::Password { principal } => {
            cluster.renew_password(principal).await?;
            let keys = cluster.spec().keys_dir();
            let clients = cluster_keys::Keys::at(&keys).client(principal);
            say!("{principal} has a new password: {}", clients.display());
        }
    }
    Ok(())
}

async fn reset(stack: &Stack, yes: bool) -> Result<()> {
    let dir = &stack.cluster().spec().dir;
    if !yes {
        print!("remove all topics and records in {}? [y/N] ", dir.display());
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("nothing was removed");
        }
    }
    // Nothing of it is needed any more, so nothing has to end with care.
    stack.undo(&crate::stack::Before::nothing()).await;
    for part in [
        "data",
        "conf",
        "run",
        "logs",
        "prometheus",
        "alertmanager",
        "cluster.json",
    ] {
        let path = dir.join(part);
        let removed = match path.is_dir() {
            true => std::fs::remove_dir_all(&path),
            false => std::fs::remove_file(&path),
        };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing {}", path.display()));
            }
            _ => {}
        }
    }
    say!("everything is stopped and its data removed");
    Ok(())
}

async fn node(cluster: &Cluster, command: &Command) -> Result<()> {
    match *command {
        Command::Stop { node } => {
            let by_itself = cluster.stop(node).await?;
            let how = if by_itself {
                "is stopped"
            } else {
                "did not stop and was killed"
            };
            say!("{node} {how}");
        }
        Command::Kill { node } => {
            cluster.kill(node).await?;
            say!("{node} is killed");
        }
        Command::Pause { node } => {
            cluster.pause(node).await?;
            say!("{node} is paused");
        }
        Command::Resume { node } => {
            cluster.resume(node)?;
            say!("{node} goes on");
        }
        Command::Start { node } => {
            cluster.start_node(node).await?;
            say!("{node} answers");
        }
        _ => unreachable!("the other commands were handled before"),
    }
    Ok(())
}

fn status(stack: &Stack, json: bool) -> Result<()> {
    let lines = stack.status();
    if json {
        say!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        print_status(&lines);
    }
    Ok(())
}

fn print_status(lines: &[ProcessStatus]) {
    say!(
        "{:<22}{:<10}{:>8}  {:<18}{:>8}",
        "NAME",
        "STATE",
        "PID",
        "ADDRESS",
        "MEMORY"
    );
    for line in lines {
        let state = match line.state {
            State::Running => "running",
            State::Paused => "paused",
            State::Stopped => "stopped",
            State::Dead => "dead",
        };
        let pid = line.pid.map_or_else(|| "-".into(), |pid| pid.to_string());
        let memory = line
            .resident_bytes
            .map_or_else(|| "-".into(), |bytes| format!("{} MB", bytes / 1_000_000));
        let address = line.address.to_string();
        say!(
            "{:<22}{state:<10}{pid:>8}  {address:<18}{memory:>8}",
            line.name
        );
    }
}

fn logs(stack: &Stack, name: &str, follow: bool, lines: usize) -> Result<()> {
    let log = stack.log(name)?;
    let mut tail = std::process::Command::new("tail");
    tail.arg(format!("--lines={lines}"))
        .args(follow.then_some("--follow=name"));
    let ended = tail.arg("--").arg(&log).status().context("running tail")?;
    if ended.success() {
        return Ok(());
    }
    bail!("tail {} ended with {ended}", log.display())
}

/// What to say where no cluster was ever started: ending nothing is no failure.
fn absent(dir: &std::path::Path, command: &Command) -> Result<()> {
    match command {
        Command::Down | Command::Reset { .. } => {
            say!("nothing runs in {}", dir.display());
            Ok(())
        }
        Command::Status { json: true } => {
            say!("[]");
            Ok(())
        }
        _ => bail!(
            "no cluster was started in {}: `local-cluster up` does",
            dir.display()
        ),
    }
}

fn open(layout: Layout, dir: &std::path::Path) -> Result<Stack> {
    let state = ClusterSpec::state_file(dir);
    // Data are reset without one as well.
    let mut spec = match state.exists() {
        true => ClusterSpec::load(&state)?,
        false => ClusterSpec::new(layout.root(), dir),
    };
    // The checkout may have been moved since.
    spec.root = layout.root().to_owned();
    spec.dir = dir.to_owned();
    Ok(Stack::new(Cluster::open(spec), layout))
}

/// `up`, `down` and `reset` work alone; the commands for single nodes beside each other.
fn lock(dir: &std::path::Path, alone: bool) -> Result<File> {
    let path = dir.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("lock {}", path.display()))?;
    let locked = if alone {
        file.try_lock()
    } else {
        file.try_lock_shared()
    };
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Busy(dir.to_owned()).into()),
        Err(TryLockError::Error(error)) => Err(error).context("locking"),
    }
}

/// Ctrl-C, SIGTERM or the closed terminal.
async fn interrupted() -> &'static str {
    let listen = |kind| signal(kind).expect("a handler can be installed");
    let mut terminate = listen(SignalKind::terminate());
    let mut hang_up = listen(SignalKind::hangup());
    let mut interrupt = listen(SignalKind::interrupt());
    tokio::select! {
        _ = interrupt.recv() => "Ctrl-C",
        _ = terminate.recv() => "SIGTERM",
        _ = hang_up.recv() => "SIGHUP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_with_data_is_not_secured_by_a_flag() {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = ClusterSpec::new(dir.path(), dir.path());
        std::fs::create_dir_all(spec.data_dir("kafka-2")).unwrap();
        let refused = secure(&mut spec, true).unwrap_err().to_string();
        assert!(refused.contains("--reset"), "{refused}");
        secure(&mut spec, false).unwrap();
        std::fs::remove_dir_all(spec.data_dir("kafka-2")).unwrap();
        secure(&mut spec, true).unwrap();
        assert!(spec.secure);
    }

    #[test]
    fn what_was_secured_stays_so_when_its_state_file_does_not_say_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = ClusterSpec::new(dir.path(), dir.path());
        std::fs::create_dir_all(spec.data_dir("kafka-2")).unwrap();
        std::fs::write(spec.data_dir("passwords-written"), "super 0\n").unwrap();
        let refused = secure(&mut spec, false).unwrap_err().to_string();
        assert!(refused.contains("--secure"), "{refused}");
        secure(&mut spec, true).unwrap();
        assert!(spec.secure);
    }

    #[test]
    fn tokens_cross_a_network_in_clear_only_where_that_is_said() {
        let mut spec = ClusterSpec::new("/x".as_ref(), "/y".as_ref());
        spec.address = [192, 0, 2, 1].into();
        refuse_tokens_in_clear(&spec, false).unwrap();
        spec.secure = true;
        let refused = refuse_tokens_in_clear(&spec, false).unwrap_err();
        assert!(refused.to_string().contains("in clear"), "{refused}");
        refuse_tokens_in_clear(&spec, true).unwrap();
        spec.address = [127, 0, 0, 2].into();
        refuse_tokens_in_clear(&spec, false).unwrap();
    }

    #[test]
    fn an_up_is_refused_while_another_is_at_work() {
        let dir = tempfile::tempdir().unwrap();
        let first = lock(dir.path(), true).unwrap();
        assert!(lock(dir.path(), true).is_err());
        assert!(lock(dir.path(), false).is_err());
        drop(first);
        let _beside = lock(dir.path(), false).unwrap();
        assert!(lock(dir.path(), false).is_ok());
    }
}
