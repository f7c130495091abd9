//! What a run should do: validated once at the edge, and the limits that follow from it.
//!
//! Every property of a plan has its effective value: what was not asked for comes from the profile
//! ([`Profile`]), so that a report can state all of it.

mod input;
mod profile;
mod words;

pub use input::RunRequest;
pub use profile::{Profile, Tuning};
pub use words::{Acks, Compression, Keys};

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Fewest and most events of a run; 100 million are 40 GB of log before compression, and 37 MB of
/// ledger.
pub const EVENT_COUNT: std::ops::RangeInclusive<u64> = 1..=100_000_000;
/// Shortest and longest run by time, in seconds: the caller waits for it.
pub const DURATION_SECONDS: std::ops::RangeInclusive<u64> = 1..=3_600;
/// Slowest and fastest paced run, in events a second.
pub const RATE: std::ops::RangeInclusive<u64> = 1..=1_000_000;
/// Producers of a run, each a client and a thread of its own.
pub const PRODUCERS: std::ops::RangeInclusive<u16> = 1..=16;
/// Most events of a warm-up.
pub const WARMUP_EVENTS: std::ops::RangeInclusive<u64> = 0..=1_000_000;
/// Size of an event: below, the fields of a log event do not fit; above, a record does not fit into
/// a broker's `message.max.bytes` of 1 MB.
pub const EVENT_SIZE_BYTES: std::ops::RangeInclusive<u32> = 350..=900_000;
/// Size of a batch before compression: what every codec halves for sure
/// ([`saving`](crate::disk_space::saving)) fits into the 1 MB that a broker takes (`message.max.bytes`).
pub const BATCH_SIZE_BYTES: std::ops::RangeInclusive<u32> = 1_000..=2_000_000;
/// Largest batch that is not compressed.
pub const UNCOMPRESSED_BATCH_BYTES_MAX: u32 = 1_000_000;
/// Longest `linger.ms`, in milliseconds.
pub const LINGER_MS: std::ops::RangeInclusive<u32> = 0..=10_000;
/// Longest label, in characters.
pub const LABEL_MAX_CHARS: usize = 100;
/// Longest schedule of a paced run: the caller waits for it.
pub const SCHEDULE_MAX: Duration = Duration::from_hours(1);

/// The seed of a corpus where none is given.
const SEED: u64 = 1;
/// Mean size of a realistic event, in bytes.
pub const MEAN_EVENT_BYTES: u32 = 430;

/// Slowest a run as fast as possible is assumed to be, events a second: a tenth of what tiny runs
/// reach on two cores shared with three brokers.
const FLOOR_RATE: u64 = 500;
/// Fastest it is assumed to be where its length is given in seconds, for what it may write.
const CEILING_RATE: u64 = 400_000;
/// Room beyond the schedule: warm-up of a cold cluster, and one loss of a broker (10 s) or two.
const DEADLINE_SLACK: Duration = Duration::from_mins(2);

