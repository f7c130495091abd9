//! The fields of one request while they are being read, and what was wrong with them.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::values::{FieldValue, out_of_range};
use crate::problem::{FieldError, Problem};

/// Unknown names that are reported one by one, so that an answer stays small whatever was sent.
const MAX_UNKNOWN_REPORTED: usize = 20;

/// A type that is read from fields.
pub trait FromFields: Sized {
    /// Reads every field first, and only then puts them together with `?`: a field that was not
    /// asked for when this returns counts as unknown.
    ///
    /// None only where a field was wrong, which [`Fields`] has noted.
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

/// The fields of one request. Every read that fails is noted under the field's name, gives None,
/// and becomes part of one answer.
pub struct Fields {
    given: Vec<Given>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

struct Given {
    name: String,
    content: Content,
}

enum Content {
    Text(String),
    Json(Value),
}

impl Fields {
    /// A field that must be there.
    pub fn required<T: FieldValue>(&mut self, name: &'static str) -> Option<T> {
        let value = self.optional(name)?;
        self.require(name, value)
    }

    /// A field that may be absent (or null in JSON): `Some(None)` then.
    pub fn optional<T: FieldValue>(&mut self, name: &'static str) -> Option<Option<T>> {
        self.known.push(name);
        let content = self.given.iter().find(|given| given.name == name);
        let read = match content.map(|given| &given.content) {
            None | Some(Content::Json(Value::Null)) => return Some(None),
            Some(Content::Text(text)) => T::from_text(text),
            Some(Content::Json(value)) => T::from_json(value),
        };
        match read {
            Ok(value) => Some(Some(value)),
            Err(problem) => {
                self.note(name, problem.code, &problem.message);
                None
            }
        }
    }

    /// A field with a value of its own where it is absent.
    pub fn with_default<T: FieldValue>(&mut self, name: &'static str, default: T) -> Option<T> {
        Some(self.optional(name)?.unwrap_or(default))
    }

    /// As [`Fields::required`], within a range.
    pub fn required_in<T>(&mut self, name: &'static str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FieldValue + PartialOrd + Display,
    {
        let value = self.optional_in(name, range)?;
        self.require(name, value)
    }

    /// As [`Fields::optional`], within a range.
    pub fn optional_in<T>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
    ) -> Option<Option<T>>
    where
        T: FieldValue + PartialOrd + Display,
    {
        let noted = self.errors.len();
        let value = self.optional::<T>(name);
        // A number that does not even fit its type is out of the range as well.
        let does_not_fit = self.errors[noted..]
            .iter()
            .any(|error| error.code == "out_of_range");
        let outside = matches!(&value, Some(Some(value)) if !range.contains(value));
        if does_not_fit || outside {
            self.errors.truncate(noted);
            let problem = out_of_range(range.start(), range.end());
            self.note(name, problem.code, &problem.message);
            return None;
        }
        value
    }

    /// As [`Fields::with_default`], within a range; the default is taken as it is.
    pub fn with_default_in<T>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
        default: T,
    ) -> Option<T>
    where
        T: FieldValue + PartialOrd + Display,
    {
        Some(self.optional_in(name, range)?.unwrap_or(default))
    }

    /// Whether a field of this name was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|given| given.name == name)
    }

    /// Replaces what was given, for a call that chooses a field of another itself.
    pub fn set(&mut self, name: &str, value: Value) {
        self.remove(name);
        self.given.push(Given {
            name: name.to_owned(),
            content: Content::Json(value),
        });
    }

    /// Forgets what was given.
    pub fn remove(&mut self, name: &str) {
        self.given.retain(|given| given.name != name);
    }

    /// An object within the JSON body, read as `T`; what is wrong in it is noted as `name.field`.
    pub fn required_object<T: FromFields>(&mut self, name: &'static str) -> Option<T> {
        self.known.push(name);
        let given = self.given.iter().position(|given| given.name == name);
        let content = given.map(|index| &mut self.given[index].content);
        let object = match content {
            None | Some(Content::Json(Value::Null)) => {
                self.note(name, "missing", "is required");
                return None;
            }
            Some(Content::Json(Value::Object(object))) => std::mem::take(object),
            Some(Content::Json(_)) => {
                self.note(name, "wrong_type", "must be an object");
                return None;
            }
            Some(Content::Text(_)) => {
                self.note(name, "json_only", "can be given in a JSON body only");
                return None;
            }
        };
        match Self::of_json(object).read::<T>() {
            Ok(value) => Some(value),
            Err(problem) => {
                let inner = problem.errors.iter().cloned();
                self.errors.extend(inner.map(|error| FieldError {
                    field: format!("{name}.{}", error.field),
                    ..error
                }));
                None
            }
        }
    }

    /// A rule of the call's own, e.g. between fields: notes `message` under `name` unless `ok`.
    pub fn check(&mut self, name: &str, ok: bool, code: &str, message: impl AsRef<str>) {
        if !ok {
            self.note(name, code, message.as_ref());
        }
    }

    pub(super) fn of_query(pairs: Vec<(String, String)>) -> Self {
        Self::new(
            pairs
                .into_iter()
                .map(|(name, text)| (name, Content::Text(text))),
        )
    }

