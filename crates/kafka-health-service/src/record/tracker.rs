//! Turns judgements into changes: pure, one judgement after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Incident, StatusChange};
use crate::moment::Moment;
use crate::rules::{Judgement, Reason, Status};

/// Something that is merely not known (a broker not asked yet, say) is no incident before this.
const UNKNOWN_FOR: Duration = Duration::from_secs(3);
/// What comes back within this is the same incident.
const GONE_FOR: Duration = Duration::from_secs(3);

/// Code and subject.
type Key = (String, String);

/// What is going on, as of the last judgement.
#[derive(Debug, Default)]
pub struct Tracker {
    open: BTreeMap<Key, Open>,
    /// Not known, for less than [`UNKNOWN_FOR`].
    pending: BTreeMap<Key, Moment>,
    status: Option<Status>,
    codes: Vec<String>,
    numbered: u64,
}

#[derive(Debug)]
struct Open {
    incident: Incident,
    /// First judgement without it.
    gone_since: Option<Moment>,
    /// Of an earlier life of the service, and not seen again yet.
    inherited: bool,
}

/// What a judgement changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The status or its reasons are others.
    pub status: Option<StatusChange>,
    /// Incidents that began, ended or grew worse, as they are now.
    pub incidents: Vec<Incident>,
}

impl Tracker {
    /// Goes on with incidents that were open when the service ended.
    #[must_use]
    pub fn resuming(open: impl IntoIterator<Item = Incident>) -> Self {
        let open = open.into_iter().map(|incident| {
            let key = (incident.code.clone(), incident.subject.clone());
            let open = Open {
                incident,
                gone_since: None,
                inherited: true,
            };
            (key, open)
        });
        Self {
            open: open.collect(),
            ..Self::default()
        }
    }

    /// What is new in `judgement`; remembers it.
    pub fn observe(&mut self, judgement: &Judgement) -> Changes {
        let now = judgement.at;
        let reasons: BTreeMap<Key, &Reason> = judgement
            .reasons
            .iter()
            .map(|reason| ((reason.code.to_owned(), reason.subject.clone()), reason))
            .collect();
        let mut incidents = Vec::new();
        for (key, reason) in &reasons {
            incidents.extend(self.see(key, reason, now));
        }
        incidents.extend(self.end_what_is_gone(&reasons, now));
        self.pending.retain(|key, _| reasons.contains_key(key));
        Changes {
            status: self.status_change(judgement),
            incidents,
        }
    }

    fn see(&mut self, key: &Key, reason: &Reason, now: Moment) -> Option<Incident> {
        if let Some(open) = self.open.get_mut(key) {
            open.gone_since = None;
            open.inherited = false;
            open.incident.last_evidence.clone_from(&reason.text);
            let worse = reason.severity > open.incident.severity;
            if worse {
                open.incident.severity = reason.severity;
            }
            return worse.then(|| open.incident.clone());
        }
        let since = *self.pending.entry(key.clone()).or_insert(now);
        if reason.severity == Status::Unknown && since.age(now) < UNKNOWN_FOR {
            return None;
        }
        self.pending.remove(key);
        let id = self.next_id(since.time());
        let incident = Incident::of(reason, since.time(), id);
        let open = Open {
            incident: incident.clone(),
            gone_since: None,
            inherited: false,
        };
        self.open.insert(key.clone(), open);
        Some(incident)
    }

    fn end_what_is_gone(&mut self, reasons: &BTreeMap<Key, &Reason>, now: Moment) -> Vec<Incident> {
        let mut ended = Vec::new();
        self.open.retain(|key, open| {
            if reasons.contains_key(key) {
                return true;
            }
            let since = *open.gone_since.get_or_insert(now);
            if since.age(now) < GONE_FOR {
                return true;
            }
            open.incident.ended_at = Some(since.time());
            open.incident.ended_unwatched = open.inherited;
            ended.push(open.incident.clone());
            false
        });
        ended
    }

