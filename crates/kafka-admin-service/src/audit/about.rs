//! Whether a write is about a topic: by its address, by its answer, or by what was asked.

use serde_json::Value;

use super::{Intent, Outcome};

/// Members that hold one name.
const ONE: [&str; 2] = ["topicName", "topic"];
/// What names topics in a request beside those: lists, or texts with commas.
const SOME: [&str; 2] = ["topics", "deletes"];

/// Whether a write is about `topic`, or changed it among others.
#[must_use]
pub fn is_about(topic: &str, intent: &Intent, outcome: Option<&Outcome>) -> bool {
    let answer = outcome.and_then(|outcome| outcome.answer.as_ref());
    intent.topic.as_deref() == Some(topic)
        || answer.is_some_and(|answer| tells_of(topic, answer))
        || intent
            .request
            .as_ref()
            .is_some_and(|request| asks_for(topic, request))
        || intent
            .query
            .as_deref()
            .is_some_and(|query| queries(topic, query))
}

/// An answer names the topic that each of its parts is about.
fn tells_of(topic: &str, answer: &Value) -> bool {
    match answer {
        Value::Object(members) => members.iter().any(|(name, value)| {
            ONE.contains(&name.as_str()) && value == topic || tells_of(topic, value)
        }),
        Value::Array(items) => items.iter().any(|item| tells_of(topic, item)),
        _ => false,
    }
}

fn asks_for(topic: &str, request: &Value) -> bool {
    let Some(members) = request.as_object() else {
        return false;
    };
    members.iter().any(|(name, value)| {
        ONE.contains(&name.as_str()) && value == topic
            || SOME.contains(&name.as_str()) && lists(topic, value)
    })
}

fn lists(topic: &str, list: &Value) -> bool {
    match list {
        Value::Array(items) => items.iter().any(|item| lists(topic, item)),
        // A declared topic.
        Value::Object(members) => members.get("name").is_some_and(|name| name == topic),
        Value::String(text) => names(topic, text),
        _ => false,
    }
}

fn queries(topic: &str, query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, value)| match name.as_ref() {
        name if ONE.contains(&name) => value == topic,
        name if SOME.contains(&name) => names(topic, &value),
        _ => false,
    })
}

/// `orders,payments:3`: topics, or partitions of them.
fn names(topic: &str, list: &str) -> bool {
    let mut items = list.split(',').map(str::trim);
    items.any(|item| item.split(':').next() == Some(topic))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn intent(query: Option<&str>, request: &Value) -> Intent {
        let intent = json!({
            "auditId": "1", "at": "2026-01-31T12:00:00Z", "actor": "anonymous", "from": null,
            "requestId": null, "call": "POST /api/elections", "query": query, "topic": null,
            "reason": null, "request": request,
        });
        serde_json::from_value(intent).unwrap()
    }

    fn outcome(answer: &Value) -> Outcome {
        let outcome = json!({
            "auditId": "1", "at": "2026-01-31T12:00:01Z", "result": "done", "status": 200,
            "code": null, "answer": answer,
        });
        serde_json::from_value(outcome).unwrap()
    }

    #[test]
    fn a_write_is_about_what_its_answer_tells_of() {
        let intent = intent(None, &Value::Null);
        let election = outcome(&json!({"partitions": [{"topic": "a", "partition": 0}]}));
        let applied = outcome(&json!({"topics": [{"topicName": "a", "outcome": "done"}]}));
        for outcome in [election, applied] {
            assert!(is_about("a", &intent, Some(&outcome)));
            assert!(!is_about("b", &intent, Some(&outcome)));
        }
        assert!(!is_about("a", &intent, None));
        let words = outcome(&json!({"detail": "a"}));
        assert!(!is_about("a", &intent, Some(&words)));
    }

    #[test]
    fn a_write_without_an_answer_is_about_what_was_asked() {
        for (query, request) in [
            (Some("to=latest&topics=b%2Ca%3A3&execute=true"), json!(null)),
            (Some("topicName=a"), json!(null)),
            (None, json!({"topics": ["a:3"], "to": "latest"})),
            (None, json!({"topics": "b,a"})),
            (None, json!({"topics": [{"name": "a", "partitions": 1}]})),
            (None, json!({"topics": [], "deletes": ["a"]})),
        ] {
            let intent = intent(query, &request);
            assert!(is_about("a", &intent, None), "{intent:?}");
            assert!(!is_about("c", &intent, None), "{intent:?}");
        }
    }
}
