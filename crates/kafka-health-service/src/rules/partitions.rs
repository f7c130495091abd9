//! Does every partition have its leader and its replicas?
//!
//! Offline (no leader) or fewer in-sync replicas than `min.insync.replicas` is CRITICAL: nothing
//! can be read or written there, or writes with `acks=all` are refused. Fewer in-sync replicas
//! than assigned is DEGRADED.

use std::collections::{BTreeMap, BTreeSet};

use kafka_cluster::PartitionMetadata;

use super::{BrokerVerdict, Check, CheckVerdict, Limits, Reason, Status};
use crate::moment::Moment;
use crate::snapshot::{
    Freshness, Leaderless, Partition, Seen, Snapshot, Topic, TopicSettings, Topics,
};

/// One topic, judged. Counts are those of the last reading, however old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicVerdict {
    /// Partitions in all.
    pub partitions: usize,
    /// Replicas of the first partition.
    pub replication_factor: usize,
    /// Kept by Kafka for itself.
    pub internal: bool,
    /// Partitions with fewer replicas in sync than assigned.
    pub under_replicated: usize,
    /// Partitions without a leader.
    pub offline: usize,
    /// Partitions with fewer replicas in sync than the topic demands; `None` when that decides
    /// and the demand is not known.
    pub under_min_in_sync: Option<usize>,
    /// Partitions with just as many replicas in sync as the topic demands; `None` when a demand is
    /// not known.
    pub at_min_in_sync: Option<usize>,
    /// Partitions that nobody can write to with `acks=all`: without a leader, or with fewer replicas in
    /// sync than demanded. `None` when that decides and the demand is not known.
    pub writes_blocked: Option<usize>,
    /// Under-replicated partitions that would refuse writes if they lost one more replica, or that would
    /// be offline. `None` when that decides and the demand is not known.
    pub at_risk: Option<usize>,
    /// Partitions that are led by another replica than the first one of their assignment.
    pub not_preferred_leader: usize,
    /// Partitions whose replicas all stand in one rack though there are several; `None` where the rack of a
    /// replica is not known.
    pub one_rack: Option<usize>,
    /// Recently observed, each with its leader and all its replicas in sync.
    pub healthy: bool,
}

/// All partitions, judged.
pub(super) struct Verdict {
    pub check: CheckVerdict,
    pub reasons: Vec<Reason>,
    pub topics: BTreeMap<String, TopicVerdict>,
}

pub(super) fn judge(
    snapshot: &Snapshot,
    brokers: &BTreeMap<i32, BrokerVerdict>,
    now: Moment,
    limits: &Limits,
) -> Verdict {
    let min_in_sync = snapshot.topic_settings.fresh(now, limits.settings_age);
    let racks = snapshot.controller.seen.as_ref();
    let racks = racks.map(|seen| &seen.value.racks);
    let failure = snapshot
        .topics
        .attempts
        .failure
        .as_ref()
        .map(|failure| failure.message.as_str());
    match snapshot.topics.freshness(now, limits.metadata_age) {
        Freshness::Missing => {
            let text = with_cause("topics were not read yet", failure);
            let at = snapshot
                .topics
                .attempts
                .failure
                .as_ref()
                .map(|failure| failure.at);
            let reason = reason(Status::Unknown, "partitions_unknown", at, text);
            Verdict {
                check: CheckVerdict::of(std::slice::from_ref(&reason), None, false),
                reasons: vec![reason],
                topics: BTreeMap::new(),
            }
        }
        Freshness::Stale(seen) => {
            let text = format!("topics were last read at {:.3}", seen.at.time());
            let text = with_cause(&text, failure);
            let reason = reason(Status::Unknown, "partitions_stale", Some(seen.at), text);
            Verdict {
                check: CheckVerdict::of(std::slice::from_ref(&reason), Some(seen.at), true),
                reasons: vec![reason],
                topics: judge_topics(&seen.value, min_in_sync, racks, false),
            }
        }
        Freshness::Fresh(seen) => {
            let topics = judge_topics(&seen.value, min_in_sync, racks, true);
            let reasons: Vec<_> = [
                offline(seen, brokers, now, limits),
                under_min_in_sync(seen, brokers, min_in_sync),
                min_in_sync_unknown(seen, &topics),
                under_replicated(seen, brokers),
                silent_leaders(seen, brokers),
            ]
            .into_iter()
            .flatten()
            .collect();
            Verdict {
                check: CheckVerdict::of(&reasons, Some(seen.at), false),
                reasons,
                topics,
            }
        }
    }
}

