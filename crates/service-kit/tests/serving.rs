//! Serving on a real socket: the graceful stop and its bound, signals, and the health check.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use service_kit::{healthcheck, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Far longer than anything here takes; a hang fails by it.
const PATIENCE: Duration = Duration::from_secs(20);

async fn start(
    router: Router,
    drain: Duration,
) -> (
    SocketAddr,
    CancellationToken,
    JoinHandle<std::io::Result<()>>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve::run(listener, router, stop.clone(), drain));
    (address, stop, server)
}

async fn ended(server: JoinHandle<std::io::Result<()>>) {
    tokio::time::timeout(PATIENCE, server)
        .await
        .expect("it did not end")
        .unwrap()
        .unwrap();
}

/// A route that says when it was entered and answers when told.
fn held_route() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enters, waits) = (entered.clone(), go_on.clone());
    let handler = move || async move {
        enters.notify_one();
        waits.notified().await;
        "done"
    };
    (Router::new().route("/held", get(handler)), entered, go_on)
}

#[tokio::test]
async fn a_stop_lets_a_request_end_and_takes_no_further_connection() {
    let (router, entered, go_on) = held_route();
    let (address, stop, server) = start(router, PATIENCE).await;
    let request = tokio::spawn(reqwest::get(format!("http://{address}/held")));
    entered.notified().await;
    stop.cancel();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go_on.notify_one();
    assert_eq!(
        request.await.unwrap().unwrap().text().await.unwrap(),
        "done"
    );
    ended(server).await;
}

#[tokio::test]
async fn a_stop_does_not_wait_longer_than_the_bound() {
    let (router, entered, _go_on) = held_route();
    let (address, stop, server) = start(router, Duration::from_millis(50)).await;
    let _request = tokio::spawn(reqwest::get(format!("http://{address}/held")));
    entered.notified().await;
    stop.cancel();
    ended(server).await;
}

#[tokio::test]
async fn connections_without_a_request_do_not_hold_up_a_stop() {
    let router = support::echo_service();
    let (address, stop, server) = start(router, PATIENCE * 10).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let _silent = TcpStream::connect(address).await.unwrap();
    stop.cancel();
    ended(server).await;
}

#[tokio::test]
async fn the_health_check_follows_readyz() {
    let ready = Arc::new(AtomicBool::new(false));
    let known = ready.clone();
    let check = move || {
        known
            .load(Ordering::Relaxed)
            .then_some(())
            .ok_or("starting".to_owned())
    };
    let router = support::service_with(|service| service, check);
    let (address, stop, server) = start(router, PATIENCE).await;
    let any = SocketAddr::from(([0, 0, 0, 0], address.port()));
    assert_eq!(healthcheck::run(any).await, ExitCode::FAILURE);
    ready.store(true, Ordering::Relaxed);
    assert_eq!(healthcheck::run(any).await, ExitCode::SUCCESS);
    stop.cancel();
    ended(server).await;
    assert_eq!(healthcheck::run(address).await, ExitCode::FAILURE);
}

#[tokio::test]
async fn the_health_check_ends_though_the_service_is_silent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let begun = Instant::now();
    assert_eq!(
        healthcheck::run(listener.local_addr().unwrap()).await,
        ExitCode::FAILURE
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
}

const SERVES: &str = "SERVING_TEST_SERVES";

/// Runs itself again as a service of its own, with one request that never ends.
#[test]
fn sigterm_drains_and_a_second_signal_ends_at_once() {
    if std::env::var_os(SERVES).is_some() {
        return serve_until_stopped();
    }
    let name = "sigterm_drains_and_a_second_signal_ends_at_once";
    let mut service = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(SERVES, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(service.stdout.take().unwrap());
    wait_for_line(&mut output, "serving");
    signal(&service, "TERM");
    wait_for_line(&mut output, "stopping");
    assert!(
        service.try_wait().unwrap().is_none(),
        "it did not wait for the request"
    );
    signal(&service, "INT");
    let status = service.wait().unwrap();
    assert_eq!(status.code(), Some(130));
}

fn serve_until_stopped() {
    service_kit::runtime::block_on(async {
        let stop = serve::stop_on_signals();
        let (router, entered, _go_on) = held_route();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/held", listener.local_addr().unwrap());
        tokio::spawn(serve::run(listener, router, stop.clone(), PATIENCE * 10));
        tokio::spawn(reqwest::get(url));
        entered.notified().await;
        println!("\nserving");
        stop.cancelled().await;
        println!("\nstopping");
        tokio::time::sleep(PATIENCE).await;
        panic!("the second signal did not end it");
    })
    .unwrap();
}

fn signal(service: &Child, name: &str) {
    let command = format!("kill -{name} {}", service.id());
    assert!(
        Command::new("sh")
            .args(["-c", &command])
            .status()
            .unwrap()
            .success()
    );
}

fn wait_for_line(output: &mut impl BufRead, expected: &str) {
    let found = output
        .by_ref()
        .lines()
        .any(|line| line.unwrap() == expected);
    assert!(found, "the service ended without saying {expected:?}");
}
