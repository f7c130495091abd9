//! Is there a controller? Without one no leader is elected and no topic is made; reading and writing go on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{BrokerVerdict, Check, Liveness, Reason, Status};
use crate::moment::Moment;
use crate::snapshot::{Controller, Part};

/// Another one takes over within ZooKeeper's session time-out of 9 s.
const MISSING_AFTER: Duration = Duration::from_secs(15);
/// What was seen longer ago says nothing about now.
const AGE: Duration = Duration::from_secs(15);

pub(super) fn judge(
    part: &Part<Controller>,
    brokers: &BTreeMap<i32, BrokerVerdict>,
    now: Moment,
) -> Option<Reason> {
    let seen = part.seen.as_ref().filter(|seen| seen.at.age(now) <= AGE)?;
    let controller = &seen.value;
    let reason = |code, text| {
        let reason = Check::Brokers.reason(Status::Degraded, code, Some(seen.at), text);
        reason.about("controller")
    };
    match controller.id {
        None if controller.since.age(now) > MISSING_AFTER => {
            let text = format!(
                "there is no controller since {:.3}: no leader is elected",
                controller.since.time()
            );
            Some(reason("no_controller", text))
        }
        None => None,
        Some(id) => {
            let verdict = brokers.get(&id)?;
            let down = matches!(verdict.liveness, Liveness::Down { .. });
            let text = format!(
                "broker {id}, the controller, does not answer: no leader is elected until another takes over"
            );
            let told = reason("controller_down", text).explained_by(BTreeSet::from([id]));
            down.then_some(told)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Cluster, refused};
    use crate::rules::{Limits, judge as judge_all};

    fn cluster(id: Option<i32>) -> Cluster {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        let controller = Controller::next(None, id, BTreeMap::new(), now);
        cluster.snapshot.controller.publish(controller, now);
        cluster
    }

    fn told(cluster: &Cluster, later_s: u64) -> Vec<Reason> {
        let now = cluster.now.plus(Duration::from_secs(later_s));
        let reasons = judge_all(&cluster.snapshot, now, &Limits::default()).reasons;
        let own = reasons
            .into_iter()
            .filter(|one| one.subject == "controller");
        own.collect()
    }

    #[test]
    fn a_controller_that_is_down_is_told_as_its_brokers_doing() {
        let mut cluster = cluster(Some(2));
        assert_eq!(told(&cluster, 0), []);
        let now = cluster.now;
        cluster.broker(2).probes.record(refused(now));
        let told = told(&cluster, 0);
        assert_eq!(told[0].code, "controller_down");
        assert_eq!(told[0].explained_by, BTreeSet::from([2]));
    }

    #[test]
    fn none_at_all_is_told_after_a_while() {
        let mut cluster = cluster(None);
        assert_eq!(told(&cluster, 10), []);
        let later = cluster.now.plus(Duration::from_secs(16));
        let before = cluster.snapshot.controller.seen.clone().unwrap().value;
        let still = Controller::next(Some(&before), None, BTreeMap::new(), later);
        cluster.snapshot.controller.publish(still, later);
        assert_eq!(told(&cluster, 16)[0].code, "no_controller");
    }
}
