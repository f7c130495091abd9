//! Asks one ZooKeeper node how it is.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::pace::{Outcome, Pace};
use super::srvr;
use crate::moment::Moment;
use crate::snapshot::{CheckFailure, NodeCheck, Store};

const DEADLINE: Duration = Duration::from_secs(2);
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// An answer has some 300 bytes.
const LARGEST_ANSWER: u64 = 8 * 1024;

pub(super) async fn run(
    address: String,
    store: Arc<Store>,
    interval: Duration,
    stop: CancellationToken,
) {
    let pace = Pace::every(interval, AFTER_FAILURE);
    let attempt = || async {
        let check = check(&address).await;
        let outcome = match &check.outcome {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        };
        store.update(|snapshot| {
            if let Some(node) = snapshot.zookeeper.get_mut(&address) {
                node.record(check);
            }
        });
        outcome
    };
    pace.repeat(&stop, attempt).await;
}

async fn check(address: &str) -> NodeCheck {
    let began = Moment::now();
    let mut figures = None;
    let outcome = match tokio::time::timeout(DEADLINE, ask(address)).await {
        Err(_) => Err(failure(format!(
            "no answer within {} s",
            DEADLINE.as_secs()
        ))),
        Ok(Err(error)) => Err(of_error(&error)),
        Ok(Ok(answer)) => {
            figures = srvr::figures(&answer);
            srvr::parse(&answer).map_err(failure)
        }
    };
    NodeCheck {
        began,
        ended: Moment::now(),
        outcome,
        figures,
    }
}

async fn ask(address: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"srvr").await?;
    let mut answer = Vec::new();
    stream.take(LARGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn of_error(error: &io::Error) -> CheckFailure {
    if error.kind() == ErrorKind::ConnectionRefused {
        CheckFailure {
            message: "connection refused".to_owned(),
            refused: true,
        }
    } else {
        failure(error.to_string())
    }
}

fn failure(message: String) -> CheckFailure {
    CheckFailure {
        message,
        refused: false,
    }
}
