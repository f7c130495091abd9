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
pub struct KafkaWatch(Arc<Mutex<Option<Instant>>>);

impl KafkaWatch {
    /// Asks for metadata until `stop`.
    pub async fn run(self, cluster: KafkaCluster, stop: CancellationToken) {
        let watching = async {
            loop {
                match cluster.metadata(ASK_DEADLINE).await {
                    Ok(_) => self.seen(Instant::now()),
                    Err(error) => tracing::debug!(%error, "Kafka was not seen"),
                }
                tokio::time::sleep(PERIOD).await;
            }
        };
        stop.run_until_cancelled(watching).await;
    }

    fn seen(&self, now: Instant) {
        let before = self.last().replace(now);
        if before.is_none() {
            tracing::info!("Kafka answers");
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
        match *self.last() {
            None => Err("no broker has answered since the service started".to_owned()),
            Some(seen) if now.saturating_duration_since(seen) > LATELY => Err(format!(
                "no broker has answered for {} s",
                now.saturating_duration_since(seen).as_secs()
            )),
            Some(_) => Ok(()),
        }
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
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
    }
}
