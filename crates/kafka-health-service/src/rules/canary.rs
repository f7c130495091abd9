//! Can records be written, and read again? The canary tried.
//!
//! A partition whose records do not come for some seconds is DEGRADED, all of them CRITICAL: nobody can
//! write then; unless no broker lets this service in, or its own right is missing, which says nothing of
//! others. A record that was acknowledged and is gone is CRITICAL for a while: what must not happen did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{BrokerVerdict, Check, CheckVerdict, Liveness, Reason, Status, rights};
use crate::moment::Moment;
use crate::snapshot::{CanaryPartition, CanaryRight, CanaryState, Snapshot};

/// A leader that is stopped is replaced within two seconds, measured; what takes longer is told.
const FAILING_AFTER: Duration = Duration::from_secs(5);
/// The canary waits so long for the cluster before its silence is told.
const PATIENCE: Duration = Duration::from_secs(60);
/// It looks at its records a few times a second.
const AGE: Duration = Duration::from_secs(10);
/// A loss is told for so long.
const LOSS_TOLD: Duration = Duration::from_secs(600);

/// The canary, judged; no check where none runs.
pub(super) struct Verdict {
    pub check: Option<CheckVerdict>,
    pub reasons: Vec<Reason>,
}

pub(super) fn judge(
    snapshot: &Snapshot,
    brokers: &BTreeMap<i32, BrokerVerdict>,
    now: Moment,
) -> Verdict {
    let Some(canary) = &snapshot.canary else {
        return Verdict {
            check: None,
            reasons: Vec::new(),
        };
    };
    let silent = silent(canary, now);
    let stale = canary.observed_at.is_some_and(|at| at.age(now) > AGE);
    let reasons = match silent {
        Some(reason) => vec![reason],
        None => {
            let mut reasons = denied(canary);
            // What is denied fails, too, and says nothing of others.
            if reasons.is_empty() {
                reasons = failing(canary, snapshot, brokers);
            }
            reasons.extend(lost(canary, now));
            reasons
        }
    };
    Verdict {
        check: Some(CheckVerdict::of(&reasons, canary.observed_at, stale)),
        reasons,
    }
}

/// Nothing recent is known of it.
fn silent(canary: &CanaryState, now: Moment) -> Option<Reason> {
    let (since, what) = match canary.observed_at {
        Some(at) if at.age(now) <= AGE => return None,
        Some(at) => (at, "has not looked at its records since"),
        None if canary.began.age(now) <= PATIENCE => return None,
        None => (canary.began, "has sent nothing since it was started at"),
    };
    let text = format!("the canary on {} {what} {:.3}", canary.topic, since.time());
    let text = match &canary.failure {
        Some(why) => format!("{text}: {why}"),
        None => text,
    };
    Some(Check::Canary.reason(Status::Unknown, "canary_silent", canary.observed_at, text))
}

/// One reason for each right that it lacks.
fn denied(canary: &CanaryState) -> Vec<Reason> {
    let of_right = |(right, said): (&CanaryRight, &String)| {
        let name = format!("{} topic {}", right.name(), canary.topic);
        rights::reason(Check::Canary, &name, said, canary.observed_at)
    };
    canary.denied.iter().map(of_right).collect()
}

fn is_failing(partition: &CanaryPartition) -> bool {
    let waits = partition
        .waiting
        .is_some_and(|waiting| waiting > FAILING_AFTER);
    waits || partition.why.is_some()
}

