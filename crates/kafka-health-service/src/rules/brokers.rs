//! Does every expected broker answer?
//!
//! A broker is down when a connection is refused, or when it has been silent for
//! [`Limits::silence`]; shorter hiccups change nothing. It is apart when it answers and metadata
//! does not count it in. One broker down is DEGRADED. CRITICAL is
//! when at least half of them are down: what is left is no majority, and replication cannot hold.
//! One that does not let this service in is not down: others may get on with it well, and of what
//! this service cannot see it says UNKNOWN.

use std::collections::BTreeMap;

use super::{Check, CheckVerdict, Limits, Reason, Status};
use crate::moment::Moment;
use crate::snapshot::{Broker, Connect, FailureStreak, NoAnswer, Part, Probe, Snapshot, Topics};

/// What a broker that does not let this service in makes of the status, and the code of that.
const UNAUTHENTICATED: (Status, &str) = (Status::Unknown, "broker_unauthenticated");

/// What is known of one broker's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Liveness {
    /// It answers, and the cluster counts it in.
    Up,
    /// It answers, but the cluster does not count it in: it has just come back, or has lost
    /// ZooKeeper or the controller.
    Apart,
    /// It does not answer.
    Down {
        /// What was found instead.
        why: String,
    },
    /// It is there, and it and this service do not trust each other: how it is is not known.
    Unauthenticated {
        /// Whose password or certificate it is about, and what is wrong with it.
        why: String,
    },
    /// Nothing recent is known.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// One broker, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerVerdict {
    /// What is known of its life.
    pub liveness: Liveness,
    /// When its newest probe ended.
    pub observed_at: Option<Moment>,
    /// It was probed once, but too long ago.
    pub stale: bool,
}

/// All brokers, judged.
pub(super) struct Verdict {
    pub check: CheckVerdict,
    pub reasons: Vec<Reason>,
    pub verdicts: BTreeMap<i32, BrokerVerdict>,
}

impl Liveness {
    /// It is known to answer and to be counted in.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self, Self::Up)
    }

    /// It is known not to answer.
    #[must_use]
    pub fn is_down(&self) -> bool {
        matches!(self, Self::Down { .. })
    }

    /// Nothing recent is known of it.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Unauthenticated { .. })
    }

    /// Why it is not known to be up.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Up => None,
            Self::Apart => Some("answers, but the cluster does not count it in"),
            Self::Down { why } | Self::Unauthenticated { why } | Self::Unknown { why } => Some(why),
        }
    }
}

pub(super) fn judge(snapshot: &Snapshot, now: Moment, limits: &Limits) -> Verdict {
    let verdicts: BTreeMap<_, _> = snapshot
        .brokers
        .values()
        .map(|broker| (broker.id, judge_one(broker, snapshot, now, limits)))
        .collect();
    let observed_at = verdicts
        .values()
        .filter_map(|verdict| verdict.observed_at)
        .max();

    let mut reasons = Vec::new();
    if snapshot.brokers.is_empty() {
        reasons.push(never_reached(snapshot));
    }
    reasons.extend(too_few(&verdicts, observed_at));
    for (id, verdict) in &verdicts {
        reasons.extend(reason_for(&snapshot.brokers[id], verdict));
    }
    let stale = verdicts.values().any(|verdict| verdict.stale);
    Verdict {
        check: CheckVerdict::of(&reasons, observed_at, stale),
        reasons,
        verdicts,
    }
}

fn judge_one(broker: &Broker, snapshot: &Snapshot, now: Moment, limits: &Limits) -> BrokerVerdict {
    let probes = &broker.probes;
    let (liveness, stale) = match &probes.latest {
        None => (unprobed(broker, snapshot), false),
        Some(probe) if probe.ended.age(now) > limits.probe_age => {
            let why = format!("last probed at {:.3}", probe.ended.time());
            (Liveness::Unknown { why }, true)
        }
        Some(probe) => {
            let liveness = match probes.failing {
                Some(streak) => failing(streak, probe, probes.last_answer, limits),
                None => answering(broker, &snapshot.topics, limits),
            };
            (liveness, false)
        }
    };
    BrokerVerdict {
        liveness,
        observed_at: probes.latest.as_ref().map(|probe| probe.ended),
        stale,
    }
}

