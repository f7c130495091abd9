//! The JSON of `GET /api/health`: what is known of the cluster and what it means, from one
//! snapshot and its judgement.

mod canary;
mod groups;
mod security;
mod stop_impact;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

pub use canary::{CanaryPartitionReport, CanaryReport};
pub use groups::ConsumerGroupHealth;
pub use security::{CertificateReport, SecurityReport};
pub use stop_impact::StopImpactReport;

use crate::moment::Moment;
use crate::rules::{
    BrokerVerdict, Check, CheckVerdict, Judgement, NodeVerdict, Reason, Status, TopicVerdict,
};
use crate::snapshot::{AgentCheck, Broker, Snapshot, ZookeeperNode};

/// The health of the cluster.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthReport {
    /// The worst of all checks.
    pub status: Status,
    /// When the newest of what is judged here was observed, answers missed included; null before
    /// the first observation.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub check_time: Option<Timestamp>,
    /// Brokers that should be there: those configured, and every one ever seen by this service.
    pub total_brokers: usize,
    /// Brokers known to answer and counted in by the cluster.
    pub healthy_brokers: usize,
    /// The broker that is the controller, as a broker told that answers; null where none is known.
    #[schema(required = true)]
    pub controller_id: Option<i32>,
    /// How often another broker became the controller since this service started.
    pub controller_changes: u64,
    /// Why the status is not HEALTHY, worst first.
    pub reasons: Vec<ReasonReport>,
    /// Partitions that refuse writes with `acks=all`: without a leader, or with fewer replicas in sync
    /// than `min.insync.replicas`. Null when that is not known.
    #[schema(required = true)]
    pub writes_blocked: Option<PartitionSum>,
    /// Partitions that cannot be read: without a leader. Null when that is not known.
    #[schema(required = true)]
    pub reads_blocked: Option<PartitionSum>,
    /// Partitions that lost replicas, and would refuse writes or go offline with one more. Null when
    /// that is not known.
    #[schema(required = true)]
    pub at_risk: Option<PartitionSum>,
    /// Each check by itself, by name: `brokers`, `partitions`, `consumerGroups`, and `zookeeper`
    /// and `canary` where they are configured.
    pub checks: BTreeMap<Check, CheckReport>,
    /// Every broker that should be there.
    pub broker_statuses: Vec<BrokerStatus>,
    /// Every topic by name, as last seen.
    pub topic_health: BTreeMap<String, TopicHealth>,
    /// Every consumer group by id, as last seen.
    pub consumer_group_health: BTreeMap<String, ConsumerGroupHealth>,
    /// Every ZooKeeper node; absent where none is configured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zookeeper_statuses: Vec<ZookeeperStatus>,
    /// The canary; absent where none runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryReport>,
    /// How this service is connected, and how long certificates last.
    pub security: SecurityReport,
}

/// Why the status is not HEALTHY.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonReport {
    /// Stable name of the rule.
    #[schema(example = "broker_down")]
    pub code: &'static str,
    /// What this reason alone makes of the status.
    pub severity: Status,
    /// The check that it belongs to.
    pub check: Check,
    /// What is wrong: one broker, group or ZooKeeper node, or all that the check is about.
    #[schema(example = "broker 1 (127.0.0.1:19092)")]
    pub subject: String,
    /// One sentence that names the subject.
    #[schema(example = "broker 1 (127.0.0.1:19092): connection refused")]
    pub text: String,
    /// When that was observed; null if nothing was.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub observed_at: Option<Timestamp>,
    /// Ids of brokers that are down, when that alone explains it; empty otherwise.
    pub explained_by: Vec<i32>,
}

/// Where something holds, or does not.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionSum {
    /// Partitions of all topics; 0: it holds nowhere.
    pub partitions: usize,
    /// The topics that have some of them.
    pub topics: Vec<String>,
}

