//! The words of a judgement: status, check, reason.

use std::fmt;

use crate::moment::Moment;

/// How the cluster, or a part of it, is. Ordered from best to worst: what is not known may be as
/// bad as anything short of what is known to be critical.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema,
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
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema,
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
    /// One sentence that names the subject and what is wrong with it.
    pub text: String,
    /// When that was observed; `None` if nothing was.
    pub observed_at: Option<Moment>,
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
    /// A reason of this check.
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
            text,
            observed_at,
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
