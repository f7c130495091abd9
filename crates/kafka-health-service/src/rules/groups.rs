//! How far are the consumer groups behind?
//!
//! A large lag is the consumers' affair and does not change the status of the cluster, unless a
//! setting gives it a limit. Not knowing the lag does: it is UNKNOWN.

use std::collections::BTreeMap;

use super::group_class::{GroupClass, class_of};
use super::group_time::{GroupTime, time_of};
use super::{Check, CheckVerdict, Limits, Reason, Status};
use crate::moment::Moment;
use crate::snapshot::{Freshness, Group, Groups, Part, PartitionLag, TopicSettings};

/// One group, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupVerdict {
    /// Whether its lag is known.
    pub lag: LagVerdict,
    /// What kind of trouble it is in; `None` while its lag is not known.
    pub class: Option<GroupClass>,
    /// Its lag in time, as of the measurement.
    pub time: GroupTime,
    /// When its lag was measured.
    pub observed_at: Option<Moment>,
}

/// Whether a group's lag is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LagVerdict {
    /// Measured recently.
    Known,
    /// Measured once, too long ago.
    Stale,
    /// Never measured.
    Unknown,
}

/// All groups, judged.
pub(super) struct Verdict {
    pub check: CheckVerdict,
    pub reasons: Vec<Reason>,
    pub verdicts: BTreeMap<String, GroupVerdict>,
}

pub(super) fn judge(
    part: &Part<Groups>,
    settings: Option<&TopicSettings>,
    now: Moment,
    limits: &Limits,
) -> Verdict {
    let mut reasons = Vec::new();
    let (groups, whole_is_stale) = match part.freshness(now, limits.groups_age) {
        Freshness::Missing => (None, false),
        Freshness::Stale(seen) => (Some(seen), true),
        Freshness::Fresh(seen) => (Some(seen), false),
    };
    reasons.extend(incomplete(part, now, limits));

    let mut verdicts = BTreeMap::new();
    for (id, group) in groups.iter().flat_map(|seen| &seen.value.by_id) {
        let verdict = judge_one(group, settings, now, limits);
        if !whole_is_stale {
            reasons.extend(reasons_for(id, group, &verdict, now, limits));
        }
        verdicts.insert(id.clone(), verdict);
    }
    let stale = whole_is_stale
        || verdicts
            .values()
            .any(|group| group.lag == LagVerdict::Stale);
    Verdict {
        check: CheckVerdict::of(&reasons, groups.map(|seen| seen.at), stale),
        reasons,
        verdicts,
    }
}

/// Groups may be missing from the list.
fn incomplete(part: &Part<Groups>, now: Moment, limits: &Limits) -> Option<Reason> {
    let complete_at = part.seen.as_ref().and_then(|seen| seen.value.complete_at);
    let (code, text) = match complete_at {
        Some(at) if at.age(now) <= limits.groups_age => return None,
        Some(at) => {
            let text = format!(
                "consumer groups were last listed in full at {:.3}",
                at.time()
            );
            ("groups_stale", text)
        }
        None => (
            "groups_unknown",
            "consumer groups were not listed in full yet".to_owned(),
        ),
    };
    let text = match &part.attempts.failure {
        Some(failure) => format!("{text}: {}", failure.message),
        None => text,
    };
    Some(Check::ConsumerGroups.reason(Status::Unknown, code, complete_at, text))
}

fn judge_one(
    group: &Group,
    settings: Option<&TopicSettings>,
    now: Moment,
    limits: &Limits,
) -> GroupVerdict {
    let lag = match group.measured_at {
        None => LagVerdict::Unknown,
        Some(at) if at.age(now) > limits.groups_age => LagVerdict::Stale,
        Some(_) => LagVerdict::Known,
    };
    GroupVerdict {
        lag,
        class: (lag == LagVerdict::Known).then(|| class_of(group, now)),
        time: time_of(group, settings),
        observed_at: group.measured_at,
    }
}

fn reasons_for(
    id: &str,
    group: &Group,
    verdict: &GroupVerdict,
    now: Moment,
    limits: &Limits,
) -> Vec<Reason> {
    let at = verdict.observed_at;
    let reason = |severity, code, text| {
        Check::ConsumerGroups
            .reason(severity, code, at, text)
            .about(id)
    };
    if verdict.lag != LagVerdict::Known {
        let why = group
            .failure
            .as_deref()
            .unwrap_or("it was not measured again");
        let text = format!("lag of consumer group {id:?} is not known: {why}");
        return vec![reason(Status::Unknown, "group_lag_unknown", text)];
    }
    let mut reasons = Vec::new();
    let unknown = long_unknown(group, now, limits);
    if let Some((count, first, why)) = unknown {
        let text = format!(
            "lag of consumer group {id:?} is not known on {count} of {} partitions, {first} first: {why}",
            group.partitions.len()
        );
        reasons.push(reason(Status::Unknown, "group_lag_incomplete", text));
    }
    if let (Some(limit), Some(lag)) = (limits.lag, group.known_lag())
        && lag > limit
    {
        let text = format!("consumer group {id:?} is {lag} records behind, more than {limit}");
        reasons.push(reason(Status::Degraded, "group_lag_high", text));
    }
    reasons
}

