//! The consumer group `log-processor`: really consumes the log topics, so that lag is real.
//!
//! Each member is a thread with a consumer of its own. Starting and stopping never wait for Kafka:
//! members find the cluster when it is there, and are left behind when they do not end in time.

mod commits;
mod consumer;
mod member;
mod messages;

use std::io;
use std::time::Duration;

use kafka_cluster::Connection;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// The group's settings.
#[derive(Debug, Clone)]
pub struct LogProcessorSettings {
    /// `group.id`.
    pub group: String,
    /// Topics to consume; one that does not exist yet is picked up within seconds of its creation.
    pub topics: Vec<String>,
    /// Members in this process; 0 for none.
    pub members: u32,
}

/// The running members.
#[derive(Debug)]
pub struct LogProcessor {
    /// Closed when the last member has ended: each holds a sender.
    running: mpsc::Receiver<()>,
}

impl LogProcessor {
    /// Starts the members; they end when `stop` is cancelled.
    ///
    /// # Errors
    /// The operating system gave no thread.
    pub fn start(
        settings: &LogProcessorSettings,
        connection: &Connection,
        metrics: &Metrics,
        stop: &CancellationToken,
    ) -> io::Result<Self> {
        let (sender, running) = mpsc::channel(1);
        for number in 1..=settings.members {
            let member = member::Member {
                name: format!("log-processor-{number}"),
                group: settings.group.clone(),
                topics: settings.topics.clone(),
                connection: connection.clone(),
                metrics: metrics.clone(),
                stop: stop.clone(),
            };
            let sender = sender.clone();
            std::thread::Builder::new()
                .name(member.name.clone())
                .spawn(move || {
                    member.run();
                    drop(sender);
                })?;
        }
        Ok(Self { running })
    }

    /// Waits until every member has committed and left the group, at most for `patience`: with
    /// Kafka down that cannot be done.
    pub async fn stopped(mut self, patience: Duration) {
        // Nothing is ever sent: this returns when the last sender is gone.
        if tokio::time::timeout(patience, self.running.recv())
            .await
            .is_err()
        {
            tracing::warn!(
                ?patience,
                "log-processor members did not leave their group in time"
            );
        }
    }
}
