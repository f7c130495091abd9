//! What a caller wants of settings.

use std::collections::BTreeMap;

use serde_json::Value;
use service_kit::{FieldProblem, FieldValue, Fields, FromFields};

/// Values by setting; `None` takes an override back, so that the default applies again.
type Values = BTreeMap<String, Option<String>>;

/// How far a write reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Only what is named changes (PATCH).
    Merge,
    /// What is not named is taken back (PUT).
    Replace,
}

/// A write to the settings of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigWrite {
    /// What is wanted.
    pub configs: Values,
    /// Only say what would be done.
    pub validate_only: bool,
}

/// The state that a caller has seen: the write is refused when it is not that any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// Whatever it is.
    Any,
    /// One of these, with their quotes.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Reads the header; its absence asks for nothing.
    #[must_use]
    pub fn of(header: Option<&str>) -> Self {
        match header.map(str::trim) {
            None | Some("*") => Self::Any,
            Some(list) => Self::OneOf(list.split(',').map(|tag| tag.trim().to_owned()).collect()),
        }
    }

    /// Whether `etag` will do.
    #[must_use]
    pub fn allows(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|tag| tag == etag),
        }
    }
}

/// Values as JSON gives them; null is a wish of its own.
struct ConfigValues(Values);

impl FieldValue for ConfigValues {
    fn from_text(text: &str) -> Result<Self, FieldProblem> {
        BTreeMap::<String, String>::from_text(text).map(|_| Self(Values::new()))
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        let Some(object) = value.as_object() else {
            return Err(FieldProblem::new("wrong_type", "must be an object"));
        };
        let mut values = Values::new();
        let mut texts = serde_json::Map::new();
        for (name, value) in object {
            if value.is_null() {
                values.insert(name.clone(), None);
            } else {
                texts.insert(name.clone(), value.clone());
            }
        }
        let texts = BTreeMap::<String, String>::from_json(&Value::Object(texts))?;
        values.extend(texts.into_iter().map(|(name, text)| (name, Some(text))));
        Ok(Self(values))
    }
}

impl FromFields for ConfigWrite {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let configs = fields.required::<ConfigValues>("configs");
        let validate_only = fields.with_default("validateOnly", false);
        Some(Self {
            configs: configs?.0,
            validate_only: validate_only?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_takes_a_setting_back_and_numbers_are_texts() {
        let json = json!({"retention.ms": 1000, "segment.ms": null, "preallocate": false});
        let values = ConfigValues::from_json(&json).unwrap().0;
        assert_eq!(values["retention.ms"].as_deref(), Some("1000"));
        assert_eq!(values["segment.ms"], None);
        assert_eq!(values["preallocate"].as_deref(), Some("false"));
        assert!(ConfigValues::from_json(&json!({"a": [1]})).is_err());
        assert!(ConfigValues::from_text("a").is_err());
    }

    #[test]
    fn if_match_takes_one_of_several_or_any() {
        assert!(IfMatch::of(None).allows("\"a\""));
        assert!(IfMatch::of(Some("*")).allows("\"a\""));
        let two = IfMatch::of(Some("\"a\", \"b\""));
        assert!(two.allows("\"b\"") && !two.allows("\"c\""));
        assert!(!IfMatch::of(Some("a")).allows("\"a\""));
    }
}
