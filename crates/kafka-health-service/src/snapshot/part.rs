//! One part of the snapshot: what its collector last saw, when, and how its attempts go.

use std::sync::Arc;
use std::time::Duration;

use crate::moment::Moment;

/// A part that is collected as a whole. Cloning shares the value.
#[derive(Debug, Clone)]
pub struct Part<T> {
    /// The last successful observation; it stays while later attempts fail, and grows old.
    pub seen: Option<Seen<T>>,
    /// How collecting goes.
    pub attempts: Attempts,
}

/// Something observed, and when.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// What was seen.
    pub value: Arc<T>,
    /// When the question was asked: the value is no older than this.
    pub at: Moment,
}

/// The record of a collector's attempts.
#[derive(Debug, Clone, Default)]
pub struct Attempts {
    /// Attempts that ended, well or not.
    pub finished: u64,
    /// Attempts that failed or were incomplete.
    pub failed: u64,
    /// How long the last one took.
    pub last_duration: Option<Duration>,
    /// When the last complete one ended.
    pub last_success: Option<Moment>,
    /// What went wrong, if the last one failed.
    pub failure: Option<Failure>,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When it ended.
    pub at: Moment,
    /// What Kafka or the network said.
    pub message: String,
}

/// Whether a part can be relied upon.
#[derive(Debug)]
pub enum Freshness<'a, T> {
    /// Observed within its age limit.
    Fresh(&'a Seen<T>),
    /// Observed once, too long ago to say anything about now.
    Stale(&'a Seen<T>),
    /// Never observed.
    Missing,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self {
            seen: None,
            attempts: Attempts::default(),
        }
    }
}

impl<T> Part<T> {
    /// Puts a new observation in place of the last one.
    pub fn publish(&mut self, value: T, at: Moment) {
        self.seen = Some(Seen {
            value: Arc::new(value),
            at,
        });
    }

    /// Whether this part can be relied upon at `now`.
    #[must_use]
    pub fn freshness(&self, now: Moment, age_limit: Duration) -> Freshness<'_, T> {
        match &self.seen {
            None => Freshness::Missing,
            Some(seen) if seen.at.age(now) > age_limit => Freshness::Stale(seen),
            Some(seen) => Freshness::Fresh(seen),
        }
    }

    /// The value, unless there is none or it is too old.
    #[must_use]
    pub fn fresh(&self, now: Moment, age_limit: Duration) -> Option<&T> {
        match self.freshness(now, age_limit) {
            Freshness::Fresh(seen) => Some(&seen.value),
            Freshness::Stale(_) | Freshness::Missing => None,
        }
    }
}

impl Attempts {
    /// Notes an attempt that took from `began` to `ended`.
    pub fn note(&mut self, began: Moment, ended: Moment, outcome: Result<(), String>) {
        self.finished += 1;
        self.last_duration = Some(began.age(ended));
        match outcome {
            Ok(()) => {
                self.last_success = Some(ended);
                self.failure = None;
            }
            Err(message) => {
                self.failed += 1;
                self.failure = Some(Failure { at: ended, message });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn an_observation_is_fresh_up_to_its_limit_and_stale_after_it() {
        let at = Moment::now();
        let mut part = Part::default();
        assert!(matches!(part.freshness(at, LIMIT), Freshness::Missing));
        part.publish(7, at);
        assert_eq!(part.fresh(at.plus(LIMIT), LIMIT), Some(&7));
        let late = at.plus(LIMIT + Duration::from_millis(1));
        assert!(matches!(part.freshness(late, LIMIT), Freshness::Stale(_)));
        assert_eq!(part.fresh(late, LIMIT), None);
    }

    #[test]
    fn attempts_keep_the_last_success_while_later_ones_fail() {
        let began = Moment::now();
        let ended = began.plus(Duration::from_millis(30));
        let mut attempts = Attempts::default();
        attempts.note(began, ended, Ok(()));
        attempts.note(ended, ended.plus(LIMIT), Err("no broker".to_owned()));
        assert_eq!((attempts.finished, attempts.failed), (2, 1));
        assert_eq!(attempts.last_success, Some(ended));
        assert_eq!(attempts.last_duration, Some(LIMIT));
        assert_eq!(attempts.failure.unwrap().message, "no broker");
    }

    #[test]
    fn a_success_clears_the_last_failure() {
        let now = Moment::now();
        let mut attempts = Attempts::default();
        attempts.note(now, now, Err("no broker".to_owned()));
        attempts.note(now, now, Ok(()));
        assert_eq!(attempts.failure, None);
        assert_eq!(attempts.failed, 1);
    }
}
