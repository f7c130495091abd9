//! Reads writes back from the audit topic.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kafka_cluster::{KafkaCluster, KafkaError, codes};
use serde_json::Value;

use super::about::is_about;
use super::{AuditPage, Entry, Intent, Outcome};
use crate::any_broker;
use crate::records::{Start, Wanted, read as read_records};

/// Which writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// About this topic.
    pub topic: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// Since this time.
    pub since: Timestamp,
    /// Most of them.
    pub limit: usize,
}

/// Records are stamped by this service, and it may have moved to another machine.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(60);

/// Records that one look reads at most; a write has two.
const MOST_RECORDS: usize = 20_000;

/// Reads the writes that match, newest first.
///
/// # Errors
/// As Kafka answers; `NotFound` where there is no audit topic.
pub async fn read(
    cluster: &KafkaCluster,
    topic: &str,
    filter: &Filter,
) -> Result<AuditPage, KafkaError> {
    read_records_with(cluster, topic, filter, "\"auditId\"".to_owned()).await
}

/// The one write of this id; `None` where there is none.
///
/// # Errors
/// As Kafka answers, or `TimedOut` where the log could not be read to its end and did not show it.
pub async fn read_one(
    cluster: &KafkaCluster,
    topic: &str,
    audit_id: &str,
) -> Result<Option<Entry>, KafkaError> {
    let Some(since) = begun(audit_id) else {
        return Ok(None);
    };
    let filter = Filter {
        topic: None,
        actor: None,
        since,
        limit: 1,
    };
    let text = format!("\"auditId\":\"{audit_id}\"");
    let mut page = read_records_with(cluster, topic, &filter, text).await?;
    let found = page.entries.pop();
    // Without its outcome it may only be that this was not reached.
    let whole = found.as_ref().is_some_and(|entry| entry.outcome.is_some());
    if !whole && page.end != "complete" {
        let detail = "the audit topic could not be read to its end";
        return Err(KafkaError::of_read("Fetch", codes::LOCAL_TIMED_OUT, detail));
    }
    Ok(found)
}

/// Of the records that contain `text`, the writes that match.
async fn read_records_with(
    cluster: &KafkaCluster,
    topic: &str,
    filter: &Filter,
    text: String,
) -> Result<AuditPage, KafkaError> {
    let topic = any_broker::topic(cluster, topic).await?;
    let wanted = Wanted {
        partition: None,
        start: Start::Time(filter.since),
        contains: Some(text),
        limit: MOST_RECORDS,
    };
    let page = read_records(cluster, &topic, wanted).await?;
    let values = page
        .records
        .iter()
        .filter_map(|record| record.value.as_deref());
    Ok(joined(values, filter, page.end))
}

/// When the write of this id began; `None` where it is no id. Brokers' clocks may be behind by some.
fn begun(audit_id: &str) -> Option<Timestamp> {
    let millis = audit_id.split('-').next()?.parse().ok()?;
    let at = Timestamp::from_millisecond(millis).ok()?;
    Some(at - CLOCKS_APART)
}

/// Puts intents and outcomes together. Records of others, that only look like these, are passed over.
fn joined<'a>(
    values: impl Iterator<Item = &'a str>,
    filter: &Filter,
    end: &'static str,
) -> AuditPage {
    let mut intents: BTreeMap<String, Intent> = BTreeMap::new();
    let mut outcomes: BTreeMap<String, Outcome> = BTreeMap::new();
    for value in values {
        let Ok(value) = serde_json::from_str::<Value>(value) else {
            continue;
        };
        match value["kind"].as_str() {
            Some("intent") => {
                if let Ok(intent) = serde_json::from_value::<Intent>(value) {
                    intents.insert(intent.audit_id.clone(), intent);
                }
            }
            Some("outcome") => {
                if let Ok(outcome) = serde_json::from_value::<Outcome>(value) {
                    outcomes.insert(outcome.audit_id.clone(), outcome);
                }
            }
            _ => {}
        }
    }
    let wanted = |intent: &Intent| {
        let topic = filter.topic.as_deref();
        let outcome = outcomes.get(&intent.audit_id);
        let actor = filter.actor.as_ref();
        intent.at >= filter.since
            && topic.is_none_or(|topic| is_about(topic, intent, outcome))
            && actor.is_none_or(|actor| intent.actor == *actor)
    };
    // Ids sort by time.
    let mut matching = intents.into_values().rev().filter(wanted);
    let entries: Vec<Entry> = matching
        .by_ref()
        .take(filter.limit)
        .map(|intent| Entry {
            outcome: outcomes.get(&intent.audit_id).cloned(),
            intent,
        })
        .collect();
    let more = matching.next().is_some();
    AuditPage {
        entries,
        end: if more { "limited" } else { end },
    }
}

#[cfg(test)]
mod tests {
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

    fn ids(page: &AuditPage) -> Vec<(&str, bool)> {
        let entries = page.entries.iter();
        entries
            .map(|entry| (entry.intent.audit_id.as_str(), entry.outcome.is_some()))
            .collect()
    }

    #[test]
    fn intents_and_outcomes_are_joined_and_one_without_an_outcome_stays_unknown() {
        let records = [
            intent("1", "a"),
            outcome("1"),
            "{\"auditId\": 7}".to_owned(),
            "no JSON".to_owned(),
            intent("2", "b"),
            outcome("3"),
        ];
        let mut filter = Filter {
            topic: None,
            actor: None,
            since: Timestamp::UNIX_EPOCH,
            limit: 10,
        };
        let read = |filter: &Filter| joined(records.iter().map(String::as_str), filter, "complete");
        assert_eq!(ids(&read(&filter)), [("2", false), ("1", true)]);
        filter.limit = 1;
        let page = read(&filter);
        assert_eq!((ids(&page), page.end), (vec![("2", false)], "limited"));
        filter.topic = Some("a".to_owned());
        assert_eq!(ids(&read(&filter)), [("1", true)]);
        filter.actor = Some("somebody".to_owned());
        assert_eq!(ids(&read(&filter)), []);
    }
}
