//! Do the witnesses agree? A broker is seen by its own probe, by metadata, by the canary, and by its JMX agent
//! where that is configured. Where they do not agree something is wrong that none of them tells alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{BrokerVerdict, Check, Liveness, Reason, Status};
use crate::moment::Moment;
use crate::snapshot::{AgentFigures, Snapshot};

/// They see at different times: only what lasts is a disagreement.
const LASTS: Duration = Duration::from_secs(15);
/// What an agent said longer ago says nothing about now.
const AGE: Duration = Duration::from_secs(15);

pub(super) fn judge(
    snapshot: &Snapshot,
    brokers: &BTreeMap<i32, BrokerVerdict>,
    now: Moment,
) -> Vec<Reason> {
    let reason = |subject: String, text: String| {
        let reason = Check::Brokers.reason(Status::Degraded, "witnesses_disagree", Some(now), text);
        reason.about(subject)
    };
    let mut reasons = Vec::new();
    for (id, broker) in &snapshot.brokers {
        let verdict = brokers.get(id);
        let down = verdict.is_some_and(|one| matches!(one.liveness, Liveness::Down { .. }));
        let silent = broker.probes.failing.as_ref();
        let lasts = silent.is_some_and(|streak| streak.silent_since.age(now) > LASTS);
        if down && lasts && figures(snapshot, *id, now).is_some() {
            let text =
                format!("{broker} does not answer, and its Java machine does (JMX): it hangs");
            let told = reason(broker.to_string(), text);
            reasons.push(told.explained_by(BTreeSet::from([*id])));
        }
    }
    reasons.extend(controller(snapshot, now).map(|text| reason("controller".to_owned(), text)));
    reasons
}

/// Brokers tell of one controller, and another takes itself for it.
fn controller(snapshot: &Snapshot, now: Moment) -> Option<String> {
    let seen = snapshot.controller.seen.as_ref()?;
    let told = seen.value.id?;
    if seen.at.age(now) > AGE || seen.value.since.age(now) <= LASTS {
        return None;
    }
    let active = snapshot.jmx.keys().filter(|id| {
        let figures = figures(snapshot, **id, now);
        figures.and_then(|figures| figures.active_controller) == Some(true)
    });
    let other = active.copied().find(|id| *id != told)?;
    Some(format!(
        "brokers tell that broker {told} is the controller, and broker {other} takes itself for it (JMX)"
    ))
}

/// What an agent said lately.
fn figures(snapshot: &Snapshot, id: i32, now: Moment) -> Option<AgentFigures> {
    let check = snapshot.jmx.get(&id)?.latest.as_ref()?;
    let recent = check.at.age(now) <= AGE;
    check.outcome.as_ref().ok().copied().filter(|_| recent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Cluster, silent};
    use crate::rules::{Limits, judge as judge_all};
    use crate::snapshot::{Agent, AgentCheck, Controller};

    fn told(cluster: &Cluster, now: Moment) -> Vec<Reason> {
        let reasons = judge_all(&cluster.snapshot, now, &Limits::default()).reasons;
        let own = reasons
            .into_iter()
            .filter(|one| one.code == "witnesses_disagree");
        own.collect()
    }

    fn agent(cluster: &mut Cluster, id: i32, active_controller: bool, at: Moment) {
        let figures = AgentFigures {
            active_controller: Some(active_controller),
            under_replicated: Some(0),
            leaders: Some(1),
        };
        let latest = Some(AgentCheck {
            at,
            outcome: Ok(figures),
        });
        cluster.snapshot.jmx.insert(id, Agent { latest });
    }

    #[test]
    fn a_broker_that_is_silent_while_its_machine_answers_hangs() {
        let mut cluster = Cluster::healthy();
        let later = cluster.now.plus(Duration::from_secs(20));
        cluster
            .broker(2)
            .probes
            .record(silent(later, Duration::from_millis(1)));
        assert_eq!(told(&cluster, later), [], "nobody else saw it");
        agent(&mut cluster, 2, false, later);
        let told = told(&cluster, later);
        assert_eq!(told[0].explained_by, BTreeSet::from([2]));
        assert!(told[0].text.contains("broker 2"), "{}", told[0].text);
    }

    #[test]
    fn two_that_take_themselves_for_the_controller_are_told_once_that_lasts() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        let controller = Controller::next(None, Some(1), BTreeMap::new(), now);
        cluster.snapshot.controller.publish(controller.clone(), now);
        agent(&mut cluster, 1, true, now);
        agent(&mut cluster, 3, true, now);
        assert_eq!(told(&cluster, now), []);
        let later = now.plus(Duration::from_secs(16));
        cluster.snapshot.controller.publish(controller, later);
        agent(&mut cluster, 3, true, later);
        let told = told(&cluster, later);
        assert_eq!(told[0].subject, "controller");
        assert!(told[0].text.contains("broker 3"), "{}", told[0].text);
    }
}
