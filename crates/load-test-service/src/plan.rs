//! What a run should do: validated once at the edge, and the limits that follow from it.

use std::time::Duration;

/// Fewest and most events of a run; 10 million are 4 GB of log before compression.
pub const EVENT_COUNT: std::ops::RangeInclusive<u64> = 1..=10_000_000;
/// Slowest and fastest paced run, in events a second.
pub const RATE: std::ops::RangeInclusive<u64> = 1..=1_000_000;
/// Most events of a warm-up.
pub const WARMUP_EVENTS: std::ops::RangeInclusive<u64> = 0..=1_000_000;
/// Longest label, in characters.
pub const LABEL_MAX_CHARS: usize = 100;
/// Longest schedule of a paced run: the caller waits for it.
pub const SCHEDULE_MAX: Duration = Duration::from_hours(1);

/// The seed of every corpus for now.
const SEED: u64 = 1;

/// Slowest a run as fast as possible is assumed to be, events a second: a tenth of what tiny runs
/// reach on two cores shared with three brokers.
const FLOOR_RATE: u64 = 500;
/// Room beyond the schedule: warm-up of a cold cluster, and one loss of a broker (10 s) or two.
const DEADLINE_SLACK: Duration = Duration::from_mins(2);

/// What a run should do. Its fields are within the limits above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Events to send, warm-up apart.
    pub event_count: u64,
    /// Where to.
    pub topic: String,
    /// Events a second; `None` sends as fast as possible.
    pub rate: Option<u64>,
    /// Events sent before the clock starts, always as fast as possible.
    pub warmup_events: u64,
    /// The user's own name for the run.
    pub label: Option<String>,
    /// Seed of the corpus.
    pub seed: u64,
    /// Whether everything is read back after the run.
    pub verify: bool,
}

impl Plan {
    /// A run of `event_count` events to `topic`, as fast as possible, without warm-up.
    #[must_use]
    pub fn new(event_count: u64, topic: impl Into<String>) -> Self {
        Self {
            event_count,
            topic: topic.into(),
            rate: None,
            warmup_events: 0,
            label: None,
            seed: SEED,
            verify: false,
        }
    }

    /// How long the schedule lasts: up to the intended send time of the last event. Zero without a
    /// rate.
    #[must_use]
    pub fn schedule(&self) -> Duration {
        self.rate.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(self.event_count as f64 / rate as f64)
        })
    }

    /// When the measured part of a run ends at the latest, whatever the cluster does.
    ///
    /// It is generous, since a slow cluster is a result. A cluster that acknowledges nothing at all
    /// ends a run much earlier: see [`mod@crate::run`].
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let at_floor = Duration::from_secs(self.event_count / FLOOR_RATE);
        self.schedule().max(at_floor) + DEADLINE_SLACK
    }

    /// The same for the warm-up.
    #[must_use]
    pub fn warmup_deadline(&self) -> Duration {
        Duration::from_secs(self.warmup_events / FLOOR_RATE) + DEADLINE_SLACK
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
    fn names_that_kafka_cannot_have_are_told() {
        for name in ["", ".", "..", "a/b", "a b", &"n".repeat(250)] {
            assert!(topic_name_problem(name).is_some(), "{name:?}");
        }
        for name in ["log-events", "_a.B-9", &"n".repeat(249)] {
            assert_eq!(topic_name_problem(name), None, "{name:?}");
        }
    }
}
