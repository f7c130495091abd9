//! Intents and outcomes put together to writes: a pure function of records in any order.

use std::collections::BTreeMap;

use serde_json::Value;

use super::about::is_about;
use super::{Entry, Filter, Intent, Outcome};

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// Ids sort by time.
    intents: BTreeMap<String, Intent>,
    outcomes: BTreeMap<String, Outcome>,
}

impl Joined {
    /// Takes the value of a record. Records of others, that only look like these, are passed over.
    pub fn take(&mut self, value: &str) {
        let Ok(value) = serde_json::from_str::<Value>(value) else {
            return;
        };
        match value["kind"].as_str() {
            Some("intent") => {
                if let Ok(intent) = serde_json::from_value::<Intent>(value) {
                    self.intents.insert(intent.audit_id.clone(), intent);
                }
            }
            Some("outcome") => {
                if let Ok(outcome) = serde_json::from_value::<Outcome>(value) {
                    self.outcomes.insert(outcome.audit_id.clone(), outcome);
                }
            }
            _ => {}
        }
    }

    /// The writes that match, newest first, from `edge_ms` on: of older ones not all was read.
    pub fn matching(&self, filter: &Filter, edge_ms: i64) -> impl Iterator<Item = Entry> {
        let writes = self.intents.iter().rev();
        let writes = writes.map(|(id, intent)| (intent, self.outcomes.get(id)));
        let matching = writes.filter(move |(intent, outcome)| {
            intent.at.as_millisecond() >= edge_ms && filter.takes(intent, *outcome)
        });
        matching.map(|(intent, outcome)| Entry {
            intent: intent.clone(),
            outcome: outcome.cloned(),
        })
    }
}

impl Filter {
    fn takes(&self, intent: &Intent, outcome: Option<&Outcome>) -> bool {
        let topic = self.topic.as_deref();
        let actor = self.actor.as_ref();
        let before = self.before.as_ref();
        intent.at >= self.since
            && before.is_none_or(|cursor| intent.audit_id < cursor.0)
            && actor.is_none_or(|actor| intent.actor == *actor)
            && topic.is_none_or(|topic| is_about(topic, intent, outcome))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn intent(id: &str, topic: &str) -> String {
        json!({
            "kind": "intent", "auditId": id, "at": "2026-01-31T12:00:00Z", "actor": "anonymous",
            "from": null, "requestId": null, "call": "DELETE /api/topics/a", "query": null,
            "topic": topic, "reason": null, "request": null,
        })
        .to_string()
    }

    fn outcome(id: &str) -> String {
        json!({
            "kind": "outcome", "auditId": id, "at": "2026-01-31T12:00:01Z", "result": "done",
            "status": 204, "code": null, "answer": null,
        })
        .to_string()
    }

    #[test]
    fn intents_and_outcomes_are_joined_and_one_without_an_outcome_stays_unknown() {
        let records = [
            intent("1-a-1", "a"),
            outcome("1-a-1"),
            "{\"auditId\": 7}".to_owned(),
            "no JSON".to_owned(),
            intent("2-a-2", "b"),
            outcome("3-a-3"),
        ];
        let mut joined = Joined::default();
        records.iter().for_each(|record| joined.take(record));
        let mut filter = Filter {
            topic: None,
            actor: None,
            since: Timestamp::UNIX_EPOCH,
            before: None,
            limit: 10,
        };
        let ids = |filter: &Filter, edge_ms| -> Vec<(String, bool)> {
            let matching = joined.matching(filter, edge_ms);
            matching
                .map(|entry| (entry.intent.audit_id, entry.outcome.is_some()))
                .collect()
        };
        let (old, new) = (("1-a-1".to_owned(), true), ("2-a-2".to_owned(), false));
        assert_eq!(ids(&filter, i64::MIN), [new.clone(), old.clone()]);
        assert_eq!(ids(&filter, i64::MAX), []);
        filter.before = "2-a-2".parse().ok();
        assert_eq!(ids(&filter, i64::MIN), [old]);
        filter.before = None;
        filter.topic = Some("b".to_owned());
        assert_eq!(ids(&filter, i64::MIN), [new]);
        filter.actor = Some("somebody".to_owned());
        assert_eq!(ids(&filter, i64::MIN), []);
    }
}
