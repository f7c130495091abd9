//! Does the ZooKeeper ensemble serve?
//!
//! A node is down when nothing listens there, or when it missed two checks in a row. As long as a
//! majority serves, a missing node is DEGRADED; without one CRITICAL, since brokers then can
//! neither elect leaders nor register. A node that this service and it do not trust each other is UNKNOWN: brokers
//! may get on with it well.

use std::collections::BTreeMap;

use super::{Check, CheckVerdict, Limits, Reason, Status};
use crate::moment::Moment;
use crate::snapshot::{NodeState, ZookeeperMode, ZookeeperNode};

/// Checks that a node may miss before it is down.
const FAILURES_ALLOWED: u32 = 1;

/// One node, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeVerdict {
    /// It serves.
    Serving(ZookeeperMode),
    /// It does not.
    Down {
        /// What was found instead.
        why: String,
        /// It runs, and says itself that it has no quorum.
        answers: bool,
    },
    /// It is there, and it and this service do not trust each other: how it is is not known.
    Unauthenticated {
        /// Whose certificate it is about, and what is wrong with it.
        why: String,
    },
    /// Nothing recent is known.
    Unknown {
        /// Why not.
        why: String,
        /// It was checked once, but too long ago.
        stale: bool,
    },
}

/// All nodes, judged; no check where none is configured.
pub(super) struct Verdict {
    pub check: Option<CheckVerdict>,
    pub reasons: Vec<Reason>,
    pub verdicts: BTreeMap<String, NodeVerdict>,
}

impl NodeVerdict {
    /// Why it is not known to serve.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Serving(_) => None,
            Self::Down { why, .. } | Self::Unauthenticated { why } | Self::Unknown { why, .. } => {
                Some(why)
            }
        }
    }

    /// Its observation is too old.
    #[must_use]
    pub fn stale(&self) -> bool {
        matches!(self, Self::Unknown { stale: true, .. })
    }
}

pub(super) fn judge(
    nodes: &BTreeMap<String, ZookeeperNode>,
    now: Moment,
    limits: &Limits,
) -> Verdict {
    let verdicts: BTreeMap<_, _> = nodes
        .iter()
        .map(|(address, node)| (address.clone(), judge_one(node, now, limits)))
        .collect();
    let observed = |address: &str| nodes.get(address).and_then(observed_at);
    let newest = nodes.values().filter_map(observed_at).max();

    let mut reasons = Vec::new();
    reasons.extend(quorum_lost(&verdicts, newest));
    for (address, verdict) in &verdicts {
        let (severity, code) = match verdict {
            NodeVerdict::Serving(_) => continue,
            NodeVerdict::Down { .. } => (Status::Degraded, "zookeeper_node_down"),
            NodeVerdict::Unauthenticated { .. } => {
                (Status::Unknown, "zookeeper_node_unauthenticated")
            }
            NodeVerdict::Unknown { .. } => (Status::Unknown, "zookeeper_node_unknown"),
        };
        let text = format!(
            "ZooKeeper node {address}: {}",
            verdict.trouble().unwrap_or_default()
        );
        let reason = Check::Zookeeper.reason(severity, code, observed(address), text);
        reasons.push(reason.about(address));
    }
    let stale = verdicts.values().any(NodeVerdict::stale);
    Verdict {
        check: (!nodes.is_empty()).then(|| CheckVerdict::of(&reasons, newest, stale)),
        reasons,
        verdicts,
    }
}

fn judge_one(node: &ZookeeperNode, now: Moment, limits: &Limits) -> NodeVerdict {
    let Some(check) = &node.latest else {
        let why = "not checked yet".to_owned();
        return NodeVerdict::Unknown { why, stale: false };
    };
    if check.ended.age(now) > limits.zookeeper_age {
        let why = format!("last checked at {:.3}", check.ended.time());
        return NodeVerdict::Unknown { why, stale: true };
    }
    match (&check.outcome, node.last_answer) {
        (Ok(state), _) => of_state(*state),
        (Err(failure), _) if failure.distrusted => NodeVerdict::Unauthenticated {
            why: format!("it and health do not trust each other: {}", failure.message),
        },
        (Err(failure), _) if failure.refused || node.failures_in_a_row > FAILURES_ALLOWED => {
            NodeVerdict::Down {
                why: failure.message.clone(),
                answers: false,
            }
        }
        (Err(_), Some((_, state))) => of_state(state),
        (Err(failure), None) => NodeVerdict::Unknown {
            why: failure.message.clone(),
            stale: false,
        },
    }
}

fn of_state(state: NodeState) -> NodeVerdict {
    match state {
        NodeState::Serving(mode) => NodeVerdict::Serving(mode),
        NodeState::NotServing => NodeVerdict::Down {
            why: "runs without a quorum and serves nobody".to_owned(),
            answers: true,
        },
    }
}

fn quorum_lost(verdicts: &BTreeMap<String, NodeVerdict>, at: Option<Moment>) -> Option<Reason> {
    let total = verdicts.len();
    let down = verdicts
        .values()
        .filter(|verdict| matches!(verdict, NodeVerdict::Down { .. }))
        .count();
    if total == 0 || down * 2 < total {
        return None;
    }
    let text = format!("{down} of {total} ZooKeeper nodes do not serve: no majority is left");
    Some(Check::Zookeeper.reason(Status::Critical, "zookeeper_quorum_lost", at, text))
}