/// One check.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// The worst of its reasons.
    pub status: Status,
    /// When its newest data was observed; null if nothing was.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub observed_at: Option<Timestamp>,
    /// Some of its data is older than its age limit.
    pub stale: bool,
}

/// One broker.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerStatus {
    /// `broker.id` / `node.id`.
    pub broker_id: i32,
    /// Advertised host; null until the broker was seen in the cluster once.
    #[schema(required = true)]
    pub host: Option<String>,
    /// Advertised port; null until the broker was seen in the cluster once.
    #[schema(required = true)]
    pub port: Option<u16>,
    /// `broker.rack`; null where it has none, or that is not known.
    #[schema(required = true)]
    pub rack: Option<String>,
    /// Known to answer, and counted in by the cluster.
    pub healthy: bool,
    /// Why it is not healthy; null when it is.
    #[schema(required = true, example = "connection refused")]
    pub error_message: Option<String>,
    /// When its newest probe ended; null before the first.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub observed_at: Option<Timestamp>,
    /// When it last answered; null if it never did.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub last_answer_at: Option<Timestamp>,
    /// It was probed, but too long ago.
    pub stale: bool,
    /// What its JMX agent says; absent where none is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jmx: Option<JmxReport>,
}

/// What the JMX agent of a broker says.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JmxReport {
    /// Why it did not answer when it was last asked; null if it did.
    #[schema(required = true)]
    pub error_message: Option<String>,
    /// When it was last asked.
    #[serde(with = "service_kit::time::millis")]
    pub observed_at: Timestamp,
    /// Its broker takes itself for the controller; null where that is not known.
    #[schema(required = true)]
    pub active_controller: Option<bool>,
    /// Partitions that its broker leads and that lack replicas; null where that is not known.
    #[schema(required = true)]
    pub under_replicated_partitions: Option<u64>,
    /// Partitions that its broker leads; null where that is not known.
    #[schema(required = true)]
    pub leaders: Option<u64>,
}

impl JmxReport {
    fn new(check: &AgentCheck) -> Self {
        let figures = check.outcome.as_ref().ok();
        Self {
            error_message: check.outcome.as_ref().err().cloned(),
            observed_at: check.at.time(),
            active_controller: figures.and_then(|figures| figures.active_controller),
            under_replicated_partitions: figures.and_then(|figures| figures.under_replicated),
            leaders: figures.and_then(|figures| figures.leaders),
        }
    }
}

/// One topic; the counts are those of the last reading, however old.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicHealth {
    /// Topic name.
    pub topic_name: String,
    /// Partitions.
    pub partition_count: usize,
    /// Replicas of each partition (of the first).
    pub replication_factor: usize,
    /// Partitions with fewer replicas in sync than assigned.
    pub under_replicated_partitions: usize,
    /// Partitions without a leader.
    pub offline_partitions: usize,
    /// Partitions with fewer replicas in sync than `min.insync.replicas`; null if not known.
    #[schema(required = true)]
    pub under_min_isr_partitions: Option<usize>,
    /// Partitions whose replicas all stand in one rack though there are several; null where the rack of a
    /// replica is not known.
    #[schema(required = true)]
    pub one_rack_partitions: Option<usize>,
    /// Partitions that are led by another replica than the preferred one.
    pub not_preferred_leader_partitions: usize,
    /// Kept by Kafka for itself.
    pub internal: bool,
    /// Read recently, and none of the above.
    pub healthy: bool,
}