fn unprobed(broker: &Broker, snapshot: &Snapshot) -> Liveness {
    let kafka_was_reached = snapshot.topics.seen.is_some();
    if broker.address.is_some() {
        let why = "not probed yet".to_owned();
        Liveness::Unknown { why }
    } else if kafka_was_reached {
        let why = "never registered in the cluster since this service started".to_owned();
        Liveness::Down { why }
    } else if let Some(refusal) = &snapshot.refusal {
        let why = distrust(&refusal.message);
        Liveness::Unauthenticated { why }
    } else {
        let why = "its address is not known: no broker was reached yet".to_owned();
        Liveness::Unknown { why }
    }
}

/// Metadata has to count a broker in, and after an outage it has to be read some time after the
/// broker's return: before that it may come from a broker that has not caught up, from this one
/// even.
fn answering(broker: &Broker, topics: &Part<Topics>, limits: &Limits) -> Liveness {
    let Some(seen) = &topics.seen else {
        return Liveness::Up;
    };
    let probes = &broker.probes;
    let after_an_outage = probes
        .recovered_from
        .is_some_and(|streak| streak.is_outage(limits.silence));
    let too_early = after_an_outage
        && probes
            .answering_since
            .is_some_and(|since| seen.at < since.plus(limits.settling));
    if too_early || !seen.value.registered.contains(&broker.id) {
        Liveness::Apart
    } else {
        Liveness::Up
    }
}

fn failing(
    streak: FailureStreak,
    probe: &Probe,
    last_answer: Option<Moment>,
    limits: &Limits,
) -> Liveness {
    let outage = streak.is_outage(limits.silence);
    if let Err(NoAnswer::Unauthenticated(_)) = &probe.answer
        && (outage || last_answer.is_none())
    {
        let why = what_happened(probe);
        Liveness::Unauthenticated { why }
    } else if outage {
        let why = what_happened(probe);
        Liveness::Down { why }
    } else if last_answer.is_some() {
        Liveness::Up
    } else {
        let why = format!("not answered yet: {}", what_happened(probe));
        Liveness::Unknown { why }
    }
}

/// Tells "not listening" from "not answering".
fn what_happened(probe: &Probe) -> String {
    let waited_s = probe.began.age(probe.ended).as_secs_f64();
    match (&probe.connect, &probe.answer) {
        (Some(Connect::Refused), _) => "connection refused".to_owned(),
        (Some(Connect::NoReply), _) => format!("no connection within {waited_s:.1} s"),
        (Some(Connect::Failed(why)), _) => format!("cannot connect: {why}"),
        (_, Err(NoAnswer::Unauthenticated(why))) => distrust(why),
        (_, Err(NoAnswer::Failed(why))) => format!("accepts connections, but: {why}"),
        (_, _) => format!("accepts connections but gave no answer within {waited_s:.1} s"),
    }
}

fn distrust(why: &str) -> String {
    format!("it and health do not trust each other: {why}")
}

fn never_reached(snapshot: &Snapshot) -> Reason {
    if let Some(refusal) = &snapshot.refusal {
        let text = format!("brokers: {}", distrust(&refusal.message));
        let (severity, code) = UNAUTHENTICATED;
        return Check::Brokers.reason(severity, code, Some(refusal.at), text);
    }
    let attempts = &snapshot.topics.attempts;
    let text = match &attempts.failure {
        Some(failure) => format!(
            "no broker was reached since this service started: {}",
            failure.message
        ),
        None => "no broker was reached yet".to_owned(),
    };
    let at = attempts.failure.as_ref().map(|failure| failure.at);
    Check::Brokers.reason(Status::Unknown, "kafka_never_reached", at, text)
}

fn too_few(verdicts: &BTreeMap<i32, BrokerVerdict>, at: Option<Moment>) -> Option<Reason> {
    let total = verdicts.len();
    let down: Vec<_> = verdicts
        .iter()
        .filter(|(_, verdict)| verdict.liveness.is_down())
        .map(|(id, _)| id.to_string())
        .collect();
    if total == 0 || down.len() * 2 < total {
        return None;
    }
    let (code, text) = if down.len() == total {
        (
            "no_broker_answers",
            format!("none of the {total} expected brokers answers"),
        )
    } else {
        let text = format!(
            "{} of {total} expected brokers do not answer ({}): no majority is left",
            down.len(),
            down.join(", ")
        );
        ("broker_majority_lost", text)
    };
    Some(Check::Brokers.reason(Status::Critical, code, at, text))
}

