//! Whether Kafka was seen lately: asked in the background, so that `/readyz` never asks.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kafka_cluster::KafkaCluster;
use tokio_util::sync::CancellationToken;

/// Pause between two questions.
const PERIOD: Duration = Duration::from_secs(5);
/// Longest wait for one answer.
const ASK_DEADLINE: Duration = Duration::from_secs(3);
/// An answer older than this says nothing any more: three questions without one.
const LATELY: Duration = Duration::from_secs(25);

/// When a broker last answered. Cheap to clone.
///
/// The service is ready while that was lately: without Kafka it can answer every call, but do what
/// none of them is for. It begins not ready, until the first answer.
#[derive(Debug, Clone, Default)]
pub struct KafkaWatch(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    at: Option<Instant>,
    /// What was in the way since.
    error: Option<String>,
}

impl KafkaWatch {
    /// Asks for metadata until `stop`.
    pub async fn run(self, cluster: KafkaCluster, stop: CancellationToken) {
        let watching = async {
            loop {
                match cluster.metadata(ASK_DEADLINE).await {
                    Ok(_) => self.seen(Instant::now()),
                    Err(error) => self.missed(&error.to_string()),
                }
                tokio::time::sleep(PERIOD).await;
            }
        };
        stop.run_until_cancelled(watching).await;
    }

    fn seen(&self, now: Instant) {
        let mut last = self.last();
        if last.at.is_none() || last.error.is_some() {
            tracing::info!("Kafka answers");
        }
        *last = Seen {
            at: Some(now),
            error: None,
        };
    }

    fn missed(&self, error: &str) {
        let mut last = self.last();
        if last.error.as_deref() != Some(error) {
            tracing::warn!(error, "Kafka does not answer");
            last.error = Some(error.to_owned());
        }
    }

    /// Whether a broker answered lately.
    ///
    /// # Errors
    /// Since when none did, in words.
    pub fn check(&self) -> Result<(), String> {
        self.check_at(Instant::now())
    }

    fn check_at(&self, now: Instant) -> Result<(), String> {
        let last = self.last();
        let silent = match last.at {
            None => "no broker has answered since the service started".to_owned(),
            Some(seen) if now.saturating_duration_since(seen) > LATELY => format!(
                "no broker has answered for {} s",
                now.saturating_duration_since(seen).as_secs()
            ),
            Some(_) => return Ok(()),
        };
        Err(match &last.error {
            Some(error) => format!("{silent}: {error}"),
            None => silent,
        })
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_that_kafka_answered_lately() {
        let watch = KafkaWatch::default();
        let now = Instant::now();
        assert!(
            watch
                .check_at(now)
                .unwrap_err()
                .contains("since the service started")
        );
        watch.seen(now);
        assert_eq!(watch.check_at(now + LATELY), Ok(()));
        let late = watch
            .check_at(now + LATELY + Duration::from_secs(1))
            .unwrap_err();
        assert_eq!(late, "no broker has answered for 26 s");
        watch.missed("wrong name or password");
        assert_eq!(watch.check_at(now), Ok(()));
        let told = watch.check_at(now + 2 * LATELY).unwrap_err();
        assert_eq!(
            told,
            "no broker has answered for 50 s: wrong name or password"
        );
        watch.seen(now + 2 * LATELY);
        assert_eq!(watch.check_at(now + 2 * LATELY), Ok(()));
    }
}
