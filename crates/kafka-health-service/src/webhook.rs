//! Tells a web address what happens: changes of the status and incidents, in order, signed, and again until
//! they are taken.
//!
//! Form and signature are those of Standard Webhooks (standardwebhooks.com, 1.0): `webhook-id`,
//! `webhook-timestamp`, and in `webhook-signature` the HMAC-SHA256 of `id.timestamp.body`.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use prometheus::{IntCounterVec, Opts, Registry};
use serde_json::json;
use sha2::Sha256;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::record::Event;
use crate::state::State;

/// How long an answer is awaited.
const DEADLINE: Duration = Duration::from_secs(10);
/// Pauses before each further attempt; after the last one a message is given up.
const PAUSES_S: [u64; 9] = [1, 2, 5, 10, 30, 60, 120, 300, 600];
/// How a secret begins that is written as Standard Webhooks do.
const SECRET_PREFIX: &str = "whsec_";

/// Where messages go, and how they are signed.
#[derive(Clone)]
pub struct Webhook {
    client: reqwest::Client,
    url: reqwest::Url,
    secret: Option<Vec<u8>>,
    pauses: Vec<Duration>,
    outcomes: IntCounterVec,
}

/// One message.
struct Message {
    id: String,
    at: Timestamp,
    body: String,
}