fn reason_for(broker: &Broker, verdict: &BrokerVerdict) -> Option<Reason> {
    let (severity, code) = match &verdict.liveness {
        Liveness::Up => return None,
        Liveness::Apart => (Status::Degraded, "broker_apart"),
        Liveness::Down { .. } => (Status::Degraded, "broker_down"),
        Liveness::Unauthenticated { .. } => UNAUTHENTICATED,
        Liveness::Unknown { .. } => (Status::Unknown, "broker_unknown"),
    };
    let text = format!("{broker}: {}", verdict.liveness.trouble()?);
    let reason = Check::Brokers.reason(severity, code, verdict.observed_at, text);
    Some(reason.about(broker))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fixtures::{Cluster, answered, distrusted, metadata, refused, silent};
    use crate::snapshot::{Expectation, Failure};

    fn judged(cluster: &Cluster) -> Verdict {
        judge(&cluster.snapshot, cluster.now, &Limits::default())
    }

    fn codes(verdict: &Verdict) -> Vec<&str> {
        verdict.reasons.iter().map(|reason| reason.code).collect()
    }

    #[test]
    fn one_refusing_broker_of_three_is_degraded_and_named_with_its_address() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.broker(1).probes.record(refused(now));
        let verdict = judged(&cluster);
        assert_eq!(verdict.check.status, Status::Degraded);
        assert_eq!(codes(&verdict), ["broker_down"]);
        assert_eq!(
            verdict.reasons[0].text,
            "broker 1 (127.0.0.1:19092): connection refused"
        );
        assert!(verdict.reasons[0].observed_at.is_some());
    }

    #[test]
    fn a_broker_that_accepts_but_does_not_answer_is_told_from_one_that_refuses() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now.plus(Duration::from_secs(1));
        cluster
            .broker(2)
            .probes
            .record(silent(now, Duration::from_millis(2_500)));
        cluster.now = now.plus(Duration::from_millis(2_500));
        let verdict = judged(&cluster);
        let text = &verdict.reasons[0].text;
        assert!(
            text.contains("accepts connections but gave no answer within 2.5 s"),
            "{text}"
        );
    }

    #[test]
    fn a_hiccup_shorter_than_the_silence_limit_changes_nothing() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster
            .broker(2)
            .probes
            .record(silent(now, Duration::from_millis(200)));
        assert_eq!(judged(&cluster).check.status, Status::Healthy);
    }

    #[test]
    fn a_broker_that_has_not_answered_yet_is_unknown_until_the_silence_limit() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.broker(2).probes = crate::snapshot::Probes::default();
        cluster
            .broker(2)
            .probes
            .record(silent(now, Duration::from_millis(200)));
        let verdict = judged(&cluster);
        assert_eq!(codes(&verdict), ["broker_unknown"]);
        assert_eq!(verdict.check.status, Status::Unknown);
    }

    #[test]
    fn a_broker_that_came_back_is_up_once_the_cluster_counts_it_in() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.broker(1).probes.record(refused(now));
        cluster.broker(1).probes.record(answered(now));
        let verdict = judged(&cluster);
        assert_eq!(codes(&verdict), ["broker_apart"]);
        assert!(!verdict.verdicts[&1].liveness.is_up());

        let mut read = |brokers: &[i32], at| {
            cluster.snapshot.take_in(&metadata(brokers, &[]), at);
            cluster.now = at;
            judged(&cluster).check.status
        };
        let soon = now.plus(Duration::from_millis(500));
        assert_eq!(read(&[1, 2, 3], soon), Status::Degraded);
        let later = now.plus(Duration::from_millis(1_500));
        assert_eq!(read(&[2, 3], later), Status::Degraded);
        assert_eq!(read(&[1, 2, 3], later), Status::Healthy);
    }

    #[test]
    fn a_broker_that_answers_but_is_not_registered_is_not_healthy() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.snapshot.take_in(&metadata(&[2, 3], &[]), now);
        let verdict = judged(&cluster);
        assert_eq!(verdict.check.status, Status::Degraded);
        assert_eq!(
            verdict.reasons[0].text,
            "broker 1 (127.0.0.1:19092): answers, but the cluster does not count it in"
        );
    }

    #[test]
    fn a_hiccup_needs_no_settling() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster
            .broker(1)
            .probes
            .record(silent(now, Duration::from_millis(100)));
        cluster.broker(1).probes.record(answered(now));
        assert_eq!(judged(&cluster).check.status, Status::Healthy);
    }

    #[test]
    fn half_of_the_brokers_down_is_critical() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.broker(1).probes.record(refused(now));
        cluster.broker(3).probes.record(refused(now));
        let verdict = judged(&cluster);
        assert_eq!(verdict.check.status, Status::Critical);
        assert_eq!(
            codes(&verdict),
            ["broker_majority_lost", "broker_down", "broker_down"]
        );
        assert!(
            verdict.reasons[0].text.contains("(1, 3)"),
            "{}",
            verdict.reasons[0].text
        );
    }

    #[test]
    fn all_brokers_known_to_be_down_is_critical_and_not_unknown() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        for id in [1, 2, 3] {
            cluster.broker(id).probes.record(refused(now));
        }
        let verdict = judged(&cluster);
        assert_eq!(verdict.check.status, Status::Critical);
        assert_eq!(codes(&verdict)[0], "no_broker_answers");
    }

    #[test]
    fn brokers_that_do_not_let_health_in_are_unknown_and_not_down_in_words_that_say_why() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        for id in [1, 2, 3] {
            let probe = distrusted(now, "certificate has expired");
            cluster.broker(id).probes.record(probe);
        }
        cluster.now = now.plus(Duration::from_secs(3));
        let verdict = judged(&cluster);
        assert_eq!(codes(&verdict), ["broker_unauthenticated"; 3]);
        assert_eq!(verdict.check.status, Status::Unknown);
        assert_eq!(
            verdict.reasons[0].text,
            "broker 1 (127.0.0.1:19092): it and health do not trust each other: certificate has expired"
        );
    }

    #[test]
    fn a_login_that_was_refused_from_the_start_is_told_of_every_broker_without_an_address() {
        let mut snapshot = Snapshot::expecting(&[1, 2, 3], &[]);
        let now = Moment::now();
        snapshot.refusal = Some(Failure {
            at: now,
            message: "wrong name or password".to_owned(),
        });
        let verdict = judge(&snapshot, now, &Limits::default());
        assert_eq!(codes(&verdict), ["broker_unauthenticated"; 3]);
        snapshot.brokers.clear();
        let verdict = judge(&snapshot, now, &Limits::default());
        assert_eq!(codes(&verdict), ["broker_unauthenticated"]);
        assert_eq!(verdict.check.status, Status::Unknown);
    }

    #[test]
    fn an_expected_broker_that_never_registered_is_down_and_counts() {
        let mut cluster = Cluster::healthy();
        let missing = Broker::expected(4, Expectation::Configured);
        cluster.snapshot.brokers.insert(4, missing);
        let verdict = judged(&cluster);
        assert_eq!(codes(&verdict), ["broker_down"]);
        assert!(
            verdict.reasons[0]
                .text
                .starts_with("broker 4: never registered")
        );
    }

    #[test]
    fn expected_brokers_are_unknown_while_kafka_was_never_reached() {
        let snapshot = Snapshot::expecting(&[1, 2, 3], &[]);
        let verdict = judge(&snapshot, Moment::now(), &Limits::default());
        assert_eq!(verdict.check.status, Status::Unknown);
        assert_eq!(codes(&verdict), ["broker_unknown"; 3]);
    }

    #[test]
    fn kafka_never_reached_is_unknown_and_says_what_was_tried() {
        let mut snapshot = Snapshot::default();
        let now = Moment::now();
        snapshot
            .topics
            .attempts
            .note(now, now, Err("Metadata: refused".to_owned()));
        let verdict = judge(&snapshot, now, &Limits::default());
        assert_eq!(codes(&verdict), ["kafka_never_reached"]);
        assert!(verdict.reasons[0].text.ends_with("Metadata: refused"));
    }

    #[test]
    fn a_broker_whose_probe_is_too_old_is_unknown_and_stale() {
        let mut cluster = Cluster::healthy();
        cluster.now = cluster.now.plus(Duration::from_secs(60));
        let verdict = judged(&cluster);
        assert_eq!(codes(&verdict), ["broker_unknown"; 3]);
        assert!(verdict.check.stale && verdict.verdicts[&1].stale);
    }
}
