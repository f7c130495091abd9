//! The `healthcheck` subcommand: a service asks itself whether it is ready, so that an image needs
//! no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

/// Less than the time that Compose and Kubernetes give a probe.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks `GET /readyz` of the service that listens on `listen`; prints why when it is not ready.
/// 0 when ready, 1 otherwise, within 3 seconds.
pub async fn run(listen: SocketAddr) -> ExitCode {
    match ask(listen).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("not ready: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn ask(listen: SocketAddr) -> anyhow::Result<()> {
    let url = format!("http://{}/readyz", reachable(listen));
    // A proxy from the environment must not come between, and no certificate is needed.
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(TIMEOUT)
        .build()
        .context("cannot make an HTTP client")?;
    let response = match client.get(&url).send().await {
        Ok(response) => response,
        // The outer causes say in three ways that it could not be sent.
        Err(error) => bail!(
            "no answer from {url}: {}",
            anyhow::Error::from(error).root_cause()
        ),
    };
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let body: Value = response.json().await.unwrap_or_default();
    match body["detail"].as_str() {
        Some(detail) => bail!("{detail}"),
        None => bail!("{url} answered {status}"),
    }
}

/// An unspecified address can be listened on, but not asked.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
