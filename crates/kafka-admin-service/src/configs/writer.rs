//! Writing settings: one write at a time to each topic or broker, and read back before it is told done.

use std::time::Duration;

use kafka_cluster::{ConfigEntry, ErrorKind, KafkaCluster, KafkaError};
use service_kit::FieldError;
use tracing::info;

use super::view::ConfigsWritten;
use super::{ConfigTarget, ConfigWrite, Difference, Extent, IfMatch, difference};
use crate::locks::{Lock, Locks};
use crate::time_limits::{self, Deadline};
use crate::topic::TopicName;

/// Pause between two looks at what was written: a broker learns of its settings in some milliseconds.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Writes settings. Cheap to clone.
#[derive(Clone)]
pub struct ConfigWriter {
    cluster: KafkaCluster,
    topics: Locks<TopicName>,
    brokers: Locks<i32>,
}

/// What a write came to.
#[derive(Debug, Clone)]
pub struct Written {
    /// What changed.
    pub difference: Difference,
    /// All settings as they were read afterwards.
    pub after: Vec<ConfigEntry>,
}

/// Why settings were not written, or are not known to be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConfigError {
    /// Another write did not end in time; nothing was sent.
    #[error("another change is still under way")]
    Busy,
    /// The settings are not those that the caller has seen.
    #[error("the settings have changed; they are {etag} now")]
    Changed {
        /// What they are now.
        etag: String,
    },
    /// Names that are no settings, or values that guard rails forbid.
    #[error("some settings cannot be written")]
    Fields(Vec<FieldError>),
    /// Kafka took the write, and it does not show.
    #[error("Kafka took the change, and {} did not become as written", names.join(", "))]
    NotAsWritten {
        /// The settings that are not as they should be.
        names: Vec<String>,
    },
    /// Kafka, or the way to it, failed.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
}

