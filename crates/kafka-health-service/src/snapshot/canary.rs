//! What the canary saw.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::moment::Moment;

/// The canary, where one runs.
#[derive(Debug, Clone)]
pub struct CanaryState {
    /// Its topic.
    pub topic: Arc<str>,
    /// When it was started.
    pub began: Moment,
    /// Why it cannot begin to send, if it cannot.
    pub failure: Option<String>,
    /// When it last looked at its records; `None`: it sent none yet.
    pub observed_at: Option<Moment>,
    /// Its partitions by id.
    pub partitions: Arc<BTreeMap<i32, CanaryPartition>>,
    /// What it may not do, with Kafka's words.
    pub denied: BTreeMap<CanaryRight, String>,
}

/// A right by which the canary works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CanaryRight {
    /// Writing to its topic.
    Write,
    /// Reading its topic.
    Read,
}

impl CanaryRight {
    /// Kafka's operation, before the name of a topic.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "Write to",
            Self::Read => "Read",
        }
    }
}

/// One partition of the canary's topic.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CanaryPartition {
    /// The broker that led it when the oldest record under way, or the newest, was sent; -1: none.
    pub leader: i32,
    /// When last a record was acknowledged and read back.
    pub last_good: Option<Moment>,
    /// How long the oldest record under way has waited; `None`: none is.
    pub waiting: Option<Duration>,
    /// Why the newest record that failed did, if none was good since.
    pub why: Option<String>,
    /// Records that were acknowledged and are gone.
    pub lost: u64,
    /// When that was last seen.
    pub last_lost: Option<Moment>,
}

impl CanaryState {
    /// Before it sent anything.
    #[must_use]
    pub fn began(topic: &str, at: Moment) -> Self {
        Self {
            topic: topic.into(),
            began: at,
            failure: None,
            observed_at: None,
            partitions: Arc::default(),
            denied: BTreeMap::new(),
        }
    }

    /// Shows how its partitions are at `at`, and what it may not do.
    pub fn show(
        &mut self,
        partitions: BTreeMap<i32, CanaryPartition>,
        denied: BTreeMap<CanaryRight, String>,
        at: Moment,
    ) {
        self.failure = None;
        self.denied = denied;
        self.observed_at = Some(at);
        self.partitions = Arc::new(partitions);
    }
}
