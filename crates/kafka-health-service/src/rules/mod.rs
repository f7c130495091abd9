//! What the observations mean: pure functions over a snapshot and the time of the judgement.
//!
//! Each check gives a status and its reasons, and the cluster's status is the worst of them. What
//! was not observed, or too long ago, is [`Status::Unknown`], which no healthy rest hides.

mod brokers;
mod canary;
mod controller;
mod group_class;
mod group_time;
mod groups;
mod limits;
mod partitions;
mod rights;
mod status;
mod stop_impact;
mod witnesses;
mod zookeeper;

pub use brokers::{BrokerVerdict, Liveness};
pub use group_class::GroupClass;
pub use group_time::GroupTime;
pub use groups::{GroupVerdict, LagVerdict};
pub use limits::Limits;
pub use partitions::{PartitionProblem, PartitionVerdict, TopicVerdict, partitions};
pub use status::{Check, CheckVerdict, Reason, Status};
pub use stop_impact::{Affected, StopImpact, StopVerdict, stop_impact};
pub use zookeeper::NodeVerdict;

use std::collections::{BTreeMap, BTreeSet};

use crate::moment::Moment;
use crate::snapshot::{Right, Snapshot};

/// What a snapshot means at one moment.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// When it was judged.
    pub at: Moment,
    /// What it was judged by.
    pub limits: Limits,
    /// The worst status of all checks.
    pub status: Status,
    /// Why the status is not HEALTHY, worst first; empty when it is.
    pub reasons: Vec<Reason>,
    /// Each check by itself; those of ZooKeeper and of the canary only where they are configured.
    pub checks: BTreeMap<Check, CheckVerdict>,
    /// Every expected broker by id.
    pub brokers: BTreeMap<i32, BrokerVerdict>,
    /// Every topic by name, as last seen.
    pub topics: BTreeMap<String, TopicVerdict>,
    /// Every consumer group by id, as last seen.
    pub groups: BTreeMap<String, GroupVerdict>,
    /// Every ZooKeeper node by address.
    pub zookeeper: BTreeMap<String, NodeVerdict>,
    /// The rights that this service lacks, so that something may be hidden from it.
    pub missing_rights: BTreeSet<Right>,
}

impl Judgement {
    /// When the newest of what is judged here was observed; `None` before the first observation.
    /// That something did not answer is an observation too.
    #[must_use]
    pub fn observed_at(&self) -> Option<Moment> {
        let data = self.checks.values().filter_map(|check| check.observed_at);
        data.chain(self.reasons.iter().filter_map(|reason| reason.observed_at))
            .max()
    }

    /// Topics were read, not too long ago, and none may be hidden.
    #[must_use]
    pub fn knows_partitions(&self) -> bool {
        if self.missing_rights.contains(&Right::DescribeTopics) {
            return false;
        }
        let check = self.checks.get(&Check::Partitions);
        check.is_some_and(|check| !check.stale && check.observed_at.is_some())
    }

    /// Brokers known to be up.
    #[must_use]
    pub fn healthy_brokers(&self) -> usize {
        self.brokers
            .values()
            .filter(|broker| broker.liveness.is_up())
            .count()
    }
}

