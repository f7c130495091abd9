//! What the producers of a run are like, and the sets of values that go well together.
//!
//! Measured on two cores shared with three brokers; the reasons are beside the producer's settings
//! in [`mod@crate::run`].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Acks, Compression, Keys};

/// A set of values for what is not given one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The most events a second: full batches, however long they take to fill.
    Throughput,
    /// The shortest time to the acknowledgement at a moderate rate.
    Latency,
    /// Nothing lost, doubled or out of order, through an outage of up to two minutes.
    Durable,
    /// What users of Java clients know: one producer, 16 KB batches, snappy.
    Classic,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Throughput,
        Self::Latency,
        Self::Durable,
        Self::Classic,
    ];
}

/// What the producers of a run are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    /// Clients, each with a thread that sends.
    pub producers: u16,
    /// Replicas that have an event before it is acknowledged.
    pub acks: Acks,
    /// Whether a retry is never written twice, nor out of order.
    pub idempotence: bool,
    /// Compression of batches.
    pub compression: Compression,
    /// Size of a batch before compression, at most.
    pub batch_size_bytes: u32,
    /// How long a batch that does not fill waits.
    pub linger_ms: u32,
}

impl Tuning {
    /// The values of a profile; without one, the service's defaults.
    #[must_use]
    pub fn of(profile: Option<Profile>) -> Self {
        let defaults = Self {
            producers: 1,
            acks: Acks::All,
            idempotence: true,
            compression: Compression::Snappy,
            batch_size_bytes: 430_000,
            linger_ms: 8,
        };
        match profile {
            None | Some(Profile::Durable) => defaults,
            Some(Profile::Throughput) => Self {
                batch_size_bytes: 1_000_000,
                linger_ms: 50,
                ..defaults
            },
            Some(Profile::Latency) => Self {
                idempotence: false,
                linger_ms: 5,
                ..defaults
            },
            // With idempotence librdkafka spins at this size of batch.
            Some(Profile::Classic) => Self {
                idempotence: false,
                batch_size_bytes: 16_384,
                linger_ms: 5,
                ..defaults
            },
        }
    }
}

/// What keys wait for at least: they scatter the events over all partitions at once, and each
/// partition's batch is a request of its own. At 40,000 events a second over 12 partitions and 5 ms
/// that is 2,400 requests a second, more than two cores with three brokers answer in time.
const KEYED_LINGER_MS: u32 = 20;

impl Tuning {
    /// The same for events with these keys.
    #[must_use]
    pub fn with_keys(self, keys: Keys) -> Self {
        match keys {
            Keys::None => self,
            Keys::Service | Keys::Unique => Self {
                linger_ms: self.linger_ms.max(KEYED_LINGER_MS),
                ..self
            },
        }
    }
}

/// After this an event without acknowledgement has failed: three times what the loss of a broker
/// costs (`zookeeper.session.timeout.ms` is 9 s here).
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The same where nothing may be given up: two brokers may be lost and come back.
const DURABLE_MESSAGE_TIMEOUT: Duration = Duration::from_mins(2);

/// After this an event without acknowledgement has failed.
pub(super) fn message_timeout(profile: Option<Profile>) -> Duration {
    match profile {
        Some(Profile::Durable) => DURABLE_MESSAGE_TIMEOUT,
        _ => MESSAGE_TIMEOUT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_profile_contradicts_itself() {
        for profile in Profile::ALL {
            let tuning = Tuning::of(Some(profile));
            assert!(
                !tuning.idempotence || tuning.acks == Acks::All,
                "{profile:?}"
            );
        }
    }

    #[test]
    fn keys_wait_longer_unless_the_profile_waits_as_long() {
        let linger = |profile| Tuning::of(Some(profile)).with_keys(Keys::Service).linger_ms;
        assert_eq!(linger(Profile::Latency), KEYED_LINGER_MS);
        assert_eq!(linger(Profile::Throughput), 50);
        let without = Tuning::of(Some(Profile::Latency));
        assert_eq!(without.with_keys(Keys::None), without);
    }

    #[test]
    fn classic_is_what_users_are_told() {
        let classic = Tuning::of(Some(Profile::Classic));
        assert_eq!((classic.producers, classic.batch_size_bytes), (1, 16_384));
        assert_eq!(classic.compression, Compression::Snappy);
        assert_eq!(classic.acks, Acks::All);
    }
}