/// The right to write to one target.
enum Held {
    Topic(#[expect(dead_code, reason = "it is held")] Lock<TopicName>),
    Broker(#[expect(dead_code, reason = "it is held")] Lock<i32>),
}

impl ConfigWriter {
    /// Writes through `cluster`; `topics` are shared with whoever else writes to topics.
    #[must_use]
    pub fn new(cluster: KafkaCluster, topics: Locks<TopicName>) -> Self {
        Self {
            cluster,
            topics,
            brokers: Locks::default(),
        }
    }

    /// All settings of `target`.
    ///
    /// # Errors
    /// As Kafka answers.
    pub async fn read(&self, target: &ConfigTarget) -> Result<Vec<ConfigEntry>, KafkaError> {
        target.read(&self.cluster, time_limits::DETAIL).await
    }

    /// Writes, or only says what it would write. `judge` looks at the difference before it is sent,
    /// and may refuse it. Takes up to [`WHOLE_WRITE`](time_limits::WHOLE_WRITE).
    ///
    /// # Errors
    /// See [`ConfigError`]; never `Ok` for what did not show when it was read back.
    pub async fn write(
        &self,
        target: &ConfigTarget,
        write: &ConfigWrite,
        extent: Extent,
        if_match: &IfMatch,
        judge: impl FnOnce(&[ConfigEntry], &mut Difference) -> Vec<FieldError>,
    ) -> Result<Written, ConfigError> {
        let deadline = Deadline::within(time_limits::WHOLE_WRITE);
        let _held = self.acquire(target).await.ok_or(ConfigError::Busy)?;
        let before = self.read(target).await?;
        let etag = target.etag(&before);
        if !if_match.allows(&etag) {
            return Err(ConfigError::Changed { etag });
        }
        let mut difference =
            difference(target, &before, &write.configs, extent).map_err(ConfigError::Fields)?;
        let violations = judge(&before, &mut difference);
        if !violations.is_empty() {
            return Err(ConfigError::Fields(violations));
        }
        if difference.changes.is_empty() {
            return Ok(Written {
                difference,
                after: before,
            });
        }
        let limit = deadline.at_most(time_limits::WRITE);
        if write.validate_only {
            target
                .validate(&self.cluster, &difference.changes, limit)
                .await
                .map_err(|error| without_secrets(error, &difference))?;
            return Ok(Written {
                difference,
                after: before,
            });
        }
        let sent = target
            .alter(&self.cluster, &difference.changes, limit)
            .await
            .map_err(|error| without_secrets(error, &difference));
        let unknown = match sent {
            Ok(()) => None,
            Err(error) if error.kind == ErrorKind::OutcomeUnknown => Some(error),
            Err(error) => return Err(error.into()),
        };
        let after = self
            .confirmed(target, &difference, deadline, unknown)
            .await?;
        info!(%target, settings = ?names(&difference), "settings changed");
        Ok(Written { difference, after })
    }

    /// Reads until the settings are as written. An answer that was lost does not matter once they are, and
    /// is final where reading cannot tell.
    async fn confirmed(
        &self,
        target: &ConfigTarget,
        difference: &Difference,
        deadline: Deadline,
        unknown: Option<KafkaError>,
    ) -> Result<Vec<ConfigEntry>, ConfigError> {
        let unknown = match unknown {
            Some(error) if !difference.shows_when_read() => return Err(error.into()),
            unknown => unknown,
        };
        let end = tokio::time::Instant::now() + deadline.at_most(time_limits::SETTLE);
        loop {
            let error = match self.read(target).await {
                Ok(entries) => {
                    let names = difference.not_as_written(target, &entries);
                    if names.is_empty() {
                        return Ok(entries);
                    }
                    ConfigError::NotAsWritten { names }
                }
                Err(mut error) => {
                    // The write was sent: not being able to look is not knowing.
                    error.kind = ErrorKind::OutcomeUnknown;
                    ConfigError::Kafka(error)
                }
            };
            if tokio::time::Instant::now() + LOOK_PAUSE >= end {
                return Err(unknown.map_or(error, ConfigError::Kafka));
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    async fn acquire(&self, target: &ConfigTarget) -> Option<Held> {
        let patience = time_limits::TOPIC_LOCK;
        match target {
            ConfigTarget::Topic(name) => {
                let lock = self.topics.acquire(name, patience).await;
                lock.map(Held::Topic)
            }
            ConfigTarget::Broker(id) => {
                let lock = self.brokers.acquire(id, patience).await;
                lock.map(Held::Broker)
            }
        }
    }
}

/// Kafka repeats in its words what it was given, whole or in parts: such words are left out.
fn without_secrets(mut error: KafkaError, difference: &Difference) -> KafkaError {
    let parts = difference
        .secrets()
        .flat_map(|value| value.split(|c: char| !c.is_alphanumeric()));
    let repeats = |part: &str| !part.is_empty() && error.message.contains(part);
    if parts.chain(difference.secrets()).any(repeats) {
        error.message =
            "it is not told why, since the words repeat a value that may be secret".into();
    }
    error
}

fn names(difference: &Difference) -> Vec<&str> {
    let fields = difference.fields.iter();
    fields
        .map(|field| field.field.trim_start_matches("configs."))
        .collect()
}

impl Written {
    /// The same as JSON.
    #[must_use]
    pub fn to_view(&self, target: &ConfigTarget, validate_only: bool) -> ConfigsWritten {
        ConfigsWritten {
            of: target.to_string(),
            validate_only,
            changes: self.difference.fields.clone(),
            warnings: self.difference.warnings.clone(),
            cost: None,
            etag: target.etag(&self.after),
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::codes;

    use super::*;

    #[test]
    fn words_that_repeat_a_secret_are_not_told_and_others_are() {
        let wanted = [(
            "my.plugin.login".to_owned(),
            Some("user=a;pin=hunter2".to_owned()),
        )];
        let target = ConfigTarget::Broker(1);
        let difference = difference(&target, &[], &wanted.into(), Extent::Merge).unwrap();
        let told = |words: &str| {
            let error = KafkaError::of_write("AlterConfigs", codes::INVALID_CONFIG, words);
            without_secrets(error, &difference).message
        };
        for words in ["Invalid value user=a;pin=hunter2", "no such key 'hunter2'"] {
            let told = told(words);
            assert!(!told.contains("hunter2"), "{told}");
        }
        let plain = "unknown";
        assert_eq!(told(plain), plain);
    }
}
