//! Serving until told to stop, and stopping within a bound.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A connection on which nothing has come for so long is asked whether its peer is still there: an answer
/// without an end would otherwise be kept for one that went without a word.
const QUIET: Duration = Duration::from_secs(30);

/// Serves until `stop`, then takes no further connection and waits up to `drain` for the requests
/// that are being answered. What is still running after that is cut off, and said in the log.
///
/// # Errors
/// None that axum is known to give: it waits and goes on when a connection cannot be accepted.
pub async fn run(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    drain: Duration,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");
    let keepalive = TcpKeepalive::new()
        .with_time(QUIET)
        .with_interval(QUIET / 3)
        .with_retries(3);
    let listener = listener.tap_io(move |connection| {
        // Otherwise an answer of two small packets waits for the peer's delayed acknowledgement, 40 ms.
        let _ = connection.set_nodelay(true);
        let _ = SockRef::from(&*connection).set_tcp_keepalive(&keepalive);
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server =
        axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
    let too_late = async {
        stop.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        result = server => {
            tracing::info!("stopped");
            result
        }
        () = too_late => {
            tracing::warn!(?drain, "stopped while requests were still being answered");
            Ok(())
        }
    }
}

/// A token that SIGTERM or SIGINT cancels. A second signal ends the process at once, with the
/// status that a shell gives a process killed by it (143, 130).
///
/// # Panics
/// Outside of a tokio runtime.
#[must_use]
pub fn stop_on_signals() -> CancellationToken {
    let stop = CancellationToken::new();
    let listen = |kind| signal(kind).expect("SIGTERM and SIGINT can be listened to");
    let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
    tokio::spawn(watch(listen(terminate), listen(interrupt), stop.clone()));
    stop
}

async fn watch(mut terminate: Signal, mut interrupt: Signal, stop: CancellationToken) {
    let first = next(&mut terminate, &mut interrupt).await;
    tracing::info!(signal = first, "stop asked for");
    stop.cancel();
    let second = next(&mut terminate, &mut interrupt).await;
    tracing::warn!(signal = second, "second signal: ending at once");
    std::process::exit(128 + second);
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> i32 {
    tokio::select! {
        _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
        _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
    }
}
