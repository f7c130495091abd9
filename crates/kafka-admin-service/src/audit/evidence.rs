//! What the audit keeps of an answer in place of its body: for calls whose answer has none, or more than a
//! record takes.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::kept::LONGEST;

/// Bytes of what stands beside the items, at most.
const BESIDE: usize = 1024;

/// What was there before and what changed; an extension of a response.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence(Value);

impl Evidence {
    /// A document that is short by its nature.
    #[must_use]
    pub fn of(document: Map<String, Value>) -> Self {
        Self(Value::Object(document))
    }

    /// As many of `items` as a record takes, in their order, under `name`; `leftOut` says how many more
    /// there were.
    #[must_use]
    pub fn of_items(name: &str, items: impl Iterator<Item = impl Serialize>) -> Self {
        let (mut kept, mut left_out) = (Vec::new(), 0);
        let mut room = LONGEST - BESIDE;
        for item in items {
            // Plain data: texts and numbers.
            let item = serde_json::to_value(item).unwrap_or_default();
            let length = item.to_string().len() + 1;
            if length <= room {
                room -= length;
                kept.push(item);
            } else {
                left_out += 1;
            }
        }
        Self(json!({name: kept, "leftOut": left_out}))
    }

    /// The document, where a record takes it.
    pub(super) fn into_answer(self) -> Option<Value> {
        (self.0.to_string().len() <= LONGEST).then_some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_items_those_that_a_record_takes_are_kept() {
        let few = Evidence::of_items("topics", ["a", "b"].iter());
        let whole = json!({"topics": ["a", "b"], "leftOut": 0});
        assert_eq!(few.into_answer(), Some(whole));
        let items = vec!["x".repeat(1_000); 100];
        let some = Evidence::of_items("topics", items.iter()).into_answer();
        let some = some.expect("it is within the bound");
        let kept = some["topics"].as_array().unwrap().len();
        assert!((50..=64).contains(&kept), "{kept}");
        assert_eq!(some["leftOut"], 100 - kept);
    }
}
