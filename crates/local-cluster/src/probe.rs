//! What the services say about themselves: alive, ready, healthy.

use std::time::Duration;

use anyhow::Result;
use local_cluster::launch::died;
use local_cluster::wait_for_condition;
use tokio::time::Instant;

use crate::http;
use crate::service::Service;

const LONGEST_SERVICE_START: Duration = Duration::from_secs(20);
/// Topics are made and first checks run meanwhile; 10 s are usual.
const LONGEST_WAIT_FOR_HEALTH: Duration = Duration::from_secs(120);

/// Waits until a service answers `GET /livez`.
pub async fn wait_alive(service: &Service) -> Result<()> {
    let what = format!("{} to answer /livez", service.name);
    let ask = || ask_probe(service, "/livez");
    wait_for_service(&what, LONGEST_SERVICE_START, service, ask).await
}

/// Waits until a service says that it is ready; of the admin service that is, once the declared
/// topics are there.
pub async fn wait_ready(service: &Service) -> Result<()> {
    let what = format!("{} to be ready", service.name);
    let ask = || ask_probe(service, "/readyz");
    wait_for_service(&what, LONGEST_WAIT_FOR_HEALTH, service, ask).await
}

/// Waits until the health service says HEALTHY.
pub async fn wait_healthy(health: &Service) -> Result<()> {
    let what = "health to be HEALTHY";
    wait_for_service(what, LONGEST_WAIT_FOR_HEALTH, health, || ask_health(health)).await
}

/// Waits for `ask` to answer `Ok`, or for the death of the service, saying every two seconds what
/// it answers instead.
async fn wait_for_service<F>(
    what: &str,
    limit: Duration,
    service: &Service,
    ask: impl Fn() -> F,
) -> Result<()>
where
    F: Future<Output = Result<(), String>>,
{
    let mut said = Instant::now();
    wait_for_condition(what, limit, || {
        let due = said.elapsed() > Duration::from_secs(2);
        if due {
            said = Instant::now();
        }
        let answer = ask();
        async move {
            if service.process().is_none() {
                return Ok(Err(died(service.name, service.log())));
            }
            let answer = answer.await;
            if let Err(status) = &answer
                && due
            {
                say!("waiting: {status}");
            }
            answer.map(Ok)
        }
    })
    .await??;
    Ok(())
}

async fn ask_probe(service: &Service, path: &str) -> Result<(), String> {
    match http::get(service.address, path, "").await {
        Ok((200, _)) => Ok(()),
        Ok((status, _)) => Err(format!("{} says {status} on {path}", service.name)),
        Err(error) => Err(format!("{}: {error:#}", service.name)),
    }
}

/// `Ok` when healthy; else the verdict and its reasons in one line.
async fn ask_health(health: &Service) -> Result<(), String> {
    let header = health.token_header();
    let answer = http::get(health.address, "/api/health", &header).await;
    let (_, body) = answer.map_err(|error| format!("{error:#}"))?;
    let body: serde_json::Value =
        serde_json::from_str(&body).map_err(|error| format!("health is no JSON: {error}"))?;
    match body["status"].as_str() {
        Some("HEALTHY") => Ok(()),
        Some(status) => Err(format!("health says {status}{}", reasons(&body["reasons"]))),
        None => Err("health has no status".into()),
    }
}

/// The first reasons, each a string or an object with a text.
fn reasons(reasons: &serde_json::Value) -> String {
    let list: Vec<&str> = reasons
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|reason| reason.as_str().or_else(|| reason["text"].as_str()))
        .take(3)
        .collect();
    match list.is_empty() {
        true => String::new(),
        false => format!(": {}", list.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_as_text_or_as_objects() {
        let text = serde_json::json!(["a", {"text": "b"}, {"x": 1}]);
        assert_eq!(reasons(&text), ": a; b");
        assert_eq!(reasons(&serde_json::Value::Null), "");
    }
}
