//! Asks the JMX agents of the brokers, where they are configured: what the Java machine of a broker says of
//! it, whether or not the broker itself answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::pace::{Outcome, Pace};
use crate::moment::Moment;
use crate::snapshot::{AgentCheck, AgentFigures, Store};

const INTERVAL: Duration = Duration::from_secs(5);
const AFTER_FAILURE: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_secs(4);
/// All metrics of a broker are some hundred kilobytes.
const LARGEST_ANSWER: u64 = 4 * 1024 * 1024;

const CONTROLLER: &str = "kafka_controller_kafkacontroller_activecontrollercount";
const UNDER_REPLICATED: &str = "kafka_server_replicamanager_underreplicatedpartitions";
const LEADERS: &str = "kafka_server_replicamanager_leadercount";

pub(super) async fn run(id: i32, address: String, store: Arc<Store>, stop: CancellationToken) {
    let attempt = || async {
        let outcome = match tokio::time::timeout(DEADLINE, ask(&address)).await {
            Err(_) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(answer)) => of_answer(&answer),
        };
        let next = if outcome.is_ok() {
            Outcome::Success
        } else {
            Outcome::Failure
        };
        let check = AgentCheck {
            at: Moment::now(),
            outcome,
        };
        store.update(|snapshot| {
            if let Some(agent) = snapshot.jmx.get_mut(&id) {
                agent.latest = Some(check);
            }
        });
        next
    };
    Pace::every(INTERVAL, AFTER_FAILURE)
        .repeat(&stop, attempt)
        .await;
}

/// HTTP/1.0, where the end of the connection is the end of the answer. A client library with TLS took five
/// megabytes more.
async fn ask(address: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    // Only what is read; agents that do not know the parameter send everything.
    let names = [CONTROLLER, UNDER_REPLICATED, LEADERS].map(|name| format!("name%5B%5D={name}"));
    let query = names.join("&");
    let request =
        format!("GET /metrics?{query} HTTP/1.0\r\nHost: {address}\r\nAccept: text/plain\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LARGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn of_answer(answer: &str) -> Result<AgentFigures, String> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("does not speak HTTP")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(format!("answered with the status {status:?}"));
    }
    Ok(figures(body))
}

fn figures(text: &str) -> AgentFigures {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        // No labels, and no longer name.
        line.strip_prefix(' ')?.trim().parse::<f64>().ok()
    };
    let count = |name: &str| value(name).map(|value| value.max(0.0) as u64);
    AgentFigures {
        active_controller: value(CONTROLLER).map(|value| value > 0.0),
        under_replicated: count(UNDER_REPLICATED),
        leaders: count(LEADERS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_answer_is_told() {
        assert!(of_answer("HTTP/1.1 200 OK\r\n\r\n").is_ok());
        assert!(
            of_answer("HTTP/1.1 503 x\r\n\r\n")
                .unwrap_err()
                .contains("503")
        );
        assert!(of_answer("nonsense").is_err());
    }

    #[test]
    fn figures_are_found_by_their_names() {
        let text = "# TYPE kafka_server_replicamanager_leadercount gauge\n\
                    kafka_server_replicamanager_leadercount 12.0\n\
                    kafka_server_replicamanager_leadercount_other 13.0\n\
                    kafka_controller_kafkacontroller_activecontrollercount 1.0\n";
        let expected = AgentFigures {
            active_controller: Some(true),
            under_replicated: None,
            leaders: Some(12),
        };
        assert_eq!(figures(text), expected);
    }
}