fn failing(
    canary: &CanaryState,
    snapshot: &Snapshot,
    brokers: &BTreeMap<i32, BrokerVerdict>,
) -> Vec<Reason> {
    let partitions = canary.partitions.iter();
    let failing: Vec<_> = partitions
        .filter(|(_, partition)| is_failing(partition))
        .collect();
    let down = |id: &i32| {
        let verdict = brokers.get(id);
        verdict.is_some_and(|broker| matches!(broker.liveness, Liveness::Down { .. }))
    };
    if !failing.is_empty() && failing.len() == canary.partitions.len() {
        let why = failing
            .iter()
            .find_map(|(_, partition)| partition.why.as_deref());
        let text = format!(
            "no record of the canary comes through {}: {}",
            canary.topic,
            why.unwrap_or("none is acknowledged and read")
        );
        let at = canary.observed_at;
        let let_in =
            |broker: &BrokerVerdict| !matches!(broker.liveness, Liveness::Unauthenticated { .. });
        let severity = match brokers.values().any(let_in) {
            true => Status::Critical,
            false => Status::Unknown,
        };
        let reason = Check::Canary.reason(severity, "canary_all_failing", at, text);
        let cause: BTreeSet<i32> = brokers.keys().filter(|id| down(id)).copied().collect();
        return vec![reason.explained_by(cause)];
    }
    let reason = |(id, partition): &(&i32, &CanaryPartition)| {
        let why = match (&partition.why, partition.waiting) {
            (Some(why), _) => why.clone(),
            (None, waiting) => format!(
                "a record waits since {:.1} s",
                waiting.unwrap_or_default().as_secs_f64()
            ),
        };
        let subject = format!("{}-{id} on broker {}", canary.topic, partition.leader);
        let text = format!("canary through {subject}: {why}");
        let at = canary.observed_at;
        let reason = Check::Canary.reason(Status::Degraded, "canary_failing", at, text);
        // Until the cluster gives it up, a replica that is down is waited for as well.
        let topics = snapshot.topics.seen.as_ref();
        let known = topics.and_then(|seen| seen.value.partition(&canary.topic, **id));
        let replicas = known.map_or(&[] as &[i32], |known| &known.metadata.replicas);
        let cause = replicas.iter().chain([&partition.leader]);
        let cause = cause.filter(|id| down(id)).copied().collect();
        reason.about(subject).explained_by(cause)
    };
    failing.iter().map(reason).collect()
}