fn judge_topics(
    topics: &Topics,
    min_in_sync: Option<&TopicSettings>,
    racks: Option<&BTreeMap<i32, String>>,
    fresh: bool,
) -> BTreeMap<String, TopicVerdict> {
    let judge_one = |(name, topic): (&String, &Topic)| {
        let demand = demand(name, min_in_sync);
        let count = |wanted: fn(&Partition) -> bool| {
            topic
                .partitions
                .iter()
                .filter(|partition| wanted(partition))
                .count()
        };
        let under_replicated = count(is_under_replicated);
        let offline = count(|partition| partition.leaderless.is_some());
        let count_known = |wanted: fn(&Partition, Option<usize>) -> Option<bool>| {
            let known = topic.partitions.iter().map(|one| wanted(one, demand));
            known
                .map(|wanted| wanted.map(usize::from))
                .sum::<Option<usize>>()
        };
        let verdict = TopicVerdict {
            partitions: topic.partitions.len(),
            replication_factor: topic.replication_factor,
            internal: topic.internal,
            under_replicated,
            offline,
            under_min_in_sync: count_known(is_under_min_in_sync),
            at_min_in_sync: count_known(is_at_min_in_sync),
            writes_blocked: count_known(is_write_blocked),
            at_risk: count_known(is_at_risk),
            one_rack: one_rack(topic, racks),
            not_preferred_leader: count(|partition| partition.metadata.led_by_another()),
            healthy: fresh && under_replicated == 0 && offline == 0,
        };
        (name.clone(), verdict)
    };
    topics.by_name.iter().map(judge_one).collect()
}

/// How many partitions of several replicas stand in one rack.
fn one_rack(topic: &Topic, racks: Option<&BTreeMap<i32, String>>) -> Option<usize> {
    let partitions = topic.partitions.iter();
    let in_one = |partition: &Partition| is_in_one_rack(partition, racks).map(usize::from);
    partitions.map(in_one).sum()
}

/// `None` where the rack of a replica is not known.
fn is_in_one_rack(partition: &Partition, racks: Option<&BTreeMap<i32, String>>) -> Option<bool> {
    let racks = racks?;
    let first = racks.values().next();
    if racks.values().all(|rack| Some(rack) == first) {
        return Some(false);
    }
    let replicas = &partition.metadata.replicas;
    let stand = replicas.iter().map(|id| racks.get(id));
    let stand = stand.collect::<Option<BTreeSet<_>>>()?;
    Some(replicas.len() > 1 && stand.len() == 1)
}

/// What may be wrong with a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartitionProblem {
    /// It has no leader.
    Offline,
    /// It has fewer replicas in sync than assigned.
    UnderReplicated,
    /// It has fewer replicas in sync than `min.insync.replicas`.
    UnderMinIsr,
    /// It has just as many replicas in sync as `min.insync.replicas`.
    AtMinIsr,
    /// Another replica leads it than the preferred one.
    NotPreferredLeader,
    /// Its replicas all stand in one rack though there are several.
    OneRack,
}

impl PartitionProblem {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Offline,
        Self::UnderReplicated,
        Self::UnderMinIsr,
        Self::AtMinIsr,
        Self::NotPreferredLeader,
        Self::OneRack,
    ];

    /// Its name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::UnderReplicated => "under_replicated",
            Self::UnderMinIsr => "under_min_isr",
            Self::AtMinIsr => "at_min_isr",
            Self::NotPreferredLeader => "not_preferred_leader",
            Self::OneRack => "one_rack",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|problem| problem.name() == name)
    }
}