fn observed_at(node: &ZookeeperNode) -> Option<Moment> {
    node.latest.as_ref().map(|check| check.ended)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::snapshot::{CheckFailure, NodeCheck};

    type Outcome = Result<NodeState, CheckFailure>;

    const LEADER: Outcome = Ok(NodeState::Serving(ZookeeperMode::Leader));
    const FOLLOWER: Outcome = Ok(NodeState::Serving(ZookeeperMode::Follower));

    fn failure(message: &str, refused: bool) -> Outcome {
        Err(CheckFailure {
            message: message.to_owned(),
            refused,
            distrusted: false,
        })
    }

    fn ensemble(outcomes: &[Outcome], at: Moment) -> BTreeMap<String, ZookeeperNode> {
        let node = |outcome: &Outcome| {
            let mut node = ZookeeperNode::default();
            node.record(NodeCheck {
                began: at,
                ended: at,
                outcome: outcome.clone(),
                figures: None,
            });
            node
        };
        (1..)
            .zip(outcomes)
            .map(|(n, outcome)| (format!("zookeeper-{n}:2181"), node(outcome)))
            .collect()
    }

    fn judged(outcomes: &[Outcome]) -> (Status, Vec<&'static str>, Verdict) {
        let now = Moment::now();
        let verdict = judge(&ensemble(outcomes, now), now, &Limits::default());
        let codes = verdict.reasons.iter().map(|reason| reason.code).collect();
        (verdict.check.unwrap().status, codes, verdict)
    }

    #[test]
    fn a_leader_and_two_followers_are_healthy() {
        let (status, codes, verdict) = judged(&[FOLLOWER, LEADER, FOLLOWER]);
        assert_eq!((status, codes.len()), (Status::Healthy, 0));
        assert_eq!(
            verdict.verdicts["zookeeper-2:2181"],
            NodeVerdict::Serving(ZookeeperMode::Leader)
        );
    }

    #[test]
    fn without_configured_nodes_there_is_no_check() {
        let verdict = judge(&BTreeMap::new(), Moment::now(), &Limits::default());
        assert!(verdict.check.is_none() && verdict.reasons.is_empty());
    }

    #[test]
    fn one_refusing_node_of_three_is_degraded_and_named() {
        let (status, codes, verdict) =
            judged(&[failure("connection refused", true), LEADER, FOLLOWER]);
        assert_eq!(status, Status::Degraded);
        assert_eq!(codes, ["zookeeper_node_down"]);
        assert_eq!(
            verdict.reasons[0].text,
            "ZooKeeper node zookeeper-1:2181: connection refused"
        );
    }

    #[test]
    fn a_lost_quorum_is_critical() {
        let refused = failure("connection refused", true);
        let (status, codes, _) = judged(&[refused.clone(), refused, Ok(NodeState::NotServing)]);
        assert_eq!(status, Status::Critical);
        assert_eq!(codes[0], "zookeeper_quorum_lost");
        let (status, ..) = judged(&[Ok(NodeState::NotServing)]);
        assert_eq!(status, Status::Critical);
    }

    #[test]
    fn nodes_that_do_not_trust_health_are_unknown_and_no_lost_quorum() {
        let distrusted = Err(CheckFailure {
            message: "certificate has expired".to_owned(),
            refused: false,
            distrusted: true,
        });
        let (status, codes, _) = judged(&[distrusted.clone(), distrusted.clone(), distrusted]);
        assert_eq!(status, Status::Unknown);
        assert_eq!(codes, ["zookeeper_node_unauthenticated"; 3]);
    }

    #[test]
    fn one_missed_check_is_not_yet_down_and_two_are() {
        let now = Moment::now();
        let mut nodes = ensemble(&[FOLLOWER, LEADER, FOLLOWER], now);
        let node = nodes.get_mut("zookeeper-1:2181").unwrap();
        let missed = NodeCheck {
            began: now,
            ended: now,
            outcome: failure("no answer within 2.0 s", false),
            figures: None,
        };
        node.record(missed.clone());
        let first = judge(&nodes, now, &Limits::default());
        assert_eq!(first.check.unwrap().status, Status::Healthy);
        nodes.get_mut("zookeeper-1:2181").unwrap().record(missed);
        let second = judge(&nodes, now, &Limits::default());
        assert_eq!(second.reasons[0].code, "zookeeper_node_down");
        assert_eq!(second.check.unwrap().status, Status::Degraded);
    }

    #[test]
    fn a_node_that_never_answered_is_unknown_at_its_first_missed_check() {
        let (status, codes, _) =
            judged(&[failure("no answer within 2.0 s", false), LEADER, FOLLOWER]);
        assert_eq!(status, Status::Unknown);
        assert_eq!(codes, ["zookeeper_node_unknown"]);
    }

    #[test]
    fn an_old_answer_is_unknown_and_stale() {
        let at = Moment::now();
        let nodes = ensemble(&[FOLLOWER, LEADER, FOLLOWER], at);
        let verdict = judge(&nodes, at.plus(Duration::from_secs(60)), &Limits::default());
        let check = verdict.check.unwrap();
        assert_eq!(check.status, Status::Unknown);
        assert!(check.stale);
    }
}