impl Webhook {
    /// A webhook to `url`; `secret_file` holds the key, as `whsec_` and base64 or as plain text.
    ///
    /// # Errors
    /// No web address, a file that cannot be read or is empty, or no TLS library.
    pub fn open(
        url: &str,
        secret_file: Option<&Path>,
        registry: &Registry,
    ) -> anyhow::Result<Self> {
        let url: reqwest::Url = url
            .parse()
            .with_context(|| format!("webhook address {url:?}"))?;
        anyhow::ensure!(
            matches!(url.scheme(), "http" | "https"),
            "webhook address {url}: must begin with http:// or https://"
        );
        let client = reqwest::Client::builder()
            .timeout(DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("a client for the webhook")?;
        let options = Opts::new(
            "kafka_health_webhook_messages_total",
            "Messages to the webhook: delivered, given_up after all attempts, silenced by maintenance, or missed.",
        );
        let outcomes = IntCounterVec::new(options, &["outcome"])?;
        for outcome in ["delivered", "given_up", "silenced", "missed"] {
            outcomes.with_label_values(&[outcome]);
        }
        registry.register(Box::new(outcomes.clone()))?;
        Ok(Self {
            client,
            url,
            secret: secret_file.map(read_secret).transpose()?,
            pauses: PAUSES_S.map(Duration::from_secs).into(),
            outcomes,
        })
    }

    async fn deliver(&self, message: &Message) {
        let mut pauses = self.pauses.iter();
        loop {
            let why = match self.attempt(message).await {
                Ok(()) => return self.count("delivered", 1),
                Err(why) => why,
            };
            let Some(pause) = pauses.next() else {
                tracing::error!(
                    id = message.id,
                    why,
                    "the webhook did not take a message; it is given up"
                );
                return self.count("given_up", 1);
            };
            tracing::warn!(
                id = message.id,
                why,
                ?pause,
                "the webhook did not take a message; again after a pause"
            );
            tokio::time::sleep(*pause).await;
        }
    }

    async fn attempt(&self, message: &Message) -> Result<(), String> {
        let timestamp = message.at.as_second().to_string();
        let mut request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", &timestamp);
        if let Some(secret) = &self.secret {
            let signature = signature(secret, &message.id, &timestamp, &message.body);
            request = request.header("webhook-signature", signature);
        }
        let answer = request.body(message.body.clone()).send().await;
        // The address may hold a secret of its own.
        let answer = answer.map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        status
            .is_success()
            .then_some(())
            .ok_or_else(|| format!("it answered {status}"))
    }

    fn count(&self, outcome: &str, by: u64) {
        self.outcomes.with_label_values(&[outcome]).inc_by(by);
    }
}

/// Tells what happens until `stop`. What happens in a maintenance window is not told.
pub async fn run(state: State, webhook: Webhook, stop: CancellationToken) {
    let mut listener = state.record().listen();
    let telling = async {
        loop {
            match listener.recv().await {
                Ok(event) if state.maintenance().any_at(service_kit::time::now()) => {
                    tracing::info!(?event, "not told to the webhook: maintenance");
                    webhook.count("silenced", 1);
                }
                Ok(event) => match message(&event, service_kit::time::now()) {
                    Ok(message) => webhook.deliver(&message).await,
                    Err(error) => tracing::error!(%error, ?event, "no message to the webhook"),
                },
                Err(RecvError::Lagged(missed)) => {
                    tracing::error!(missed, "the webhook is too slow: it misses messages");
                    webhook.count("missed", missed);
                }
                Err(RecvError::Closed) => return,
            }
        }
    };
    stop.run_until_cancelled(telling).await;
}

/// The same event has the same id whoever sends it again.
fn message(event: &Event, now: Timestamp) -> serde_json::Result<Message> {
    let (kind, data) = match event {
        Event::Status(change) => ("health.status", serde_json::to_value(change)?),
        Event::Incident(incident) => ("health.incident", serde_json::to_value(incident)?),
    };
    let body = json!({
        "type": kind,
        "timestamp": service_kit::time::to_text(now),
        "data": data,
    });
    let mut unique = [0; 12];
    getrandom::fill(&mut unique).map_err(serde::ser::Error::custom)?;
    Ok(Message {
        id: format!(
            "msg_{}",
            BASE64_STANDARD.encode(unique).replace(['+', '/'], "-")
        ),
        at: now,
        body: body.to_string(),
    })
}

fn signature(secret: &[u8], id: &str, timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

fn read_secret(file: &Path) -> anyhow::Result<Vec<u8>> {
    service_kit::settings::require_private(file)?;
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("secret of the webhook in {}", file.display()))?;
    let text = text.trim();
    anyhow::ensure!(
        !text.is_empty(),
        "secret of the webhook in {}: it is empty",
        file.display()
    );
    match text.strip_prefix(SECRET_PREFIX) {
        Some(encoded) => BASE64_STANDARD
            .decode(encoded)
            .with_context(|| format!("secret of the webhook in {}", file.display())),
        None => Ok(text.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use serde_json::Value;

    use super::*;
    use crate::fixtures::{Cluster, refused};
    use crate::record::Record;
    use crate::rules::Limits;
    use crate::snapshot::Store;

    type Taken = Arc<Mutex<Vec<(HeaderMap, String)>>>;

    /// Takes every message but the first attempts.
    async fn receiver(refused: usize) -> (String, Taken) {
        let taken = Taken::default();
        let (list, left) = (taken.clone(), Arc::new(Mutex::new(refused)));
        let take = move |headers: HeaderMap, body: String| async move {
            let mut left = left.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            list.lock().unwrap().push((headers, body));
            StatusCode::NO_CONTENT
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (url, taken)
    }

    async fn until(taken: &Taken, count: usize) -> Vec<(HeaderMap, String)> {
        for _ in 0..500 {
            if taken.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        taken.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn changes_are_told_in_order_signed_and_again_until_they_are_taken_and_not_in_maintenance()
     {
        let (url, taken) = receiver(2).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let secret = format!("{SECRET_PREFIX}{}\n", BASE64_STANDARD.encode("a key"));
        std::fs::write(&file, secret).unwrap();
        let mode = |mode| std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        assert!(Webhook::open(&url, Some(&file), &Registry::new()).is_err());
        mode(0o600);
        let mut webhook = Webhook::open(&url, Some(&file), &Registry::new()).unwrap();
        webhook.pauses = vec![Duration::from_millis(10); 5];

        let mut cluster = Cluster::healthy();
        let store = Arc::new(Store::new(cluster.snapshot.clone()));
        let stop = CancellationToken::new();
        let state = State::new(store.clone(), Limits::default())
            .recording(Record::in_memory(10), stop.clone());
        let now = cluster.now;
        store.update(|snapshot| snapshot.topics.attempts.note(now, now, Ok(())));
        tokio::spawn(run(state.clone(), webhook, stop.clone()));
        tokio::spawn(crate::record::run(state.clone(), stop.clone()));
        until(&taken, 1).await;
        cluster.broker(1).probes.record(refused(now));
        let failing = cluster.snapshot.brokers.clone();
        store.update(|snapshot| snapshot.brokers = failing);
        let told = until(&taken, 3).await;
        let bodies = told
            .iter()
            .map(|(_, body)| serde_json::from_str::<Value>(body).unwrap());
        let bodies: Vec<Value> = bodies.collect();
        assert_eq!(bodies[0]["data"]["status"], "HEALTHY", "{bodies:?}");
        let kinds: Vec<_> = bodies[1..]
            .iter()
            .map(|body| body["type"].clone())
            .collect();
        assert!(kinds.contains(&"health.status".into()), "{kinds:?}");
        assert!(kinds.contains(&"health.incident".into()), "{kinds:?}");
        for (headers, body) in &told {
            let header = |name: &str| headers[name].to_str().unwrap();
            let signed = signature(
                b"a key",
                header("webhook-id"),
                header("webhook-timestamp"),
                body,
            );
            assert_eq!(header("webhook-signature"), signed);
        }

        let lasts = Duration::from_secs(60);
        let windows = state.maintenance();
        windows
            .begin(service_kit::time::now(), lasts, "a test".into(), None)
            .unwrap();
        let healthy = Cluster::healthy().snapshot.brokers;
        store.update(|snapshot| snapshot.brokers = healthy);
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(taken.lock().unwrap().len(), told.len());
        stop.cancel();
    }

    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        // The example of its specification.
        let secret = BASE64_STANDARD
            .decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .unwrap();
        let body = "{\"test\": 2432232314}";
        assert_eq!(
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn an_address_that_is_none_and_a_secret_that_is_empty_are_told() {
        let open = |url: &str, file: Option<&Path>| {
            let opened = Webhook::open(url, file, &Registry::new());
            opened.err().map(|error| format!("{error:#}"))
        };
        assert!(open("ftp://example.org", None).unwrap().contains("http://"));
        assert!(open("nowhere", None).unwrap().contains("nowhere"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let told = open("http://example.org", Some(file.path())).unwrap();
        assert!(told.contains("empty"), "{told}");
    }
}