/// One partition, judged.
#[derive(Debug)]
pub struct PartitionVerdict<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// As metadata shows it.
    pub partition: &'a PartitionMetadata,
    /// `min.insync.replicas`, where it is known.
    pub demand: Option<usize>,
    /// What is wrong with it, as far as it is known.
    pub problems: Vec<PartitionProblem>,
}

/// Every partition as last seen, in the order of topic and id.
pub fn partitions<'a>(
    snapshot: &'a Snapshot,
    judgement: &super::Judgement,
) -> impl Iterator<Item = PartitionVerdict<'a>> {
    let settings = snapshot
        .topic_settings
        .fresh(judgement.at, judgement.limits.settings_age);
    let controller = snapshot.controller.seen.as_ref();
    let racks = controller.map(|seen| &seen.value.racks);
    let topics = snapshot.topics.seen.iter();
    topics
        .flat_map(|seen| seen.value.partitions())
        .map(move |(topic, partition)| {
            let demand = demand(topic, settings);
            let has = |problem| match problem {
                PartitionProblem::Offline => partition.leaderless.is_some(),
                PartitionProblem::UnderReplicated => is_under_replicated(partition),
                PartitionProblem::UnderMinIsr => {
                    is_under_min_in_sync(partition, demand) == Some(true)
                }
                PartitionProblem::AtMinIsr => is_at_min_in_sync(partition, demand) == Some(true),
                PartitionProblem::NotPreferredLeader => partition.metadata.led_by_another(),
                PartitionProblem::OneRack => is_in_one_rack(partition, racks) == Some(true),
            };
            PartitionVerdict {
                topic,
                partition: &partition.metadata,
                demand,
                problems: PartitionProblem::ALL
                    .into_iter()
                    .filter(|one| has(*one))
                    .collect(),
            }
        })
}

/// `min.insync.replicas` of a topic, where it is known.
pub(super) fn demand(topic: &str, min_in_sync: Option<&TopicSettings>) -> Option<usize> {
    min_in_sync.and_then(|settings| Some(settings.by_topic.get(topic)?.min_in_sync))
}

fn is_under_replicated(partition: &Partition) -> bool {
    partition.metadata.under_replicated()
}

/// `None` when the topic's demand decides and is not known. A demand above the number of replicas
/// is capped to it, as brokers do since Kafka 3.9.
fn is_under_min_in_sync(partition: &Partition, demand: Option<usize>) -> Option<bool> {
    let replicas = partition.metadata.replicas.len();
    let in_sync = partition.metadata.in_sync_replicas.len();
    if in_sync >= replicas {
        return Some(false);
    }
    demand.map(|demand| in_sync < demand.min(replicas))
}

fn is_at_min_in_sync(partition: &Partition, demand: Option<usize>) -> Option<bool> {
    let replicas = partition.metadata.replicas.len();
    let in_sync = partition.metadata.in_sync_replicas.len();
    demand.map(|demand| in_sync == demand.min(replicas))
}

fn is_write_blocked(partition: &Partition, demand: Option<usize>) -> Option<bool> {
    if partition.leaderless.is_some() {
        return Some(true);
    }
    is_under_min_in_sync(partition, demand)
}

fn is_at_risk(partition: &Partition, demand: Option<usize>) -> Option<bool> {
    if !is_under_replicated(partition) || partition.leaderless.is_some() {
        return Some(false);
    }
    if partition.metadata.in_sync_replicas.len() == 1 {
        return Some(true);
    }
    is_at_min_in_sync(partition, demand)
}