/// Partitions whose lag could not be measured for longer than the age limit: how many, the first,
/// and why.
fn long_unknown(group: &Group, now: Moment, limits: &Limits) -> Option<(usize, String, String)> {
    let mut unknown = group
        .partitions
        .iter()
        .filter_map(|(partition, lag)| match lag {
            PartitionLag::Unknown { why, since } if since.age(now) > limits.groups_age => {
                let name = format!("{}-{}", partition.topic, partition.partition);
                Some((name, why.clone()))
            }
            _ => None,
        });
    let (first, why) = unknown.next()?;
    Some((1 + unknown.count(), first, why))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kafka_cluster::{GroupState, Lag, TopicPartition};

    use super::*;

    fn measured(lag: u64, at: Moment) -> Group {
        let partition = TopicPartition::new("orders", 0);
        Group {
            partitions: BTreeMap::from([(partition, PartitionLag::Measured(Lag::Known(lag)))]),
            measured_at: Some(at),
            ..Group::in_state(GroupState::Stable)
        }
    }

    fn part(group: Group, at: Moment) -> Part<Groups> {
        let mut part = Part::default();
        let by_id = BTreeMap::from([("billing".to_owned(), group)]);
        part.publish(
            Groups {
                by_id,
                complete_at: Some(at),
            },
            at,
        );
        part
    }

    fn judge(part: &Part<Groups>, now: Moment, limits: &Limits) -> Verdict {
        super::judge(part, None, now, limits)
    }

    fn codes(verdict: &Verdict) -> Vec<&str> {
        verdict.reasons.iter().map(|reason| reason.code).collect()
    }

    #[test]
    fn a_large_lag_alone_is_healthy() {
        let now = Moment::now();
        let verdict = judge(
            &part(measured(1_000_000, now), now),
            now,
            &Limits::default(),
        );
        assert_eq!(verdict.check.status, Status::Healthy);
        assert_eq!(verdict.verdicts["billing"].lag, LagVerdict::Known);
    }

    #[test]
    fn a_lag_above_the_configured_limit_is_degraded_and_named() {
        let now = Moment::now();
        let limits = Limits {
            lag: Some(10),
            ..Limits::default()
        };
        let above = judge(&part(measured(11, now), now), now, &limits);
        assert_eq!(codes(&above), ["group_lag_high"]);
        assert_eq!(above.check.status, Status::Degraded);
        assert!(
            above.reasons[0]
                .text
                .contains("\"billing\" is 11 records behind")
        );
        assert!(
            judge(&part(measured(10, now), now), now, &limits)
                .reasons
                .is_empty()
        );
    }

    #[test]
    fn groups_that_were_never_listed_are_unknown() {
        let verdict = judge(&Part::default(), Moment::now(), &Limits::default());
        assert_eq!(codes(&verdict), ["groups_unknown"]);
        assert_eq!(verdict.check.status, Status::Unknown);
    }

    #[test]
    fn no_groups_at_all_are_healthy() {
        let now = Moment::now();
        let mut part = Part::default();
        part.publish(
            Groups {
                by_id: BTreeMap::new(),
                complete_at: Some(now),
            },
            now,
        );
        assert_eq!(
            judge(&part, now, &Limits::default()).check.status,
            Status::Healthy
        );
    }

    #[test]
    fn groups_that_were_listed_too_long_ago_are_stale_and_unknown_once() {
        let at = Moment::now();
        let now = at.plus(Duration::from_secs(120));
        let verdict = judge(&part(measured(1, at), at), now, &Limits::default());
        assert_eq!(codes(&verdict), ["groups_stale"]);
        assert!(verdict.check.stale);
        assert_eq!(verdict.verdicts["billing"].lag, LagVerdict::Stale);
    }

    #[test]
    fn one_group_that_could_not_be_measured_for_long_is_named() {
        let at = Moment::now();
        let now = at.plus(Duration::from_secs(120));
        let failed = Group {
            failure: Some("no answer".to_owned()),
            ..measured(1, at)
        };
        let verdict = judge(&part(failed, now), now, &Limits::default());
        assert_eq!(codes(&verdict), ["group_lag_unknown"]);
        assert!(
            verdict.reasons[0]
                .text
                .ends_with("\"billing\" is not known: no answer")
        );
    }

    #[test]
    fn a_group_that_was_never_measured_is_unknown() {
        let now = Moment::now();
        let never = Group {
            measured_at: None,
            ..measured(1, now)
        };
        let verdict = judge(&part(never, now), now, &Limits::default());
        assert_eq!(codes(&verdict), ["group_lag_unknown"]);
        assert_eq!(verdict.verdicts["billing"].lag, LagVerdict::Unknown);
    }

    #[test]
    fn a_partition_may_be_unmeasured_for_a_while_but_not_for_long() {
        let since = Moment::now();
        let mut group = measured(1, since);
        let lag = PartitionLag::Unknown {
            why: "no leader".to_owned(),
            since,
        };
        group
            .partitions
            .insert(TopicPartition::new("orders", 1), lag);
        let soon = since.plus(Duration::from_secs(10));
        assert!(
            judge(&part(group.clone(), soon), soon, &Limits::default())
                .reasons
                .is_empty()
        );

        let late = since.plus(Duration::from_secs(120));
        group.measured_at = Some(late);
        let verdict = judge(&part(group, late), late, &Limits::default());
        assert_eq!(codes(&verdict), ["group_lag_incomplete"]);
        assert!(
            verdict.reasons[0]
                .text
                .contains("1 of 2 partitions, orders-1 first: no leader")
        );
    }
}