/// One ZooKeeper node.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ZookeeperStatus {
    /// `host:port` as configured.
    pub address: String,
    /// Known to serve.
    pub healthy: bool,
    /// `leader`, `follower`, `observer` or `standalone`; null when not known to serve.
    #[schema(required = true, example = "follower")]
    pub mode: Option<&'static str>,
    /// It is part of a quorum; null when it does not answer.
    #[schema(required = true)]
    pub in_quorum: Option<bool>,
    /// Its own average time to answer a request, in milliseconds; null where it did not say.
    #[schema(required = true)]
    pub latency_average_ms: Option<f64>,
    /// Requests that wait in it; null where it did not say.
    #[schema(required = true)]
    pub outstanding_requests: Option<u64>,
    /// Clients that are connected; null where it did not say.
    #[schema(required = true)]
    pub connections: Option<u64>,
    /// Why it is not known to serve; null when healthy.
    #[schema(required = true)]
    pub error_message: Option<String>,
    /// When its newest check ended; null before the first.
    #[serde(with = "service_kit::time::millis::optional")]
    #[schema(required = true)]
    pub observed_at: Option<Timestamp>,
    /// It was checked, but too long ago.
    pub stale: bool,
}

/// To the millisecond.
fn seconds(duration: Option<Duration>) -> Option<f64> {
    duration.map(|duration| (duration.as_secs_f64() * 1e3).round() / 1e3)
}

impl HealthReport {
    /// Puts a snapshot and its judgement into words.
    #[must_use]
    pub fn new(snapshot: &Snapshot, judgement: &Judgement) -> Self {
        let controller = snapshot.controller.seen.as_ref();
        let controller = controller.map(|seen| &*seen.value);
        let brokers = judgement.brokers.iter().filter_map(|(id, verdict)| {
            let broker = snapshot.brokers.get(id)?;
            let rack = controller.and_then(|controller| controller.racks.get(id));
            let jmx = snapshot.jmx.get(id).and_then(|agent| agent.latest.as_ref());
            Some(BrokerStatus {
                jmx: jmx.map(JmxReport::new),
                ..BrokerStatus::new(broker, verdict, rack)
            })
        });
        let topics = judgement
            .topics
            .iter()
            .map(|(name, verdict)| (name.clone(), TopicHealth::new(name, verdict)));
        let zookeeper = judgement.zookeeper.iter().filter_map(|(address, verdict)| {
            let node = snapshot.zookeeper.get(address)?;
            Some(ZookeeperStatus::new(address, node, verdict))
        });
        Self {
            status: judgement.status,
            check_time: judgement.observed_at().map(Moment::time),
            total_brokers: judgement.brokers.len(),
            healthy_brokers: judgement.healthy_brokers(),
            controller_id: controller.and_then(|controller| controller.id),
            controller_changes: controller.map_or(0, |controller| controller.changes),
            reasons: judgement.reasons.iter().map(ReasonReport::new).collect(),
            writes_blocked: PartitionSum::of(judgement, |topic| topic.writes_blocked),
            reads_blocked: PartitionSum::of(judgement, |topic| Some(topic.offline)),
            at_risk: PartitionSum::of(judgement, |topic| topic.at_risk),
            checks: judgement
                .checks
                .iter()
                .map(|(check, verdict)| (*check, CheckReport::new(verdict)))
                .collect(),
            broker_statuses: brokers.collect(),
            topic_health: topics.collect(),
            consumer_group_health: groups::of(snapshot, judgement),
            zookeeper_statuses: zookeeper.collect(),
            canary: snapshot.canary.as_ref().map(CanaryReport::new),
            security: SecurityReport::new(snapshot, judgement.at.time()),
        }
    }
}

impl ReasonReport {
    fn new(reason: &Reason) -> Self {
        Self {
            code: reason.code,
            severity: reason.severity,
            check: reason.check,
            subject: reason.subject.clone(),
            text: reason.text.clone(),
            observed_at: reason.observed_at.map(Moment::time),
            explained_by: reason.explained_by.iter().copied().collect(),
        }
    }
}

impl PartitionSum {
    fn of(judgement: &Judgement, each: fn(&TopicVerdict) -> Option<usize>) -> Option<Self> {
        if !judgement.knows_partitions() {
            return None;
        }
        let mut sum = Self {
            partitions: 0,
            topics: Vec::new(),
        };
        for (name, topic) in &judgement.topics {
            let partitions = each(topic)?;
            if partitions > 0 {
                sum.partitions += partitions;
                sum.topics.push(name.clone());
            }
        }
        Some(sum)
    }
}