/// A partition that was just made and never had a leader is passed over until the limit.
fn offline(
    seen: &Seen<Topics>,
    brokers: &BTreeMap<i32, BrokerVerdict>,
    now: Moment,
    limits: &Limits,
) -> Option<Reason> {
    let count = |wanted: &dyn Fn(Leaderless) -> bool| {
        by_topic(&seen.value, |_, partition| {
            partition.leaderless.is_some_and(wanted)
        })
    };
    let at = Some(seen.at);
    if let Some(which) = count(&|leaderless| leaderless.since.age(now) >= limits.offline_after) {
        let text = format!("{which} without a leader: nothing can be read or written there");
        let offline = |_: &str, partition: &Partition| partition.leaderless.is_some();
        let cause = cause(&seen.value, brokers, offline, |partition| {
            partition.in_sync_replicas.clone()
        });
        let reason = reason(Status::Critical, "partitions_offline", at, text);
        return Some(reason.explained_by(cause));
    }
    let which = count(&|leaderless| !leaderless.newborn)?;
    let text = format!("{which} without a leader at the last reading");
    Some(reason(
        Status::Degraded,
        "partitions_without_leader",
        at,
        text,
    ))
}

fn under_min_in_sync(
    seen: &Seen<Topics>,
    brokers: &BTreeMap<i32, BrokerVerdict>,
    min_in_sync: Option<&TopicSettings>,
) -> Option<Reason> {
    let under = |topic: &str, partition: &Partition| {
        is_under_min_in_sync(partition, demand(topic, min_in_sync)) == Some(true)
    };
    let which = by_topic(&seen.value, under)?;
    let cause = cause(&seen.value, brokers, under, missing_replicas);
    let text = format!(
        "{which} with fewer in-sync replicas than min.insync.replicas: writes with acks=all are refused there"
    );
    let at = Some(seen.at);
    let reason = reason(Status::Critical, "partitions_under_min_isr", at, text);
    Some(reason.explained_by(cause))
}

fn min_in_sync_unknown(
    seen: &Seen<Topics>,
    topics: &BTreeMap<String, TopicVerdict>,
) -> Option<Reason> {
    let which = by_topic(&seen.value, |topic, partition| {
        topics
            .get(topic)
            .is_some_and(|verdict| verdict.under_min_in_sync.is_none())
            && is_under_replicated(partition)
    })?;
    let text = format!(
        "{which} under-replicated, and min.insync.replicas not known: writes may be refused there"
    );
    Some(reason(
        Status::Unknown,
        "min_isr_unknown",
        Some(seen.at),
        text,
    ))
}

fn under_replicated(seen: &Seen<Topics>, brokers: &BTreeMap<i32, BrokerVerdict>) -> Option<Reason> {
    let under = |_: &str, partition: &Partition| is_under_replicated(partition);
    let which = by_topic(&seen.value, under)?;
    let cause = cause(&seen.value, brokers, under, missing_replicas);
    let text = format!("{which} under-replicated");
    let at = Some(seen.at);
    let reason = reason(Status::Degraded, "partitions_under_replicated", at, text);
    Some(reason.explained_by(cause))
}

/// Metadata names a broker as a leader until the cluster has noticed that it is gone (for a killed
/// broker, when its ZooKeeper session ends).
fn silent_leaders(seen: &Seen<Topics>, brokers: &BTreeMap<i32, BrokerVerdict>) -> Option<Reason> {
    let silent = |_: &str, partition: &Partition| {
        let leader = partition.metadata.leader;
        leader.is_some_and(|leader| is_down(brokers, leader))
    };
    let which = by_topic(&seen.value, silent)?;
    let cause = cause(&seen.value, brokers, silent, |partition| {
        partition.leader.into_iter().collect()
    });
    let text = format!("{which} still led by a broker that does not answer");
    let reason = reason(Status::Degraded, "leaders_silent", Some(seen.at), text);
    Some(reason.explained_by(cause))
}

fn is_down(brokers: &BTreeMap<i32, BrokerVerdict>, id: i32) -> bool {
    brokers
        .get(&id)
        .is_some_and(|broker| broker.liveness.is_down())
}