/// Judges `snapshot` at `now`.
#[must_use]
pub fn judge(snapshot: &Snapshot, now: Moment, limits: &Limits) -> Judgement {
    let mut brokers = brokers::judge(snapshot, now, limits);
    if let Some(reason) = controller::judge(&snapshot.controller, &brokers.verdicts, now) {
        brokers.check.status = brokers.check.status.max(reason.severity);
        brokers.reasons.push(reason);
    }
    for reason in witnesses::judge(snapshot, &brokers.verdicts, now) {
        brokers.check.status = brokers.check.status.max(reason.severity);
        brokers.reasons.push(reason);
    }
    let partitions = partitions::judge(snapshot, &brokers.verdicts, now, limits);
    let settings = snapshot.topic_settings.fresh(now, limits.settings_age);
    let groups = groups::judge(&snapshot.groups, settings, now, limits);
    let zookeeper = zookeeper::judge(&snapshot.zookeeper, now, limits);
    let canary = canary::judge(snapshot, &brokers.verdicts, now);

    let mut checks = BTreeMap::from([
        (Check::Brokers, brokers.check),
        (Check::Partitions, partitions.check),
        (Check::ConsumerGroups, groups.check),
    ]);
    checks.extend(zookeeper.check.map(|check| (Check::Zookeeper, check)));
    checks.extend(canary.check.map(|check| (Check::Canary, check)));
    let missing_rights = rights::missing(snapshot);
    let rights = rights::judge(snapshot, &missing_rights, now);
    for reason in &rights {
        let check = checks.get_mut(&reason.check);
        if let Some(check) = check {
            check.status = check.status.max(reason.severity);
        }
    }
    let status = checks
        .values()
        .map(|check| check.status)
        .max()
        .unwrap_or(Status::Unknown);
    let mut reasons: Vec<_> = [
        brokers.reasons,
        partitions.reasons,
        groups.reasons,
        zookeeper.reasons,
        canary.reasons,
        rights,
    ]
    .concat();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
    Judgement {
        at: now,
        limits: *limits,
        status,
        reasons,
        checks,
        brokers: brokers.verdicts,
        topics: partitions.topics,
        groups: groups.verdicts,
        zookeeper: zookeeper.verdicts,
        missing_rights: missing_rights.into_keys().collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fixtures::{Cluster, refused};
    use crate::snapshot::Snapshot;

    fn judged(snapshot: &Snapshot, now: Moment) -> Judgement {
        judge(snapshot, now, &Limits::default())
    }

    #[test]
    fn nothing_observed_is_unknown_without_a_time() {
        let judgement = judged(&Snapshot::default(), Moment::now());
        assert_eq!(judgement.status, Status::Unknown);
        assert_eq!(judgement.observed_at(), None);
        assert!(!judgement.reasons.is_empty());
    }

    #[test]
    fn a_failed_attempt_to_reach_kafka_is_an_observation() {
        let mut snapshot = Snapshot::default();
        let now = Moment::now();
        snapshot
            .topics
            .attempts
            .note(now, now, Err("no broker".to_owned()));
        assert_eq!(judged(&snapshot, now).observed_at(), Some(now));
    }

    #[test]
    fn a_cluster_in_order_is_healthy_without_reasons() {
        let cluster = Cluster::healthy();
        let judgement = judged(&cluster.snapshot, cluster.now);
        assert_eq!(judgement.reasons, []);
        assert_eq!(judgement.status, Status::Healthy);
        assert_eq!(judgement.healthy_brokers(), 3);
    }

    #[test]
    fn one_missing_part_is_not_hidden_by_a_healthy_rest() {
        let mut without_topics = Cluster::healthy();
        without_topics.snapshot.topics.seen = None;
        let mut without_groups = Cluster::healthy();
        without_groups.snapshot.groups.seen = None;
        let mut without_probes = Cluster::healthy();
        without_probes.broker(2).probes = crate::snapshot::Probes::default();
        for cluster in [without_topics, without_groups, without_probes] {
            let judgement = judged(&cluster.snapshot, cluster.now);
            assert_eq!(judgement.status, Status::Unknown, "{:?}", judgement.reasons);
        }
    }

    #[test]
    fn old_observations_are_unknown_and_never_healthy() {
        let cluster = Cluster::healthy();
        let later = cluster.now.plus(Duration::from_secs(3_600));
        let judgement = judged(&cluster.snapshot, later);
        assert_eq!(judgement.status, Status::Unknown);
        assert_eq!(judgement.healthy_brokers(), 0);
        assert!(judgement.checks.values().all(|check| check.stale));
        assert!(judgement.topics.values().all(|topic| !topic.healthy));
    }

    #[test]
    fn the_worst_reason_comes_first_and_gives_the_status() {
        let mut cluster = Cluster::healthy();
        for id in [1, 2, 3] {
            let now = cluster.now;
            cluster.broker(id).probes.record(refused(now));
        }
        cluster.snapshot.groups.seen = None;
        let judgement = judged(&cluster.snapshot, cluster.now);
        assert_eq!(judgement.status, Status::Critical);
        assert_eq!(judgement.reasons[0].severity, Status::Critical);
        let severities: Vec<_> = judgement.reasons.iter().map(|r| r.severity).collect();
        assert!(severities.contains(&Status::Unknown), "{severities:?}");
    }

    #[test]
    fn the_time_of_a_judgement_is_that_of_its_newest_observation() {
        let mut cluster = Cluster::healthy();
        let later = cluster.now.plus(Duration::from_secs(1));
        cluster.broker(3).probes.record(refused(later));
        let judgement = judged(&cluster.snapshot, later.plus(Duration::from_secs(1)));
        assert_eq!(
            judgement.observed_at(),
            Some(later.plus(Duration::from_millis(1)))
        );
    }
}
