//! What a ZooKeeper node answers to the four-letter word `srvr`. Unlike `ruok` it proves a quorum:
//! a node without one says that it does not serve.
//! Source: ZooKeeper administrator's guide, "The Four Letter Words"; answers of 3.8.6.

use std::time::Duration;

use crate::snapshot::{NodeFigures, NodeState, ZookeeperMode};

/// Reads an answer.
///
/// # Errors
/// What the node said instead, in a sentence.
pub(super) fn parse(answer: &str) -> Result<NodeState, String> {
    let answer = answer.trim();
    if answer.starts_with("This ZooKeeper instance is not currently serving requests") {
        return Ok(NodeState::NotServing);
    }
    if let Some(mode) = answer.lines().find_map(|line| line.strip_prefix("Mode: ")) {
        let mode = mode.trim();
        return ZookeeperMode::of_name(mode)
            .map(NodeState::Serving)
            .ok_or_else(|| format!("is in a mode that is not known: {mode:?}"));
    }
    if answer.contains("is not in the whitelist") {
        return Err("does not allow srvr (4lw.commands.whitelist)".to_owned());
    }
    let first: String = answer
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(80)
        .collect();
    if first.is_empty() {
        Err("hung up without an answer".to_owned())
    } else {
        Err(format!("does not answer as ZooKeeper does: {first:?}"))
    }
}

/// The figures of an answer; `None` where it has none.
pub(super) fn figures(answer: &str) -> Option<NodeFigures> {
    let value = |name: &str| {
        let mut lines = answer.lines();
        lines
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let mut latencies = value("Latency min/avg/max:")?.split('/').skip(1);
    let mut latency =
        || Duration::try_from_secs_f64(latencies.next()?.parse::<f64>().ok()? / 1e3).ok();
    Some(NodeFigures {
        latency_average: latency()?,
        latency_most: latency()?,
        outstanding: value("Outstanding:")?.parse().ok()?,
        connections: value("Connections:")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Captured from ZooKeeper 3.8.6: three nodes, a node of three whose peers were down, a
    // standalone node, and a command that its whitelist does not have.
    const FOLLOWER: &str = "Zookeeper version: 3.8.6-6df26081269769c160c8c3a24929c60c91cd19c3, built on 2026-01-28 20:28 UTC\nLatency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 0\nConnections: 1\nOutstanding: 0\nZxid: 0x0\nMode: follower\nNode count: 5\n";
    const LEADER: &str = "Zookeeper version: 3.8.6-6df26081269769c160c8c3a24929c60c91cd19c3, built on 2026-01-28 20:28 UTC\nLatency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 0\nConnections: 1\nOutstanding: 0\nZxid: 0x100000000\nMode: leader\nNode count: 5\nProposal sizes last/min/max: -1/-1/-1\n";
    const STANDALONE: &str = "Zookeeper version: 3.8.6-6df26081269769c160c8c3a24929c60c91cd19c3, built on 2026-01-28 20:28 UTC\nLatency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 0\nConnections: 1\nOutstanding: 0\nZxid: 0x0\nMode: standalone\nNode count: 5\n";
    const ALONE: &str = "This ZooKeeper instance is not currently serving requests\n";
    const NOT_ALLOWED: &str = "stat is not executed because it is not in the whitelist.\n";

    #[test]
    fn a_serving_node_names_its_mode() {
        let serving = |mode| Ok(NodeState::Serving(mode));
        assert_eq!(parse(FOLLOWER), serving(ZookeeperMode::Follower));
        assert_eq!(parse(LEADER), serving(ZookeeperMode::Leader));
        assert_eq!(parse(STANDALONE), serving(ZookeeperMode::Standalone));
    }

    #[test]
    fn an_answer_has_figures_and_a_refusal_has_none() {
        let busy = FOLLOWER
            .replace("0/0.0/0", "0/1.5/28")
            .replace("Outstanding: 0", "Outstanding: 7");
        let expected = NodeFigures {
            latency_average: Duration::from_micros(1_500),
            latency_most: Duration::from_millis(28),
            outstanding: 7,
            connections: 1,
        };
        assert_eq!(figures(&busy), Some(expected));
        assert_eq!(figures(ALONE), None);
    }

    #[test]
    fn a_node_without_a_quorum_answers_but_does_not_serve() {
        assert_eq!(parse(ALONE), Ok(NodeState::NotServing));
    }

    #[test]
    fn a_forbidden_command_names_the_setting() {
        assert!(
            parse(NOT_ALLOWED)
                .unwrap_err()
                .contains("4lw.commands.whitelist")
        );
    }

    #[test]
    fn anything_else_is_told_in_part() {
        assert_eq!(parse(""), Err("hung up without an answer".to_owned()));
        let other = parse("HTTP/1.1 400 Bad Request\r\n\r\n").unwrap_err();
        assert!(other.contains("HTTP/1.1 400 Bad Request"), "{other}");
        assert!(parse("Mode: king\n").unwrap_err().contains("\"king\""));
    }
}
