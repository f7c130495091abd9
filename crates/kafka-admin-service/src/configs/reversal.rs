//! Taking back what an audited write changed: a pure function of its entry.

use std::collections::BTreeMap;

use kafka_cluster::ConfigEntry;
use serde::Deserialize;
use service_kit::FieldError;

use super::difference::FIELD;
use super::{ConfigTarget, same_value};
use crate::audit::{Entry, WriteResult};

/// The way back from one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversal {
    /// What was there before; `None` where a default applied.
    pub wanted: BTreeMap<String, Option<String>>,
    /// What the write left.
    left: BTreeMap<String, Option<String>>,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRevertible {
    /// It is about something else.
    #[error("that write was {call}, not one to these settings")]
    OtherCall {
        /// The call.
        call: String,
    },
    /// It changed nothing, or nobody knows.
    #[error("that write was not done, or not known to be")]
    NotDone,
    /// What was there before is not in the audit.
    #[error("what {} was before is not kept: it is sensitive", names.join(", "))]
    NotKept {
        /// The settings.
        names: Vec<String>,
    },
}

/// What the answer of a write says of each setting.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    field: String,
    before: Option<String>,
    #[serde(default)]
    before_inherited: bool,
    after: Option<String>,
}

impl Reversal {
    /// The way back from the write that `entry` tells of.
    ///
    /// # Errors
    /// It is not one to the settings of `target`, it was not done, or what was there is not known.
    pub fn of(entry: &Entry, target: &ConfigTarget) -> Result<Self, NotRevertible> {
        let call = &entry.intent.call;
        let path = call.split_once(' ').map_or("", |(_, path)| path);
        let own = target.path();
        if path.strip_suffix("/revert").unwrap_or(path) != own {
            return Err(NotRevertible::OtherCall { call: call.clone() });
        }
        let done = entry.outcome.as_ref();
        let done = done.filter(|outcome| outcome.result == WriteResult::Done);
        let answer = done.and_then(|outcome| outcome.answer.as_ref());
        let changes = answer.ok_or(NotRevertible::NotDone)?["changes"].clone();
        let changes: Vec<Change> =
            serde_json::from_value(changes).map_err(|_| NotRevertible::NotDone)?;
        let mut reversal = Self {
            wanted: BTreeMap::new(),
            left: BTreeMap::new(),
        };
        let mut names = Vec::new();
        for change in changes {
            let name = change.field.trim_start_matches(FIELD).to_owned();
            if change.before.is_none() && !change.before_inherited {
                names.push(name);
                continue;
            }
            let before = change.before.filter(|_| !change.before_inherited);
            reversal.wanted.insert(name.clone(), before);
            reversal.left.insert(name, change.after);
        }
        if names.is_empty() {
            Ok(reversal)
        } else {
            Err(NotRevertible::NotKept { names })
        }
    }

    /// The settings that are not any more as the write left them.
    #[must_use]
    pub fn moved_on(&self, target: &ConfigTarget, entries: &[ConfigEntry]) -> Vec<FieldError> {
        let moved = self.left.iter().filter(|(name, left)| {
            let own = entries.iter().find(|entry| entry.name == **name);
            let own = own.filter(|entry| target.overrides(entry));
            match (own.and_then(|entry| entry.value.as_deref()), left) {
                (Some(value), Some(left)) => !same_value(left, value),
                (None, None) => false,
                (Some(_), None) | (None, Some(_)) => true,
            }
        });
        moved
            .map(|(name, _)| FieldError {
                field: format!("{FIELD}{name}"),
                code: "changed_since".to_owned(),
                message: "was changed again since; force=true takes that back as well".to_owned(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::ConfigSource;
    use serde_json::{Value, json};

    use super::*;
    use crate::configs::fixtures::entry as setting;
    use crate::topic::TopicName;

    fn entry(call: &str, result: &str, changes: &Value) -> Entry {
        let intent = json!({
            "auditId": "1", "at": "2026-01-31T12:00:00Z", "actor": "anonymous", "from": null,
            "requestId": null, "call": call, "query": null, "topic": "a", "reason": null, "request": null,
        });
        let outcome = json!({
            "auditId": "1", "at": "2026-01-31T12:00:01Z", "result": result, "status": 200, "code": null,
            "answer": {"changes": changes},
        });
        Entry {
            intent: serde_json::from_value(intent).unwrap(),
            outcome: Some(serde_json::from_value(outcome).unwrap()),
        }
    }

    fn topic() -> ConfigTarget {
        ConfigTarget::Topic(TopicName::parse("a").unwrap())
    }

    const CALL: &str = "PATCH /api/topics/a/configs";

    #[test]
    fn what_was_there_comes_back_and_what_was_a_default_is_taken_back() {
        let changes = json!([
            {"field": "configs.retention.ms", "before": "1", "after": "2"},
            {"field": "configs.segment.ms", "before": "7", "beforeInherited": true, "after": "8"},
        ]);
        let reversal = Reversal::of(&entry(CALL, "done", &changes), &topic()).unwrap();
        assert_eq!(reversal.wanted["retention.ms"].as_deref(), Some("1"));
        assert_eq!(reversal.wanted["segment.ms"], None);

        let own = ConfigSource::DynamicTopicConfig;
        let mut now = vec![
            setting("retention.ms", "2", own),
            setting("segment.ms", "8", own),
        ];
        assert_eq!(reversal.moved_on(&topic(), &now), []);
        now[0].value = Some("3".to_owned());
        now[1].source = ConfigSource::DefaultConfig;
        let moved = reversal.moved_on(&topic(), &now);
        let fields: Vec<_> = moved.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["configs.retention.ms", "configs.segment.ms"]);
    }

    #[test]
    fn what_cannot_be_taken_back_is_told() {
        let changes = json!([{"field": "configs.retention.ms", "before": "1", "after": "2"}]);
        let other = entry("DELETE /api/topics/a", "done", &changes);
        assert!(matches!(
            Reversal::of(&other, &topic()),
            Err(NotRevertible::OtherCall { .. })
        ));
        let refused = entry(CALL, "refused", &changes);
        assert_eq!(
            Reversal::of(&refused, &topic()),
            Err(NotRevertible::NotDone)
        );
        let secret = json!([{"field": "configs.password", "before": null, "after": null}]);
        let names = vec!["password".to_owned()];
        assert_eq!(
            Reversal::of(&entry(CALL, "done", &secret), &topic()),
            Err(NotRevertible::NotKept { names })
        );
    }
}