impl CheckReport {
    fn new(verdict: &CheckVerdict) -> Self {
        Self {
            status: verdict.status,
            observed_at: verdict.observed_at.map(Moment::time),
            stale: verdict.stale,
        }
    }
}

impl BrokerStatus {
    fn new(broker: &Broker, verdict: &BrokerVerdict, rack: Option<&String>) -> Self {
        Self {
            broker_id: broker.id,
            host: broker.address.as_ref().map(|address| address.host.clone()),
            port: broker.address.as_ref().map(|address| address.port),
            rack: rack.cloned(),
            healthy: verdict.liveness.is_up(),
            error_message: verdict.liveness.trouble().map(str::to_owned),
            observed_at: verdict.observed_at.map(Moment::time),
            last_answer_at: broker.probes.last_answer.map(Moment::time),
            stale: verdict.stale,
            jmx: None,
        }
    }
}

impl TopicHealth {
    fn new(name: &str, verdict: &TopicVerdict) -> Self {
        Self {
            topic_name: name.to_owned(),
            partition_count: verdict.partitions,
            replication_factor: verdict.replication_factor,
            under_replicated_partitions: verdict.under_replicated,
            offline_partitions: verdict.offline,
            under_min_isr_partitions: verdict.under_min_in_sync,
            one_rack_partitions: verdict.one_rack,
            not_preferred_leader_partitions: verdict.not_preferred_leader,
            internal: verdict.internal,
            healthy: verdict.healthy,
        }
    }
}