    fn status_change(&mut self, judgement: &Judgement) -> Option<StatusChange> {
        let mut codes: Vec<String> = judgement
            .reasons
            .iter()
            .map(|reason| reason.code.to_owned())
            .collect();
        codes.dedup();
        if self.status == Some(judgement.status) && self.codes == codes {
            return None;
        }
        let previous = self.status.replace(judgement.status);
        self.codes.clone_from(&codes);
        let at = judgement.at.time();
        Some(StatusChange {
            id: self.next_id(at),
            at,
            status: judgement.status,
            previous,
            codes,
        })
    }

    /// Sorts as text for the next 250 years.
    fn next_id(&mut self, at: Timestamp) -> String {
        self.numbered += 1;
        format!("{:013}-{:06}", at.as_millisecond(), self.numbered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Cluster, answered, refused};
    use crate::rules::{Limits, judge};

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn observe(tracker: &mut Tracker, cluster: &Cluster, at: Moment) -> Changes {
        tracker.observe(&judge(&cluster.snapshot, at, &Limits::default()))
    }

    #[test]
    fn a_healthy_cluster_has_a_status_and_no_incident() {
        let cluster = Cluster::healthy();
        let mut tracker = Tracker::default();
        let first = observe(&mut tracker, &cluster, cluster.now);
        assert_eq!(first.incidents, []);
        let status = first.status.unwrap();
        assert_eq!((status.status, status.previous), (Status::Healthy, None));
        let again = observe(&mut tracker, &cluster, cluster.now.plus(s(1)));
        assert_eq!(again, Changes::default());
    }

    #[test]
    fn a_broker_that_goes_and_comes_back_is_one_incident_with_its_times() {
        let mut cluster = Cluster::healthy();
        let mut tracker = Tracker::default();
        let start = cluster.now;
        observe(&mut tracker, &cluster, start);

        cluster.broker(1).probes.record(refused(start.plus(s(1))));
        let down = observe(&mut tracker, &cluster, start.plus(s(2)));
        let began = &down.incidents[0];
        assert_eq!(began.code, "broker_down");
        assert_eq!(began.severity, Status::Degraded);
        assert_eq!(
            began.evidence,
            "broker 1 (127.0.0.1:19092): connection refused"
        );
        // When it was seen, not when it was judged.
        assert!(began.started_at < start.plus(s(2)).time());
        assert_eq!(down.status.unwrap().previous, Some(Status::Healthy));

        cluster.broker(1).probes.record(answered(start.plus(s(3))));
        cluster.now = start.plus(s(5));
        let topics = [crate::fixtures::topic(
            "orders",
            &[(Some(1), &[1, 2, 3], &[1, 2, 3])],
        )];
        cluster.show(&topics);
        let back = observe(&mut tracker, &cluster, start.plus(s(5)));
        assert_eq!(back.incidents, [], "it may go again at once");
        let over = observe(&mut tracker, &cluster, start.plus(s(8)));
        assert_eq!(over.incidents[0].id, began.id);
        assert_eq!(over.incidents[0].ended_at, Some(start.plus(s(5)).time()));
        assert!(!over.incidents[0].ended_unwatched);
    }

    #[test]
    fn what_is_not_known_for_a_moment_is_no_incident() {
        let mut cluster = Cluster::healthy();
        cluster.broker(2).probes = crate::snapshot::Probes::default();
        let mut tracker = Tracker::default();
        let now = cluster.now;
        assert_eq!(observe(&mut tracker, &cluster, now).incidents, []);
        let later = observe(&mut tracker, &cluster, now.plus(s(3)));
        assert_eq!(later.incidents[0].code, "broker_unknown");
        assert_eq!(later.incidents[0].started_at, now.time());
    }

    #[test]
    fn an_incident_of_an_earlier_life_goes_on_or_has_ended_unwatched() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.broker(1).probes.record(refused(now));
        let mut before = Tracker::default();
        let open = observe(&mut before, &cluster, now).incidents;

        let mut same = Tracker::resuming(open.clone());
        assert_eq!(observe(&mut same, &cluster, now.plus(s(1))).incidents, []);

        let mut gone = Tracker::resuming(open.clone());
        let healthy = Cluster::healthy();
        observe(&mut gone, &healthy, now.plus(s(1)));
        let ended = observe(&mut gone, &healthy, now.plus(s(4))).incidents;
        assert_eq!(ended[0].id, open[0].id);
        assert!(ended[0].ended_unwatched);
    }
}