fn lost(canary: &CanaryState, now: Moment) -> Option<Reason> {
    let newest = canary
        .partitions
        .values()
        .filter_map(|partition| partition.last_lost)
        .max()?;
    if newest.age(now) > LOSS_TOLD {
        return None;
    }
    let count: u64 = canary
        .partitions
        .values()
        .map(|partition| partition.lost)
        .sum();
    let text = format!(
        "{count} records of the canary on {} were acknowledged and are gone, the last at {:.3}",
        canary.topic,
        newest.time()
    );
    Some(Check::Canary.reason(Status::Critical, "canary_lost", Some(newest), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Cluster, distrusted, refused};
    use crate::rules::{Judgement, Limits};

    fn good(leader: i32, at: Moment) -> CanaryPartition {
        CanaryPartition {
            leader,
            last_good: Some(at),
            ..CanaryPartition::default()
        }
    }

    /// The healthy cluster with a canary on three partitions, each changed by `change`.
    fn cluster(change: impl Fn(i32, &mut CanaryPartition, Moment)) -> Cluster {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        let partitions = (0..3).map(|id| {
            let mut partition = good(id + 1, now);
            change(id, &mut partition, now);
            (id, partition)
        });
        let mut canary = CanaryState::began("canary", now);
        canary.show(partitions.collect(), BTreeMap::new(), now);
        cluster.snapshot.canary = Some(canary);
        cluster
    }

    fn judged(cluster: &Cluster, later_s: u64) -> Judgement {
        let now = cluster.now.plus(Duration::from_secs(later_s));
        crate::rules::judge(&cluster.snapshot, now, &Limits::default())
    }

    fn codes(judgement: &Judgement) -> Vec<&str> {
        let reasons = judgement.reasons.iter();
        let own = reasons.filter(|reason| reason.check == Check::Canary);
        own.map(|reason| reason.code).collect()
    }

    #[test]
    fn without_a_canary_there_is_no_check() {
        let judgement = judged(&Cluster::healthy(), 0);
        assert!(!judgement.checks.contains_key(&Check::Canary));
    }

    #[test]
    fn records_that_come_are_healthy_and_a_short_wait_is_too() {
        let cluster = cluster(|_, partition, _| partition.waiting = Some(Duration::from_secs(4)));
        let judgement = judged(&cluster, 0);
        assert_eq!(judgement.checks[&Check::Canary].status, Status::Healthy);
        assert_eq!(judgement.status, Status::Healthy);
    }

    #[test]
    fn one_partition_that_does_not_come_through_is_degraded_and_explained_by_its_leader() {
        let mut cluster = cluster(|id, partition, _| {
            if id == 1 {
                partition.waiting = Some(Duration::from_secs(6));
            }
        });
        let judgement = judged(&cluster, 0);
        assert_eq!(codes(&judgement), ["canary_failing"]);
        assert_eq!(judgement.status, Status::Degraded);
        assert_eq!(judgement.reasons[0].subject, "canary-1 on broker 2");
        assert!(judgement.reasons[0].explained_by.is_empty());

        let now = cluster.now;
        cluster.broker(2).probes.record(refused(now));
        let judgement = judged(&cluster, 0);
        let reasons = judgement.reasons.iter();
        let own = reasons
            .clone()
            .find(|reason| reason.code == "canary_failing");
        assert_eq!(own.unwrap().explained_by, BTreeSet::from([2]));
    }

    #[test]
    fn all_of_them_are_critical() {
        let cluster = cluster(|_, partition, _| partition.why = Some("NOT_ENOUGH_REPLICAS".into()));
        let judgement = judged(&cluster, 0);
        assert_eq!(codes(&judgement), ["canary_all_failing"]);
        assert_eq!(judgement.status, Status::Critical);
        assert!(judgement.reasons[0].text.ends_with("NOT_ENOUGH_REPLICAS"));
    }

    #[test]
    fn a_loss_is_critical_for_a_while() {
        let cluster = cluster(|id, partition, now| {
            if id == 0 {
                (partition.lost, partition.last_lost) = (2, Some(now));
            }
        });
        assert_eq!(codes(&judged(&cluster, 5)), ["canary_lost"]);
        assert_eq!(judged(&cluster, 5).status, Status::Critical);
        assert_eq!(codes(&judged(&cluster, 700)), ["canary_silent"]);
    }

    #[test]
    fn a_canary_that_no_broker_lets_in_says_nothing_of_others() {
        let why = || Some("wrong name or password".to_owned());
        let mut cluster = cluster(|_, partition, _| partition.why = why());
        assert_eq!(judged(&cluster, 0).status, Status::Critical);
        let now = cluster.now;
        for id in [1, 2, 3] {
            let probe = distrusted(now, "wrong name or password");
            cluster.broker(id).probes.record(probe);
        }
        assert_eq!(judged(&cluster, 3).status, Status::Unknown);
    }

    #[test]
    fn a_canary_without_its_rights_is_unknown_and_names_them_however_much_fails() {
        let mut cluster = cluster(|_, partition, _| partition.why = Some("denied".into()));
        let canary = cluster.snapshot.canary.as_mut().unwrap();
        canary.denied = BTreeMap::from([(CanaryRight::Write, "no".to_owned())]);
        let judgement = judged(&cluster, 0);
        assert_eq!(codes(&judgement), ["permission_missing"]);
        assert_eq!(judgement.status, Status::Unknown);
        let text = &judgement.reasons[0].text;
        assert!(
            text.starts_with("health may not Write to topic canary (no)"),
            "{text}"
        );
        assert!(text.contains("kafka/acls.yml"), "{text}");
    }

    #[test]
    fn a_canary_that_says_nothing_is_unknown() {
        let mut cluster = Cluster::healthy();
        let mut canary = CanaryState::began("canary", cluster.now);
        canary.failure = Some("no permission".to_owned());
        cluster.snapshot.canary = Some(canary);
        assert_eq!(codes(&judged(&cluster, 59)), [] as [&str; 0]);
        let judgement = judged(&cluster, 61);
        assert_eq!(codes(&judgement), ["canary_silent"]);
        assert_eq!(judgement.checks[&Check::Canary].status, Status::Unknown);
        let told = judgement
            .reasons
            .iter()
            .find(|reason| reason.code == "canary_silent");
        assert!(told.unwrap().text.ends_with(": no permission"));
    }
}