    pub(super) fn of_json(object: Map<String, Value>) -> Self {
        Self::new(
            object
                .into_iter()
                .map(|(name, value)| (name, Content::Json(value))),
        )
    }

    fn new(given: impl Iterator<Item = (String, Content)>) -> Self {
        let given = given
            .map(|(name, content)| Given { name, content })
            .collect();
        Self {
            given,
            known: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Reads a `T` and answers with everything that was wrong.
    pub(super) fn read<T: FromFields>(mut self) -> Result<T, Problem> {
        let value = T::from_fields(&mut self);
        self.refuse_unknown();
        if !self.errors.is_empty() {
            return Err(Problem::invalid_input(self.errors));
        }
        value.ok_or_else(|| Problem::internal("fields were refused without a reason"))
    }

    pub(super) fn note(&mut self, name: &str, code: &str, message: &str) {
        self.errors.push(FieldError {
            field: name.to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
        });
    }

    fn require<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        // One that could not be decoded is not missing.
        let noted = self.errors.iter().any(|error| error.field == name);
        if value.is_none() && !noted {
            self.note(name, "missing", "is required");
        }
        value
    }

    fn refuse_unknown(&mut self) {
        let message = match self.known.as_slice() {
            [] => "is not known: this call takes no fields".to_owned(),
            known => format!("is not known: this call takes {}", known.join(", ")),
        };
        let unknown: Vec<String> = self
            .given
            .iter()
            .map(|given| given.name.clone())
            .filter(|name| !self.known.contains(&name.as_str()))
            .take(MAX_UNKNOWN_REPORTED)
            .collect();
        for name in unknown {
            self.note(&name, "unknown_field", &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Window {
        from: i64,
        to: Option<i64>,
    }

    impl FromFields for Window {
        fn from_fields(fields: &mut Fields) -> Option<Self> {
            let from = fields.required("from");
            let to = fields.optional("to");
            if let (Some(from), Some(Some(to))) = (from, to) {
                fields.check("to", from <= to, "out_of_order", "must not be before from");
            }
            Some(Self {
                from: from?,
                to: to?,
            })
        }
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Window, Problem> {
        let pairs = pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Fields::of_query(pairs.collect()).read()
    }

    #[test]
    fn a_rule_between_fields_refuses_like_any_other() {
        let window = read(&[("from", "1"), ("to", "2")]).unwrap();
        assert_eq!((window.from, window.to), (1, Some(2)));
        let problem = read(&[("from", "2"), ("to", "1")]).err().unwrap();
        assert_eq!(problem.detail, "to must not be before from");
        assert_eq!(problem.errors[0].code, "out_of_order");
    }

    struct Pair {
        first: Window,
    }

    impl FromFields for Pair {
        fn from_fields(fields: &mut Fields) -> Option<Self> {
            Some(Self {
                first: fields.required_object("first")?,
            })
        }
    }

    fn read_json(body: Value) -> Result<Pair, Problem> {
        let Value::Object(object) = body else {
            panic!("an object is wanted");
        };
        Fields::of_json(object).read()
    }

    #[test]
    fn an_object_is_read_by_its_own_rules_under_its_name() {
        let pair = read_json(serde_json::json!({"first": {"from": 1}})).unwrap();
        assert_eq!((pair.first.from, pair.first.to), (1, None));
        let body = serde_json::json!({"first": {"from": 2, "to": 1, "x": 0}});
        let problem = read_json(body).err().unwrap();
        let fields: Vec<_> = problem.errors.iter().map(|error| &*error.field).collect();
        assert_eq!(fields, ["first.to", "first.x"]);
    }

    #[test]
    fn a_field_that_the_call_chooses_is_the_call_s() {
        let mut fields = Fields::of_query(vec![("from".into(), "x".into())]);
        assert!(fields.has("from") && !fields.has("to"));
        fields.set("from", 7.into());
        assert_eq!(fields.read::<Window>().unwrap().from, 7);
    }

    #[test]
    fn what_is_no_object_is_told() {
        for (body, code) in [
            (serde_json::json!({}), "missing"),
            (serde_json::json!({"first": 1}), "wrong_type"),
        ] {
            assert_eq!(read_json(body).err().unwrap().errors[0].code, code);
        }
        let query = Fields::of_query(vec![("first".into(), "1".into())]);
        assert_eq!(
            query.read::<Pair>().err().unwrap().errors[0].code,
            "json_only"
        );
    }

    #[test]
    fn a_call_that_takes_no_fields_says_so() {
        struct Nothing;
        impl FromFields for Nothing {
            fn from_fields(_: &mut Fields) -> Option<Self> {
                Some(Self)
            }
        }
        let fields = Fields::of_query(vec![("verbose".into(), String::new())]);
        let problem = fields.read::<Nothing>().err().unwrap();
        assert_eq!(
            problem.detail,
            "verbose is not known: this call takes no fields"
        );
    }

    #[test]
    fn a_type_that_refuses_without_a_reason_is_the_service_s_own_fault() {
        struct Never;
        impl FromFields for Never {
            fn from_fields(_: &mut Fields) -> Option<Self> {
                None
            }
        }
        let problem = Fields::of_query(Vec::new()).read::<Never>().err().unwrap();
        assert_eq!((problem.status.as_u16(), problem.code), (500, "internal"));
    }
}
