//! Asks the JMX agents of the brokers, where they are configured: what the Java machine of a broker says of
//! it, whether or not the broker itself answers.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::pace::{Outcome, Pace};
use crate::moment::Moment;
use crate::snapshot::{AgentCheck, AgentFigures, Store};

const INTERVAL: Duration = Duration::from_secs(5);
const AFTER_FAILURE: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_secs(4);

const CONTROLLER: &str = "kafka_controller_kafkacontroller_activecontrollercount";
const UNDER_REPLICATED: &str = "kafka_server_replicamanager_underreplicatedpartitions";
const LEADERS: &str = "kafka_server_replicamanager_leadercount";

pub(super) async fn run(id: i32, address: String, store: Arc<Store>, stop: CancellationToken) {
    let client = match reqwest::Client::builder().timeout(DEADLINE).build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "no client for JMX agents");
            return;
        }
    };
    // Only what is read; agents that do not know the parameter send everything.
    let names = [CONTROLLER, UNDER_REPLICATED, LEADERS].map(|name| format!("name[]={name}"));
    let url = format!("http://{address}/metrics?{}", names.join("&"));
    let attempt = || async {
        let outcome = ask(&client, &url).await;
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

async fn ask(client: &reqwest::Client, url: &str) -> Result<AgentFigures, String> {
    let failed = |error: reqwest::Error| {
        if error.is_timeout() {
            format!("no answer within {} s", DEADLINE.as_secs())
        } else if error.is_connect() {
            "no connection".to_owned()
        } else {
            error.without_url().to_string()
        }
    };
    let answer = client.get(url).send().await.map_err(failed)?;
    let answer = answer.error_for_status().map_err(failed)?;
    Ok(figures(&answer.text().await.map_err(failed)?))
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
