//! Each ZooKeeper node; nothing where none is configured.

use prometheus::proto::MetricType;

use super::{Family, Sample, count, count_u64, seconds};
use crate::rules::NodeVerdict;
use crate::snapshot::{NodeFigures, ZookeeperNode};
use crate::state::View;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "zookeeper_node_up",
        help: "1 if the node serves as part of a quorum, 0 if it does not.",
        kind: MetricType::GAUGE,
        labels: &["node"],
        samples: up,
    },
    Family {
        name: "zookeeper_node_last_answer_timestamp_seconds",
        help: "When the node last answered a check.",
        kind: MetricType::GAUGE,
        labels: &["node"],
        samples: |view| each(view, |node| node.last_answer.map(|(at, _)| seconds(at))),
    },
    Family {
        name: "zookeeper_node_check_duration_seconds",
        help: "How long the newest check of the node took, answered or not.",
        kind: MetricType::GAUGE,
        labels: &["node"],
        samples: |view| {
            each(view, |node| {
                node.last_duration().map(|took| took.as_secs_f64())
            })
        },
    },
    Family {
        name: "zookeeper_node_latency_average_seconds",
        help: "The node's own average time to answer a request, since its figures were last reset.",
        kind: MetricType::GAUGE,
        labels: &["node"],
        samples: |view| figure(view, |figures| figures.latency_average.as_secs_f64()),
    },
    Family {
        name: "zookeeper_node_outstanding_requests",
        help: "Requests that wait in the node.",
        kind: MetricType::GAUGE,
        labels: &["node"],
        samples: |view| figure(view, |figures| count_u64(figures.outstanding)),
    },
    Family {
        name: "zookeeper_node_connections",
        help: "Clients that are connected to the node.",
        kind: MetricType::GAUGE,
        labels: &["node"],
        samples: |view| figure(view, |figures| count_u64(figures.connections)),
    },
    Family {
        name: "zookeeper_node_check_failures_total",
        help: "Checks that the node did not answer in time.",
        kind: MetricType::COUNTER,
        labels: &["node"],
        samples: |view| each(view, failures),
    },
];

fn up(view: &View) -> Vec<Sample> {
    let known = view
        .judgement
        .zookeeper
        .iter()
        .filter_map(|(address, verdict)| {
            let up = match verdict {
                NodeVerdict::Serving(_) => true,
                NodeVerdict::Down { .. } => false,
                NodeVerdict::Unauthenticated { .. } | NodeVerdict::Unknown { .. } => return None,
            };
            Some(Sample::of(address, count(usize::from(up))))
        });
    known.collect()
}

fn figure(view: &View, value: impl Fn(&NodeFigures) -> f64) -> Vec<Sample> {
    let nodes = view.snapshot.zookeeper.iter();
    nodes
        .filter_map(|(address, node)| Some(Sample::of(address, value(&node.figures()?))))
        .collect()
}

fn each(view: &View, value: fn(&ZookeeperNode) -> Option<f64>) -> Vec<Sample> {
    let nodes = view.snapshot.zookeeper.iter();
    nodes
        .filter_map(|(address, node)| Some(Sample::of(address, value(node)?)))
        .collect()
}

fn failures(node: &ZookeeperNode) -> Option<f64> {
    node.latest.as_ref()?;
    Some(count_u64(node.failures))
}
