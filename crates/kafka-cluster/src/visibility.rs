//! Waiting until every live broker agrees that a topic is there, or gone.
//!
//! Plain metadata and librdkafka's default admin target can each be behind or dead, so each live
//! broker is asked itself.

use std::time::Duration;

use tokio::time::Instant;

use crate::{ErrorKind, KafkaCluster, KafkaError, NewTopic, TopicMetadata, codes};

/// Pause between two rounds of asking.
const ROUND_PAUSE: Duration = Duration::from_millis(25);
/// How long one broker may take to answer one question; a hanging one must not eat the deadline.
const ASK_DEADLINE: Duration = Duration::from_secs(2);

/// How far a new topic has come.
#[derive(Debug, Clone)]
pub enum Visibility {
    /// Every live broker shows a leader for every partition.
    Everywhere(TopicMetadata),
    /// These brokers did not show it within the deadline.
    Awaited {
        /// Ids of the brokers without it.
        brokers: Vec<i32>,
    },
}

/// How far a deletion has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// Gone everywhere; the name is free again.
    Done,
    /// Marked, and gone from the list, but these brokers still hold replicas. The name is not free.
    Pending {
        /// Ids of the brokers awaited; empty when none is known to be missing.
        brokers: Vec<i32>,
    },
}

impl KafkaCluster {
    /// Waits until every live broker shows `partitions` partitions of `topic`, each with a leader.
    ///
    /// # Errors
    /// Only when the cluster could not be described at all.
    pub async fn await_visible(
        &self,
        topic: &str,
        partitions: usize,
        deadline: Duration,
    ) -> Result<Visibility, KafkaError> {
        let end = Instant::now() + deadline;
        let complete = |seen: &Result<TopicMetadata, KafkaError>| {
            seen.as_ref().is_ok_and(|seen| {
                seen.partitions.len() >= partitions
                    && seen.partitions.iter().all(|p| p.leader.is_some())
            })
        };
        let mut waiting = self.live_brokers(end).await?;
        let mut last_seen = None;
        while !waiting.is_empty() {
            if Instant::now() >= end {
                return Ok(Visibility::Awaited { brokers: waiting });
            }
            let (done, rest) = self.ask_each(&waiting, topic, end, complete).await;
            last_seen = done.or(last_seen);
            waiting = rest;
            if !waiting.is_empty() {
                tokio::time::sleep(ROUND_PAUSE).await;
                // A broker that died meanwhile is no longer waited for.
                let live = self.live_brokers(end).await.unwrap_or_default();
                if !live.is_empty() {
                    waiting.retain(|id| live.contains(id));
                }
            }
        }
        match last_seen {
            Some(topic) => Ok(Visibility::Everywhere(topic)),
            None => Ok(Visibility::Awaited { brokers: waiting }),
        }
    }

    /// Waits until `topic` is gone from every live broker and its name is free again.
    ///
    /// `replicas` are the brokers that held it before: those that are down keep the deletion pending
    /// (in ZooKeeper mode), and are named instead of waited for.
    ///
    /// # Errors
    /// Only when the cluster could not be described at all.
    pub async fn await_deleted(
        &self,
        topic: &str,
        replicas: &[i32],
        deadline: Duration,
    ) -> Result<Deletion, KafkaError> {
        let end = Instant::now() + deadline;
        let unknown = |seen: &Result<TopicMetadata, KafkaError>| {
            seen.as_ref()
                .is_err_and(|error| error.kind == ErrorKind::NotFound)
        };
        let mut waiting = self.live_brokers(end).await?;
        let mut absent: Vec<i32> = replicas.to_vec();
        absent.retain(|id| !waiting.contains(id));
        while !waiting.is_empty() && Instant::now() < end {
            let (_, rest) = self.ask_each(&waiting, topic, end, unknown).await;
            waiting = rest;
            if !waiting.is_empty() {
                tokio::time::sleep(ROUND_PAUSE).await;
            }
        }
        loop {
            match self.name_is_free(topic, end).await {
                Ok(true) if waiting.is_empty() => return Ok(Deletion::Done),
                _ if !absent.is_empty() => return Ok(Deletion::Pending { brokers: absent }),
                _ if Instant::now() >= end => return Ok(Deletion::Pending { brokers: waiting }),
                _ => tokio::time::sleep(ROUND_PAUSE).await,
            }
        }
    }

    /// Whether the controller would take a topic of this name: the one question whose answer tells
    /// "gone" from "marked for deletion" in ZooKeeper mode.
    async fn name_is_free(&self, topic: &str, end: Instant) -> Result<bool, KafkaError> {
        let candidate = NewTopic {
            name: topic.to_owned(),
            partitions: 1,
            replication_factor: 1,
            configs: std::collections::BTreeMap::default(),
        };
        let remaining = end
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(500));
        match self
            .validate_topic(&candidate, remaining.min(ASK_DEADLINE))
            .await
        {
            Ok(()) => Ok(true),
            Err(error) if error.code == codes::TOPIC_ALREADY_EXISTS => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn live_brokers(&self, end: Instant) -> Result<Vec<i32>, KafkaError> {
        let remaining = end
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(500));
        let brokers = self.brokers(remaining).await?;
        Ok(brokers.iter().map(|broker| broker.id).collect())
    }

    /// Asks all `brokers` at once; returns what one of the satisfied ones saw, and the others.
    async fn ask_each(
        &self,
        brokers: &[i32],
        topic: &str,
        end: Instant,
        satisfied: impl Fn(&Result<TopicMetadata, KafkaError>) -> bool,
    ) -> (Option<TopicMetadata>, Vec<i32>) {
        let deadline = end
            .saturating_duration_since(Instant::now())
            .clamp(Duration::from_millis(100), ASK_DEADLINE);
        let mut questions = tokio::task::JoinSet::new();
        for &broker in brokers {
            let (cluster, topic) = (self.clone(), topic.to_owned());
            questions.spawn(async move {
                let seen = cluster.topics_at(broker, &[&topic], deadline).await;
                let seen = seen.and_then(|mut topics| {
                    topics.pop().unwrap_or_else(|| {
                        Err(KafkaError::of_read(
                            "DescribeTopics",
                            codes::UNKNOWN_TOPIC_OR_PARTITION,
                            "",
                        ))
                    })
                });
                (broker, seen)
            });
        }
        let mut example = None;
        let mut rest = Vec::new();
        while let Some(Ok((broker, seen))) = questions.join_next().await {
            if satisfied(&seen) {
                example = seen.ok().or(example);
            } else {
                rest.push(broker);
            }
        }
        rest.sort_unstable();
        (example, rest)
    }
}