/// What a run should do, every property with its effective value. Its fields are within the limits
/// above and do not contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Events to send, warm-up apart; at most so many where the run ends by time.
    pub event_count: u64,
    /// Ends the run by time: so many seconds after its first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<u64>,
    /// Where to.
    pub topic: String,
    /// Events a second; absent as fast as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// Where the values come from that were not given one by one; absent: the service's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// What the producers are like.
    #[serde(flatten)]
    pub tuning: Tuning,
    /// The keys of the records.
    pub keys: Keys,
    /// Size of each event in bytes; absent: realistic sizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_size_bytes: Option<u32>,
    /// Events sent before the clock starts, always as fast as possible.
    pub warmup_events: u64,
    /// Whether everything is read back after the run and accounted for.
    pub verify: bool,
    /// Seed of the corpus.
    pub seed: u64,
    /// Whether the run writes to a topic of its own, with the settings of `topic`, that is deleted
    /// afterwards.
    pub cleanup: bool,
    /// Whether it runs although the brokers' disks may not hold what it writes.
    pub force: bool,
    /// The user's own name for the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Plan {
    /// A run of `event_count` events to `topic` with the defaults: as fast as possible, without
    /// warm-up.
    #[must_use]
    pub fn new(event_count: u64, topic: impl Into<String>) -> Self {
        Self {
            event_count,
            duration_seconds: None,
            topic: topic.into(),
            rate: None,
            profile: None,
            tuning: Tuning::of(None),
            keys: Keys::None,
            event_size_bytes: None,
            warmup_events: 0,
            verify: false,
            seed: SEED,
            cleanup: false,
            force: false,
            label: None,
        }
    }

    /// How long the schedule lasts: up to the intended send time of the last event. Zero where
    /// neither rate nor duration is given.
    #[must_use]
    pub fn schedule(&self) -> Duration {
        match (self.duration_seconds, self.rate) {
            (Some(seconds), _) => Duration::from_secs(seconds),
            (None, Some(rate)) => Duration::from_secs_f64(self.event_count as f64 / rate as f64),
            (None, None) => Duration::ZERO,
        }
    }

    /// When the measured part of a run ends at the latest, whatever the cluster does.
    ///
    /// It is generous, since a slow cluster is a result. A cluster that acknowledges nothing at all
    /// ends a run much earlier: see [`mod@crate::run`].
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let at_floor = match self.duration_seconds {
            Some(seconds) => Duration::from_secs(seconds),
            None => Duration::from_secs(self.event_count / FLOOR_RATE),
        };
        self.schedule().max(at_floor) + DEADLINE_SLACK
    }

    /// The same for the warm-up.
    #[must_use]
    pub fn warmup_deadline(&self) -> Duration {
        Duration::from_secs(self.warmup_events / FLOOR_RATE) + DEADLINE_SLACK
    }

    /// After this an event without acknowledgement has failed.
    #[must_use]
    pub fn message_timeout(&self) -> Duration {
        profile::message_timeout(self.profile)
    }

    /// Bytes of all events that it may send, warm-up included, before compression.
    #[must_use]
    pub fn bytes_at_most(&self) -> u64 {
        let events = match (self.duration_seconds, self.rate) {
            (Some(seconds), None) => self.event_count.min(seconds * CEILING_RATE),
            _ => self.event_count,
        };
        let size = u64::from(self.event_size_bytes.unwrap_or(MEAN_EVENT_BYTES));
        (events + self.warmup_events) * size
    }
}

/// Why Kafka cannot have a topic of this name, in words that follow a field's name; `None` where it
/// can. Source: Kafka, `org.apache.kafka.common.internals.Topic.validate`.
#[must_use]
pub fn topic_name_problem(name: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name {
        "" => Some("must not be empty"),
        "." | ".." => Some("must not be \".\" or \"..\""),
        _ if name.len() > 249 => Some("must have at most 249 characters"),
        _ if !name.chars().all(allowed) => {
            Some("may have only the characters a-z, A-Z, 0-9, '.', '_' and '-'")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_is_behind_the_schedule() {
        let mut plan = Plan::new(1_000, "log-events");
        plan.rate = Some(1);
        assert_eq!(plan.schedule(), Duration::from_secs(1_000));
        assert_eq!(plan.deadline(), Duration::from_secs(1_120));
    }

    #[test]
    fn a_run_without_a_rate_has_an_end_too() {
        let plan = Plan::new(50_000, "log-events");
        assert_eq!(plan.schedule(), Duration::ZERO);
        assert_eq!(plan.deadline(), Duration::from_secs(220));
    }

    #[test]
    fn a_run_by_time_ends_soon_after_it() {
        let mut plan = Plan::new(*EVENT_COUNT.end(), "log-events");
        plan.duration_seconds = Some(60);
        assert_eq!(plan.schedule(), Duration::from_mins(1));
        assert_eq!(plan.deadline(), Duration::from_mins(3));
        assert_eq!(plan.bytes_at_most(), 60 * CEILING_RATE * 430);
    }

    #[test]
    fn a_plan_is_read_back_as_it_was_written() {
        let mut plan = Plan::new(1_000, "log-events");
        plan.profile = Some(Profile::Classic);
        plan.tuning = Tuning::of(plan.profile);
        let json = serde_json::to_value(&plan).unwrap();
        assert_eq!(json["profile"], "classic");
        assert_eq!(json["batchSizeBytes"], 16_384);
        assert_eq!(json["keys"], "none");
        assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), plan);
    }

    #[test]
    fn names_that_kafka_cannot_have_are_told() {
        for name in ["", ".", "..", "a/b", "a b", &"n".repeat(250)] {
            assert!(topic_name_problem(name).is_some(), "{name:?}");
        }
        for name in ["log-events", "_a.B-9", &"n".repeat(249)] {
            assert_eq!(topic_name_problem(name), None, "{name:?}");
        }
    }
}