fn missing_replicas(partition: &PartitionMetadata) -> Vec<i32> {
    let missing = partition.replicas.iter().copied();
    missing
        .filter(|id| !partition.in_sync_replicas.contains(id))
        .collect()
}

/// The brokers that are down and explain what is wrong with *all* partitions that are `affected`:
/// `by` gives those that a partition suffers from. Empty when something else plays a part.
fn cause(
    topics: &Topics,
    brokers: &BTreeMap<i32, BrokerVerdict>,
    affected: impl Fn(&str, &Partition) -> bool,
    by: impl Fn(&PartitionMetadata) -> Vec<i32>,
) -> BTreeSet<i32> {
    let mut cause = BTreeSet::new();
    for (topic, partition) in topics.partitions() {
        if affected(topic, partition) {
            let by = by(&partition.metadata);
            if by.is_empty() || !by.iter().all(|id| is_down(brokers, *id)) {
                return BTreeSet::new();
            }
            cause.extend(by);
        }
    }
    cause
}

/// "14 partitions (orders 12, payments 2)", the topics with most of them first; `None` if there
/// are none.
fn by_topic(topics: &Topics, wanted: impl Fn(&str, &Partition) -> bool) -> Option<String> {
    const NAMED: usize = 5;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (topic, partition) in topics.partitions() {
        if wanted(topic, partition) {
            *counts.entry(topic).or_default() += 1;
        }
    }
    let total: usize = counts.values().sum();
    if total == 0 {
        return None;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut named: Vec<_> = counts
        .iter()
        .take(NAMED)
        .map(|(topic, count)| format!("{topic} {count}"))
        .collect();
    if counts.len() > NAMED {
        named.push(format!("{} more topics", counts.len() - NAMED));
    }
    let noun = if total == 1 {
        "partition"
    } else {
        "partitions"
    };
    Some(format!("{total} {noun} ({})", named.join(", ")))
}

fn with_cause(text: &str, cause: Option<&str>) -> String {
    match cause {
        Some(cause) => format!("{text}: {cause}"),
        None => text.to_owned(),
    }
}

fn reason(severity: Status, code: &'static str, at: Option<Moment>, text: String) -> Reason {
    Check::Partitions.reason(severity, code, at, text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kafka_cluster::TopicMetadata;

    use super::*;
    use crate::fixtures::{Cluster, refused, topic};
    use crate::snapshot::Controller;

    const FULL: (Option<i32>, &[i32], &[i32]) = (Some(1), &[1, 2, 3], &[1, 2, 3]);

    fn judged(cluster: &Cluster) -> Verdict {
        let limits = Limits::default();
        let brokers = super::super::brokers::judge(&cluster.snapshot, cluster.now, &limits);
        judge(&cluster.snapshot, &brokers.verdicts, cluster.now, &limits)
    }

    fn codes(verdict: &Verdict) -> Vec<&str> {
        verdict.reasons.iter().map(|reason| reason.code).collect()
    }

    fn with(topics: &[TopicMetadata]) -> Cluster {
        let mut cluster = Cluster::healthy();
        cluster.show(topics);
        cluster
    }

    #[test]
    fn full_replicas_and_leaders_are_healthy() {
        let verdict = judged(&with(&[topic("orders", &[FULL, FULL])]));
        assert_eq!(verdict.check.status, Status::Healthy);
        assert!(verdict.topics["orders"].healthy);
        assert_eq!(verdict.topics["orders"].replication_factor, 3);
    }

    #[test]
    fn under_replicated_is_degraded_and_names_the_topics() {
        let verdict = judged(&with(&[
            topic("orders", &[(Some(2), &[1, 2, 3], &[2, 3]), FULL]),
            topic(
                "payments",
                &[
                    (Some(2), &[1, 2, 3], &[2, 3]),
                    (Some(2), &[1, 2, 3], &[2, 3]),
                ],
            ),
        ]));
        assert_eq!(verdict.check.status, Status::Degraded);
        assert_eq!(codes(&verdict), ["partitions_under_replicated"]);
        assert_eq!(
            verdict.reasons[0].text,
            "3 partitions (payments 2, orders 1) under-replicated"
        );
        assert!(!verdict.topics["orders"].healthy);
    }

    #[test]
    fn fewer_in_sync_replicas_than_demanded_is_critical() {
        let verdict = judged(&with(&[topic("orders", &[(Some(2), &[1, 2, 3], &[2])])]));
        assert_eq!(verdict.check.status, Status::Critical);
        assert_eq!(codes(&verdict)[0], "partitions_under_min_isr");
        assert_eq!(verdict.topics["orders"].under_min_in_sync, Some(1));
    }

    #[test]
    fn a_demand_above_the_number_of_replicas_is_capped() {
        let verdict = judged(&with(&[topic("orders", &[(Some(2), &[2], &[2])])]));
        assert_eq!(verdict.check.status, Status::Healthy);
    }

    #[test]
    fn under_replication_with_an_unknown_demand_is_unknown() {
        let mut cluster = with(&[topic("orders", &[(Some(2), &[1, 2, 3], &[2])])]);
        cluster.snapshot.topic_settings.seen = None;
        let verdict = judged(&cluster);
        assert_eq!(verdict.check.status, Status::Unknown);
        assert_eq!(
            codes(&verdict),
            ["min_isr_unknown", "partitions_under_replicated"]
        );
    }

    #[test]
    fn an_unknown_demand_does_not_matter_while_all_replicas_are_in_sync() {
        let mut cluster = with(&[topic("orders", &[FULL])]);
        cluster.snapshot.topic_settings.seen = None;
        assert_eq!(judged(&cluster).check.status, Status::Healthy);
    }

    #[test]
    fn a_partition_that_stays_without_leader_is_offline_and_critical() {
        let mut cluster = with(&[topic("orders", &[FULL])]);
        cluster.show(&[topic("orders", &[(None, &[1], &[1])])]);
        let first = judged(&cluster);
        assert_eq!(codes(&first), ["partitions_without_leader"]);
        assert_eq!(first.check.status, Status::Degraded);

        cluster.now = cluster.now.plus(Duration::from_secs(3));
        let second = judged(&cluster);
        assert_eq!(codes(&second), ["partitions_offline"]);
        assert_eq!(second.check.status, Status::Critical);
        assert!(second.reasons[0].text.starts_with("1 partition (orders 1)"));
    }

    #[test]
    fn a_topic_being_created_is_not_offline_for_its_first_moments() {
        let mut cluster = with(&[]);
        cluster.show(&[topic("orders", &[(None, &[1, 2, 3], &[1, 2, 3])])]);
        assert_eq!(judged(&cluster).check.status, Status::Healthy);
        cluster.now = cluster.now.plus(Duration::from_secs(3));
        assert_eq!(judged(&cluster).check.status, Status::Critical);
    }

    #[test]
    fn partitions_led_by_a_broker_that_is_down_are_told() {
        let mut cluster = with(&[topic("orders", &[FULL])]);
        let now = cluster.now;
        cluster.broker(1).probes.record(refused(now));
        let verdict = judged(&cluster);
        assert_eq!(codes(&verdict), ["leaders_silent"]);
        assert_eq!(verdict.check.status, Status::Degraded);
    }

    #[test]
    fn a_broker_that_is_down_explains_what_all_affected_partitions_lack() {
        let short: (Option<i32>, &[i32], &[i32]) = (Some(2), &[1, 2, 3], &[2, 3]);
        let mut cluster = with(&[topic("orders", &[short, FULL])]);
        assert!(judged(&cluster).reasons[0].explained_by.is_empty());
        let now = cluster.now;
        cluster.broker(1).probes.record(refused(now));
        let explained = judged(&cluster);
        assert_eq!(explained.reasons[0].code, "partitions_under_replicated");
        assert_eq!(explained.reasons[0].explained_by, BTreeSet::from([1]));

        // Broker 3 is up and out of sync: something else is wrong as well.
        cluster.show(&[topic("orders", &[short, (Some(2), &[1, 2, 3], &[1, 2])])]);
        let reasons = judged(&cluster).reasons;
        assert!(reasons[0].explained_by.is_empty(), "{reasons:?}");
    }

    #[test]
    fn partitions_are_counted_by_what_they_can_still_bear() {
        let verdict = judged(&with(&[topic(
            "orders",
            &[
                (Some(2), &[1, 2, 3], &[2, 3]),
                (Some(2), &[1, 2, 3], &[2]),
                (None, &[1, 2, 3], &[1]),
                FULL,
            ],
        )]));
        let orders = &verdict.topics["orders"];
        assert_eq!(orders.at_min_in_sync, Some(1));
        assert_eq!(orders.under_min_in_sync, Some(2));
        assert_eq!(orders.writes_blocked, Some(2));
        assert_eq!(orders.at_risk, Some(2));
        assert_eq!(orders.not_preferred_leader, 2);
        assert_eq!(orders.offline, 1);
    }

    #[test]
    fn old_metadata_is_unknown_and_says_why_it_is_old() {
        let mut cluster = with(&[topic("orders", &[FULL])]);
        let later = cluster.now.plus(Duration::from_secs(30));
        cluster
            .snapshot
            .topics
            .attempts
            .note(later, later, Err("Metadata: timed out".to_owned()));
        cluster.now = later;
        let verdict = judged(&cluster);
        assert_eq!(codes(&verdict), ["partitions_stale"]);
        assert_eq!(verdict.check.status, Status::Unknown);
        assert!(verdict.check.stale);
        assert!(verdict.reasons[0].text.ends_with(": Metadata: timed out"));
        assert!(!verdict.topics["orders"].healthy);
    }

    #[test]
    fn only_some_topics_are_named_and_the_rest_is_counted() {
        let short: (Option<i32>, &[i32], &[i32]) = (Some(2), &[1, 2, 3], &[2, 3]);
        let topics: Vec<_> = (0..7).map(|n| topic(&format!("t{n}"), &[short])).collect();
        let verdict = judged(&with(&topics));
        assert_eq!(
            verdict.reasons[0].text,
            "7 partitions (t0 1, t1 1, t2 1, t3 1, t4 1, 2 more topics) under-replicated"
        );
    }

    #[test]
    fn replicas_in_one_rack_are_counted_once_all_racks_are_known() {
        let mut cluster = Cluster::healthy();
        let spread = topic(
            "orders",
            &[(Some(1), &[1, 2], &[1, 2]), (Some(1), &[1, 3], &[1, 3])],
        );
        cluster.show(&[spread]);
        let one_rack = |cluster: &mut Cluster, racks: &[(i32, &str)]| {
            let racks = racks.iter().map(|(id, rack)| (*id, (*rack).to_owned()));
            let controller = Controller::next(None, Some(1), racks.collect(), cluster.now);
            cluster.snapshot.controller.publish(controller, cluster.now);
            judged(cluster).topics["orders"].one_rack
        };
        assert_eq!(judged(&cluster).topics["orders"].one_rack, None);
        let cluster = &mut cluster;
        assert_eq!(one_rack(cluster, &[(1, "a"), (2, "a"), (3, "b")]), Some(1));
        assert_eq!(one_rack(cluster, &[(1, "a"), (2, "b"), (3, "b")]), Some(0));
        assert_eq!(
            one_rack(cluster, &[(1, "a"), (2, "a"), (3, "a")]),
            Some(0),
            "one rack in all"
        );
        assert_eq!(
            one_rack(cluster, &[(1, "a"), (2, "b")]),
            None,
            "not known of 3"
        );
    }
}
