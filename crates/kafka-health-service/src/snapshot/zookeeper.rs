//! One ZooKeeper node: what it answered to `srvr`, and since when it does not.

use std::time::Duration;

use crate::moment::Moment;

/// What is known of one node.
#[derive(Debug, Clone, Default)]
pub struct ZookeeperNode {
    /// The newest check that ended.
    pub latest: Option<NodeCheck>,
    /// What it said when it last answered, and when.
    pub last_answer: Option<(Moment, NodeState)>,
    /// Checks that failed one after the other, up to now.
    pub failures_in_a_row: u32,
    /// Checks that failed since the service started.
    pub failures: u64,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCheck {
    /// When it began.
    pub began: Moment,
    /// When it ended.
    pub ended: Moment,
    /// What the node said, or why it said nothing.
    pub outcome: Result<NodeState, CheckFailure>,
    /// What it counts; `None` where it did not say.
    pub figures: Option<NodeFigures>,
}

/// What a node counts of itself, since its figures were last reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeFigures {
    /// Average time to answer a request.
    pub latency_average: Duration,
    /// Longest time to answer one.
    pub latency_most: Duration,
    /// Requests that wait.
    pub outstanding: u64,
    /// Clients that are connected.
    pub connections: u64,
}

/// What a node says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// It serves requests, as part of a quorum unless standalone.
    Serving(ZookeeperMode),
    /// It runs, but has no quorum: it answers no client.
    NotServing,
}

/// The part that a node plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZookeeperMode {
    /// It orders the writes.
    Leader,
    /// It votes.
    Follower,
    /// It follows without a vote.
    Observer,
    /// It is alone by configuration.
    Standalone,
}

/// Why a node said nothing of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFailure {
    /// What happened.
    pub message: String,
    /// Nothing listens there: no second look is needed.
    pub refused: bool,
    /// It is there, and it and this service do not trust each other.
    pub distrusted: bool,
}

impl ZookeeperMode {
    /// ZooKeeper's own name of the mode.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Observer => "observer",
            Self::Standalone => "standalone",
        }
    }

    /// The mode of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [
            Self::Leader,
            Self::Follower,
            Self::Observer,
            Self::Standalone,
        ]
        .into_iter()
        .find(|mode| mode.name() == name)
    }
}

impl ZookeeperNode {
    /// Takes in a check that ended.
    pub fn record(&mut self, check: NodeCheck) {
        if let Ok(state) = check.outcome {
            self.failures_in_a_row = 0;
            self.last_answer = Some((check.ended, state));
        } else {
            self.failures_in_a_row += 1;
            self.failures += 1;
        }
        self.latest = Some(check);
    }

    /// What the node counted when it was last asked.
    #[must_use]
    pub fn figures(&self) -> Option<NodeFigures> {
        self.latest.as_ref()?.figures
    }

    /// How long the newest check took.
    #[must_use]
    pub fn last_duration(&self) -> Option<Duration> {
        self.latest
            .as_ref()
            .map(|check| check.began.age(check.ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_a_run_of_failures() {
        let now = Moment::now();
        let check = |outcome| NodeCheck {
            began: now,
            ended: now,
            outcome,
            figures: None,
        };
        let failure = CheckFailure {
            message: "no answer".to_owned(),
            refused: false,
            distrusted: false,
        };
        let mut node = ZookeeperNode::default();
        node.record(check(Err(failure.clone())));
        node.record(check(Err(failure)));
        assert_eq!((node.failures_in_a_row, node.failures), (2, 2));
        node.record(check(Ok(NodeState::NotServing)));
        assert_eq!((node.failures_in_a_row, node.failures), (0, 2));
    }

    #[test]
    fn a_mode_is_found_by_its_name() {
        assert_eq!(
            ZookeeperMode::of_name("leader"),
            Some(ZookeeperMode::Leader)
        );
        assert_eq!(ZookeeperMode::of_name("king"), None);
    }
}
