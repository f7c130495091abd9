//! The words of a judgement: status, check, reason.

use std::collections::BTreeSet;
use std::fmt;

use crate::moment::Moment;

/// How the cluster, or a part of it, is. Ordered from best to worst: what is not known may be as
/// bad as anything short of what is known to be critical.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Everything expected was seen, recently, and in order.
    Healthy,
    /// Something is wrong or missing; reading and writing go on.
    Degraded,
    /// Something that decides about the status was not observed, or too long ago.
    Unknown,
    /// Reading or writing does not work somewhere, or no broker answers.
    Critical,
}

/// A group of rules over one part of the snapshot.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// Does every expected broker answer?
    Brokers,
    /// Does every partition have its leader and its replicas?
    Partitions,
    /// How far are the consumer groups behind?
    ConsumerGroups,
    /// Does the ZooKeeper ensemble serve?
    Zookeeper,
    /// Can records be written, and read again?
    Canary,
}

/// One check's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckVerdict {
    /// The worst of its reasons; HEALTHY without any.
    pub status: Status,
    /// When its newest data was observed.
    pub observed_at: Option<Moment>,
    /// Its data was observed once, but is older than its age limit (of some subject at least).
    pub stale: bool,
}

/// Why a status is not HEALTHY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A stable name of the rule, e.g. `broker_down`.
    pub code: &'static str,
    /// What this reason alone makes of the status.
    pub severity: Status,
    /// The check that it belongs to.
    pub check: Check,
    /// What is wrong: one broker, group or ZooKeeper node, or all that the check is about.
    pub subject: String,
    /// One sentence that names the subject and what is wrong with it.
    pub text: String,
    /// When that was observed; `None` if nothing was.
    pub observed_at: Option<Moment>,
    /// Brokers that are down, when that alone explains it: no trouble of its own then. Empty otherwise.
    pub explained_by: BTreeSet<i32>,
}

impl Reason {
    /// The same, as being about one subject.
    pub(super) fn about(self, subject: impl fmt::Display) -> Self {
        Self {
            subject: subject.to_string(),
            ..self
        }
    }

    /// The same, as what follows from these brokers' being down.
    pub(super) fn explained_by(self, brokers: BTreeSet<i32>) -> Self {
        Self {
            explained_by: brokers,
            ..self
        }
    }
}

impl Status {
    /// All of them, best first.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Degraded, Self::Unknown, Self::Critical];

    /// The status in capitals, as in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Degraded => "DEGRADED",
            Self::Unknown => "UNKNOWN",
            Self::Critical => "CRITICAL",
        }
    }

    /// The cluster is known to be of use: HEALTHY or DEGRADED.
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Healthy | Self::Degraded)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Check {
    /// All that it is about.
    fn subject(self) -> &'static str {
        match self {
            Self::Brokers => "brokers",
            Self::Partitions => "partitions",
            Self::ConsumerGroups => "consumer groups",
            Self::Zookeeper => "ZooKeeper",
            Self::Canary => "canary",
        }
    }

    /// A reason of this check, about all of it.
    pub(super) fn reason(
        self,
        severity: Status,
        code: &'static str,
        observed_at: Option<Moment>,
        text: String,
    ) -> Reason {
        Reason {
            code,
            severity,
            check: self,
            subject: self.subject().to_owned(),
            text,
            observed_at,
            explained_by: BTreeSet::new(),
        }
    }
}

impl CheckVerdict {
    /// The verdict that follows from `reasons`.
    pub(super) fn of(reasons: &[Reason], observed_at: Option<Moment>, stale: bool) -> Self {
        let worst = reasons.iter().map(|reason| reason.severity).max();
        Self {
            status: worst.unwrap_or(Status::Healthy),
            observed_at,
            stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_worse_than_degraded_and_better_than_critical() {
        assert!(Status::ALL.is_sorted());
        assert!(Status::Unknown > Status::Degraded && Status::Unknown < Status::Critical);
        assert!(!Status::Unknown.is_usable());
    }

    #[test]
    fn a_status_is_written_the_same_way_in_json_and_in_text() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.to_string());
        }
    }
}
