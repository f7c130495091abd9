//! What the programs of all services do alike: one health check, or serving until told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::settings::{HttpSettings, LogSettings};
use crate::{access, healthcheck, runtime, serve, telemetry};

/// What a program does instead of serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Asks the service that listens on the same address whether it is ready; exit 0 or 1
    Healthcheck,
}

/// Runs `command`, or opens the socket and hands it to `service` until SIGTERM or SIGINT. What goes
/// wrong is one line on standard error that begins with `name`, and exit status 1.
pub fn run<F>(
    name: &str,
    listen: SocketAddr,
    command: Option<Command>,
    http: &HttpSettings,
    logs: &LogSettings,
    service: impl FnOnce(TcpListener, CancellationToken) -> F,
) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    let ended = runtime::block_on(async {
        match command {
            Some(Command::Healthcheck) => Ok(healthcheck::run(listen).await),
            None => serve_until_stopped(listen, http, logs, service)
                .await
                .map(|()| ExitCode::SUCCESS),
        }
    });
    ended
        .map_err(anyhow::Error::from)
        .flatten()
        .unwrap_or_else(|error| {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        })
}

async fn serve_until_stopped<F>(
    listen: SocketAddr,
    http: &HttpSettings,
    logs: &LogSettings,
    service: impl FnOnce(TcpListener, CancellationToken) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    access::check_address(listen, http)?;
    telemetry::init(logs)?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    service(listener, serve::stop_on_signals()).await
}
