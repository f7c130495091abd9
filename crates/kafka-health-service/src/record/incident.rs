//! The words of the record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rules::{Check, Reason, Status};

/// Something was wrong with one subject for some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// Sorts by the time of the start.
    #[schema(example = "1764062400123-0")]
    pub id: String,
    /// Stable name of the rule, as in the reasons of `GET /api/health`.
    #[schema(example = "broker_down")]
    pub code: String,
    /// What was wrong: a broker, a group, a ZooKeeper node, or all partitions.
    #[schema(example = "broker 1 (127.0.0.1:19092)")]
    pub subject: String,
    /// The check that found it.
    pub check: Check,
    /// The worst that it made of the status by itself.
    pub severity: Status,
    /// When it was first observed.
    #[serde(with = "service_kit::time::millis")]
    pub started_at: Timestamp,
    /// When it was first observed to be over; null while it goes on.
    #[serde(with = "service_kit::time::millis::optional", default)]
    #[schema(required = true)]
    pub ended_at: Option<Timestamp>,
    /// It was open when the service ended, and not seen any more when the service watched again: the true
    /// end lies in between.
    pub ended_unwatched: bool,
    /// What was found at the start.
    #[schema(example = "broker 1 (127.0.0.1:19092): connection refused")]
    pub evidence: String,
    /// What was found last.
    pub last_evidence: String,
    /// How it was found.
    #[schema(example = "a request that the broker itself must answer, and a connection")]
    pub detected_by: String,
    /// Ids of brokers that were down and alone explain it; empty when it stands by itself.
    pub explained_by: Vec<i32>,
}

/// The cluster's status changed, or the reasons for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusChange {
    /// Sorts by time.
    #[schema(example = "1764062400123-1")]
    pub id: String,
    /// When.
    #[serde(with = "service_kit::time::millis")]
    pub at: Timestamp,
    /// The new status.
    pub status: Status,
    /// The one before; null for the first after a start of the service.
    #[schema(required = true)]
    pub previous: Option<Status>,
    /// The rules that give the status, worst first; empty when HEALTHY.
    pub codes: Vec<String>,
}

impl Incident {
    /// The incident that begins with `reason`, judged at `at`.
    pub(super) fn of(reason: &Reason, at: Timestamp, id: String) -> Self {
        Self {
            id,
            code: reason.code.to_owned(),
            subject: reason.subject.clone(),
            check: reason.check,
            severity: reason.severity,
            started_at: reason.observed_at.map_or(at, |seen| seen.time()).min(at),
            ended_at: None,
            ended_unwatched: false,
            evidence: reason.text.clone(),
            last_evidence: reason.text.clone(),
            detected_by: detected_by(reason.check).to_owned(),
            explained_by: reason.explained_by.iter().copied().collect(),
        }
    }
}

fn detected_by(check: Check) -> &'static str {
    match check {
        Check::Brokers => "a request that the broker itself must answer, and a connection",
        Check::Partitions => "metadata and topic settings",
        Check::ConsumerGroups => "committed offsets and ends of logs",
        Check::Zookeeper => "srvr, asked of the node",
        Check::Canary => "records written, acknowledged and read back",
    }
}
