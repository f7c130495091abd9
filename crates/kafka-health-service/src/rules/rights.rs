//! May this service look at everything? What Kafka hides from it is missing from every other check
//! without a trace, so that a missing right makes the check that it is for UNKNOWN.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Check, Reason, Status};
use crate::moment::Moment;
use crate::snapshot::{Freshness, Right, Snapshot};

/// They are asked for once a minute.
const AGE: Duration = Duration::from_secs(185);

/// What is to be done about it.
const NEXT_STEP: &str = "give its principal the rights of kafka/acls.yml \
     (kafka-admin-service acls kafka/acls.yml, as a super user)";

/// What is told of a right that is missing: as what people know it, and in Kafka's words.
pub(super) fn reason(check: Check, right: &str, said: &str, at: Option<Moment>) -> Reason {
    let text = format!("health may not {right} ({said}): {NEXT_STEP}");
    let reason = check.reason(Status::Unknown, "permission_missing", at, text);
    reason.about(right)
}

/// The rights that are missing as far as that is known, with Kafka's words and when it said so.
pub(super) fn missing(snapshot: &Snapshot) -> BTreeMap<Right, (Moment, String)> {
    let mut missing = BTreeMap::new();
    if let Some(seen) = &snapshot.rights.seen {
        let told = seen.value.missing.iter();
        missing.extend(told.map(|(right, said)| (*right, (seen.at, said.clone()))));
    }
    let denials = snapshot.denials.iter();
    missing.extend(denials.map(|(right, denial)| (*right, (denial.at, denial.message.clone()))));
    let probes = snapshot.brokers.values();
    let denied = probes.filter_map(|broker| {
        let probe = broker.probes.latest.as_ref()?;
        let said = probe.answer.as_ref().ok()?.denied.as_ref()?;
        Some((Right::DescribeBrokerConfigs, (probe.ended, said.clone())))
    });
    missing.extend(denied);
    missing
}

/// One reason for each right that is missing. That none was asked for yet is told once there are topics,
/// which would be believed otherwise.
pub(super) fn judge(
    snapshot: &Snapshot,
    missing: &BTreeMap<Right, (Moment, String)>,
    now: Moment,
) -> Vec<Reason> {
    let of_right = |(right, (at, said)): (&Right, &(Moment, String))| {
        reason(check(*right), right.name(), said, Some(*at))
    };
    let mut reasons: Vec<_> = missing.iter().map(of_right).collect();
    if snapshot.topics.seen.is_some() {
        reasons.extend(unknown(snapshot, now));
    }
    reasons
}

fn unknown(snapshot: &Snapshot, now: Moment) -> Option<Reason> {
    let (at, text) = match snapshot.rights.freshness(now, AGE) {
        Freshness::Fresh(_) => return None,
        Freshness::Missing => {
            let text = "whether health may see all topics and groups was not found out yet";
            (None, text.to_owned())
        }
        Freshness::Stale(seen) => {
            let at = seen.at.time();
            let text = format!(
                "whether health may see all topics and groups was last found out at {at:.3}"
            );
            (Some(seen.at), text)
        }
    };
    let text = match &snapshot.rights.attempts.failure {
        Some(failure) => format!("{text}: {}", failure.message),
        None => text,
    };
    let reason = Check::Partitions.reason(Status::Unknown, "permission_unknown", at, text);
    Some(reason.about("rights of health"))
}

fn check(right: Right) -> Check {
    match right {
        Right::DescribeTopics | Right::DescribeTopicConfigs => Check::Partitions,
        Right::DescribeGroups => Check::ConsumerGroups,
        Right::DescribeBrokerConfigs => Check::Brokers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Cluster, denied};
    use crate::rules::{Judgement, Limits, judge as judge_all};
    use crate::snapshot::Rights;

    fn judged(cluster: &Cluster) -> Judgement {
        judge_all(&cluster.snapshot, cluster.now, &Limits::default())
    }

    fn without(right: Right) -> Cluster {
        let mut cluster = Cluster::healthy();
        let rights = Rights {
            missing: BTreeMap::from([(right, "Topic authorization failed".to_owned())]),
            ..Rights::default()
        };
        let now = cluster.now;
        cluster.snapshot.rights.publish(rights, now);
        cluster
    }

    #[test]
    fn a_missing_right_is_unknown_in_its_check_and_names_the_right_and_the_next_step() {
        for (right, check) in [
            (Right::DescribeTopics, Check::Partitions),
            (Right::DescribeTopicConfigs, Check::Partitions),
            (Right::DescribeGroups, Check::ConsumerGroups),
            (Right::DescribeBrokerConfigs, Check::Brokers),
        ] {
            let judgement = judged(&without(right));
            assert_eq!(judgement.status, Status::Unknown);
            assert_eq!(judgement.checks[&check].status, Status::Unknown);
            let reason = &judgement.reasons[0];
            assert_eq!((reason.code, reason.check), ("permission_missing", check));
            assert!(reason.text.contains(right.name()), "{}", reason.text);
            assert!(reason.text.contains("kafka/acls.yml"), "{}", reason.text);
        }
    }

    #[test]
    fn a_probe_that_is_denied_is_a_living_broker_and_a_missing_right() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.broker(2).probes.record(denied(now));
        let judgement = judged(&cluster);
        assert!(judgement.brokers[&2].liveness.is_up());
        let codes: Vec<_> = judgement.reasons.iter().map(|reason| reason.code).collect();
        assert_eq!(codes, ["permission_missing"]);
        assert_eq!(judgement.status, Status::Unknown);
    }

    #[test]
    fn a_refusal_that_a_collector_met_counts_until_it_needs_none() {
        let mut cluster = Cluster::healthy();
        let (now, needed) = (cluster.now, [Right::DescribeTopicConfigs]);
        let refusal = BTreeMap::from([(needed[0], "no".to_owned())]);
        cluster.snapshot.note_denials(&needed, refusal, now);
        assert_eq!(judged(&cluster).status, Status::Unknown);
        cluster.snapshot.note_denials(&needed, BTreeMap::new(), now);
        assert_eq!(judged(&cluster).status, Status::Healthy);
    }

    #[test]
    fn what_may_be_seen_is_not_believed_before_it_was_asked_nor_long_after() {
        let mut cluster = Cluster::healthy();
        cluster.snapshot.rights = crate::snapshot::Part::default();
        let judgement = judged(&cluster);
        assert_eq!(judgement.reasons[0].code, "permission_unknown");
        assert_eq!(judgement.status, Status::Unknown);
        assert_eq!(
            judge(&Snapshot::default(), &BTreeMap::new(), cluster.now),
            []
        );
        let cluster = Cluster::healthy();
        let later = cluster.now.plus(AGE + Duration::from_secs(1));
        let told = judge(&cluster.snapshot, &BTreeMap::new(), later);
        assert_eq!(told[0].code, "permission_unknown");
    }

    #[test]
    fn nothing_is_said_of_partitions_that_may_be_hidden() {
        let cluster = without(Right::DescribeTopics);
        let judgement = judged(&cluster);
        assert!(!judgement.knows_partitions());
        let stopped = [1].into();
        let impact = crate::rules::stop_impact(&cluster.snapshot, &judgement, &stopped);
        assert_eq!(impact.verdict, crate::rules::StopVerdict::Unknown);
    }
}