impl ZookeeperStatus {
    fn new(address: &str, node: &ZookeeperNode, verdict: &NodeVerdict) -> Self {
        let mode = match verdict {
            NodeVerdict::Serving(mode) => Some(mode.name()),
            NodeVerdict::Down { .. }
            | NodeVerdict::Unauthenticated { .. }
            | NodeVerdict::Unknown { .. } => None,
        };
        let figures = node.figures();
        Self {
            address: address.to_owned(),
            healthy: mode.is_some(),
            mode,
            in_quorum: match verdict {
                NodeVerdict::Serving(_) => Some(true),
                NodeVerdict::Down { answers: true, .. } => Some(false),
                NodeVerdict::Down { .. }
                | NodeVerdict::Unauthenticated { .. }
                | NodeVerdict::Unknown { .. } => None,
            },
            latency_average_ms: figures.map(|one| one.latency_average.as_secs_f64() * 1e3),
            outstanding_requests: figures.map(|one| one.outstanding),
            connections: figures.map(|one| one.connections),
            error_message: verdict.trouble().map(str::to_owned),
            observed_at: node.latest.as_ref().map(|check| check.ended.time()),
            stale: verdict.stale(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::{Cluster, refused};
    use crate::rules::{Limits, judge};
    use crate::snapshot::{NodeCheck, NodeFigures, NodeState, ZookeeperMode};

    fn report(cluster: &Cluster) -> Value {
        let judgement = judge(&cluster.snapshot, cluster.now, &Limits::default());
        serde_json::to_value(HealthReport::new(&cluster.snapshot, &judgement)).unwrap()
    }

    fn text(moment: Moment) -> String {
        service_kit::time::to_text(moment.time())
    }

    #[test]
    fn a_healthy_cluster_has_every_member_of_the_contract() {
        let cluster = Cluster::healthy();
        let report = report(&cluster);
        let answered = text(cluster.now.plus(Duration::from_millis(3)));
        assert_eq!(report["status"], "HEALTHY");
        assert_eq!(report["checkTime"], answered);
        assert_eq!(
            (&report["totalBrokers"], &report["healthyBrokers"]),
            (&json!(3), &json!(3))
        );
        assert_eq!(report["reasons"], json!([]));
        assert_eq!(
            report["brokerStatuses"][0],
            json!({
                "brokerId": 1, "host": "127.0.0.1", "port": 19092, "rack": null, "healthy": true,
                "errorMessage": null, "observedAt": answered, "lastAnswerAt": answered,
                "stale": false
            })
        );
        assert_eq!(
            report["topicHealth"]["log-events"],
            json!({
                "topicName": "log-events", "partitionCount": 1, "replicationFactor": 3,
                "underReplicatedPartitions": 0, "offlinePartitions": 0,
                "underMinIsrPartitions": 0, "oneRackPartitions": null,
                "notPreferredLeaderPartitions": 0, "internal": false, "healthy": true
            })
        );
        assert_eq!(
            report["checks"]["consumerGroups"],
            json!({ "status": "HEALTHY", "observedAt": text(cluster.now), "stale": false })
        );
        assert_eq!(report.get("zookeeperStatuses"), None);
    }

    #[test]
    fn a_broker_that_is_down_says_why_and_counts_in_the_total() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.broker(1).probes.record(refused(now));
        let report = report(&cluster);
        assert_eq!(report["status"], "DEGRADED");
        assert_eq!(
            (&report["totalBrokers"], &report["healthyBrokers"]),
            (&json!(3), &json!(2))
        );
        assert_eq!(report["brokerStatuses"][0]["healthy"], false);
        assert_eq!(
            report["brokerStatuses"][0]["errorMessage"],
            "connection refused"
        );
        let reason = &report["reasons"][0];
        assert_eq!(reason["code"], "broker_down");
        assert_eq!(reason["severity"], "DEGRADED");
        assert_eq!(reason["check"], "brokers");
        assert_eq!(
            reason["text"],
            "broker 1 (127.0.0.1:19092): connection refused"
        );
        assert!(reason["observedAt"].is_string());
    }

    #[test]
    fn a_broker_never_seen_has_neither_host_nor_port() {
        let cluster = Cluster {
            snapshot: Snapshot::expecting(&[7], &[]),
            now: Moment::now(),
        };
        let report = report(&cluster);
        assert_eq!(report["status"], "UNKNOWN");
        assert_eq!(report["checkTime"], Value::Null);
        let broker = &report["brokerStatuses"][0];
        assert_eq!(
            (&broker["host"], &broker["port"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(broker["healthy"], false);
        assert!(broker["errorMessage"].is_string());
    }

    #[test]
    fn zookeeper_nodes_are_shown_where_they_are_configured() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        let mut add = |address: &str, state| {
            let check = NodeCheck {
                began: now,
                ended: now,
                outcome: Ok(state),
                figures: Some(NodeFigures {
                    latency_average: Duration::from_micros(1_500),
                    latency_most: Duration::from_millis(20),
                    outstanding: 3,
                    connections: 4,
                }),
            };
            let node = cluster
                .snapshot
                .zookeeper
                .entry(address.to_owned())
                .or_default();
            node.record(check);
        };
        add("a:2181", NodeState::Serving(ZookeeperMode::Leader));
        add("b:2181", NodeState::NotServing);
        cluster
            .snapshot
            .zookeeper
            .insert("c:2181".to_owned(), ZookeeperNode::default());
        let report = report(&cluster);
        assert_eq!(
            report["zookeeperStatuses"][0],
            json!({
                "address": "a:2181", "healthy": true, "mode": "leader", "inQuorum": true,
                "latencyAverageMs": 1.5, "outstandingRequests": 3, "connections": 4,
                "errorMessage": null, "observedAt": text(now), "stale": false
            })
        );
        assert_eq!(report["zookeeperStatuses"][1]["inQuorum"], false);
        assert_eq!(report["zookeeperStatuses"][2]["inQuorum"], Value::Null);
        assert_eq!(report["zookeeperStatuses"][2]["healthy"], false);
    }
}
