//! One broker: why it is expected, where it listens, and what its probes found.

use std::fmt;
use std::time::Duration;

use crate::moment::Moment;

/// A broker that should be there.
#[derive(Debug, Clone)]
pub struct Broker {
    /// `broker.id` / `node.id`.
    pub id: i32,
    /// Why it is expected.
    pub expectation: Expectation,
    /// Where it listens; `None` until metadata named it once.
    pub address: Option<Address>,
    /// What its probes found.
    pub probes: Probes,
}

/// Why a broker is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// A setting names it.
    Configured,
    /// Metadata named it, as a registered broker or as the holder of a replica.
    Learned,
}

/// Host and port of a broker's listener, as the broker advertises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// The history of one broker's probes, as far as judging needs it.
#[derive(Debug, Clone, Default)]
pub struct Probes {
    /// The newest probe that ended.
    pub latest: Option<Probe>,
    /// When the broker last answered.
    pub last_answer: Option<Moment>,
    /// When the present run of answers began.
    pub answering_since: Option<Moment>,
    /// The present run of failures; `None` while the broker answers.
    pub failing: Option<FailureStreak>,
    /// The run of failures before the present run of answers.
    pub recovered_from: Option<FailureStreak>,
    /// Probes that failed since the service started.
    pub failures: u64,
}

/// One probe: a bare TCP connection, and a request that only this broker can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// When it began.
    pub began: Moment,
    /// When it ended.
    pub ended: Moment,
    /// What became of the bare connection; `None` if the answer came before it was known.
    pub connect: Option<Connect>,
    /// What came of the request.
    pub answer: Result<Answer, NoAnswer>,
}

/// A broker's own answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How long it took.
    pub took: Duration,
    /// It lives, and says in these words that this service may not ask that.
    pub denied: Option<String>,
}

/// Why a request was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nothing came back in time.
    TimedOut,
    /// It is there, and does not let this service in, or shows a certificate that is not trusted.
    Unauthenticated(String),
    /// The connection broke, or the like.
    Failed(String),
}

/// What became of a bare TCP connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connect {
    /// Something accepted it.
    Accepted,
    /// Refused: nothing listens there. That is certain at once.
    Refused,
    /// Nothing came back in time.
    NoReply,
    /// The host name could not be resolved, there is no route, or the like.
    Failed(String),
}

/// Probes that failed one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureStreak {
    /// The last answer before the streak, or the beginning of its first probe.
    pub silent_since: Moment,
    /// When its newest probe ended.
    pub latest: Moment,
    /// A connection was refused in it.
    pub refused: bool,
}

impl Broker {
    /// A broker of which nothing is known yet.
    #[must_use]
    pub fn expected(id: i32, expectation: Expectation) -> Self {
        Self {
            id,
            expectation,
            address: None,
            probes: Probes::default(),
        }
    }
}

impl Probes {
    /// Takes in a probe that ended.
    pub fn record(&mut self, probe: Probe) {
        if probe.answer.is_ok() {
            if let Some(streak) = self.failing.take() {
                self.recovered_from = Some(streak);
                self.answering_since = None;
            }
            self.answering_since.get_or_insert(probe.ended);
            self.last_answer = Some(probe.ended);
        } else {
            self.failures += 1;
            let refused = probe.connect == Some(Connect::Refused);
            let silent_since = self.last_answer.unwrap_or(probe.began);
            let streak = self.failing.get_or_insert(FailureStreak {
                silent_since,
                latest: probe.ended,
                refused,
            });
            streak.latest = probe.ended;
            streak.refused |= refused;
        }
        self.latest = Some(probe);
    }
}

impl FailureStreak {
    /// Whether this is an outage and not a hiccup: refused, or silent for `limit`.
    #[must_use]
    pub fn is_outage(&self, limit: Duration) -> bool {
        self.refused || self.silent_since.age(self.latest) >= limit
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Some(address) => write!(f, "broker {} ({address})", self.id),
            None => write!(f, "broker {}", self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{answered, refused, silent};

    const LIMIT: Duration = Duration::from_millis(2_500);

    fn after(start: Moment, ms: u64) -> Moment {
        start.plus(Duration::from_millis(ms))
    }

    #[test]
    fn a_refused_connection_is_an_outage_at_once() {
        let start = Moment::now();
        let mut probes = Probes::default();
        probes.record(answered(start));
        probes.record(refused(after(start, 1_000)));
        assert!(probes.failing.unwrap().is_outage(LIMIT));
    }

    #[test]
    fn a_quick_failure_is_a_hiccup_until_the_silence_is_long_enough() {
        let start = Moment::now();
        let mut probes = Probes::default();
        probes.record(answered(start));
        probes.record(silent(after(start, 1_000), Duration::from_millis(100)));
        assert!(!probes.failing.unwrap().is_outage(LIMIT));
        probes.record(silent(after(start, 2_450), Duration::from_millis(100)));
        assert!(probes.failing.unwrap().is_outage(LIMIT));
        assert_eq!(probes.failures, 2);
    }

    #[test]
    fn silence_is_counted_from_the_first_probe_of_a_broker_that_never_answered() {
        let start = Moment::now();
        let mut probes = Probes::default();
        probes.record(silent(start, Duration::from_millis(2_499)));
        assert!(!probes.failing.unwrap().is_outage(LIMIT));
        probes.record(silent(after(start, 2_499), Duration::from_millis(1)));
        assert!(probes.failing.unwrap().is_outage(LIMIT));
    }

    #[test]
    fn an_answer_ends_the_streak_and_begins_a_run_of_answers() {
        let start = Moment::now();
        let mut probes = Probes::default();
        probes.record(answered(start));
        probes.record(refused(after(start, 1_000)));
        probes.record(answered(after(start, 2_000)));
        probes.record(answered(after(start, 3_000)));
        assert_eq!(probes.failing, None);
        assert!(probes.recovered_from.unwrap().refused);
        let since = probes.answering_since.unwrap();
        assert!(since >= after(start, 2_000) && since < after(start, 3_000));
    }

    #[test]
    fn an_ipv6_address_is_written_in_brackets() {
        let address = Address {
            host: "::1".to_owned(),
            port: 9092,
        };
        assert_eq!(address.to_string(), "[::1]:9092");
    }
}
