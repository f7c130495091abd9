//! How one field's value is read, from the text of a query or path and from JSON.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

/// What is wrong with a value; the message reads on after the field's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Stable name in snake case.
    pub code: &'static str,
    /// E.g. `must be between 1 and 100000`.
    pub message: String,
}

impl FieldProblem {
    /// A problem with `code` and `message`.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// A type that one field can hold.
pub trait FieldValue: Sized {
    /// Reads it from a query or path parameter, already percent-decoded.
    ///
    /// # Errors
    /// The text is no such value.
    fn from_text(text: &str) -> Result<Self, FieldProblem>;

    /// Reads it from JSON; never null, which counts as absent.
    ///
    /// # Errors
    /// The value is of another type or is no such value.
    fn from_json(value: &Value) -> Result<Self, FieldProblem>;
}

pub(super) fn out_of_range(least: impl Display, most: impl Display) -> FieldProblem {
    FieldProblem::new(
        "out_of_range",
        format!("must be between {least} and {most}"),
    )
}

fn wrong_type(expected: &str) -> FieldProblem {
    FieldProblem::new("wrong_type", format!("must be {expected}"))
}

/// A text, not empty.
impl FieldValue for String {
    fn from_text(text: &str) -> Result<Self, FieldProblem> {
        if text.is_empty() {
            return Err(FieldProblem::new("empty", "must not be empty"));
        }
        Ok(text.to_owned())
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        Self::from_text(value.as_str().ok_or_else(|| wrong_type("a text"))?)
    }
}

impl FieldValue for bool {
    fn from_text(text: &str) -> Result<Self, FieldProblem> {
        text.parse().map_err(|_| wrong_type("true or false"))
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        value.as_bool().ok_or_else(|| wrong_type("true or false"))
    }
}

/// Read as the widest integer first, so that a number that is merely too large is told so.
fn integer<T>(wide: Option<i128>, least: T, most: T) -> Result<T, FieldProblem>
where
    T: TryFrom<i128> + Display,
{
    let wide = wide.ok_or_else(|| wrong_type("a whole number"))?;
    T::try_from(wide).map_err(|_| out_of_range(least, most))
}

fn integer_of_text(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    // More digits than i128 holds are still a whole number, only far out of range.
    whole.then(|| text.parse().unwrap_or(i128::MAX))
}

fn integer_of_json(value: &Value) -> Option<i128> {
    let number = value.as_number()?;
    number.as_i128().or_else(|| {
        // serde_json reads an integer beyond u64 as a float.
        let float = number.as_f64()?;
        (float.fract() == 0.0 && float.abs() > 1e15).then_some(i128::MAX)
    })
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl FieldValue for $type {
            fn from_text(text: &str) -> Result<Self, FieldProblem> {
                integer(integer_of_text(text), Self::MIN, Self::MAX)
            }

            fn from_json(value: &Value) -> Result<Self, FieldProblem> {
                integer(integer_of_json(value), Self::MIN, Self::MAX)
            }
        }
    )*};
}

integers!(u16, i32, u32, i64, u64, usize);

/// A finite number.
impl FieldValue for f64 {
    fn from_text(text: &str) -> Result<Self, FieldProblem> {
        let number = text
            .parse::<Self>()
            .ok()
            .filter(|number| number.is_finite());
        number.ok_or_else(|| wrong_type("a number"))
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        value.as_f64().ok_or_else(|| wrong_type("a number"))
    }
}

/// Whole milliseconds, not negative; the field's name ends in `Ms`.
impl FieldValue for Duration {
    fn from_text(text: &str) -> Result<Self, FieldProblem> {
        u64::from_text(text).map(Self::from_millis)
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        u64::from_json(value).map(Self::from_millis)
    }
}

/// An RFC 3339 time with its offset.
impl FieldValue for Timestamp {
    fn from_text(text: &str) -> Result<Self, FieldProblem> {
        let expected = "an RFC 3339 time such as 2026-11-22T17:06:00Z";
        text.parse()
            .map_err(|_| FieldProblem::new("wrong_type", format!("must be {expected}")))
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        Self::from_text(value.as_str().unwrap_or_default())
    }
}

/// Values separated by commas in a query; a list in JSON.
impl<T: FieldValue> FieldValue for Vec<T> {
    fn from_text(text: &str) -> Result<Self, FieldProblem> {
        text.split(',').map(T::from_text).collect()
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        let list = value.as_array().ok_or_else(|| wrong_type("a list"))?;
        list.iter().map(T::from_json).collect()
    }
}

/// Texts by name, e.g. topic settings: JSON only. Numbers and booleans are taken as their text,
/// since `"retention.ms": 604800000` is what people write.
impl FieldValue for BTreeMap<String, String> {
    fn from_text(_: &str) -> Result<Self, FieldProblem> {
        let message = "can be given in a JSON body only";
        Err(FieldProblem::new("json_only", message))
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        let object = value.as_object().ok_or_else(|| wrong_type("an object"))?;
        object
            .iter()
            .map(|(name, value)| Ok((name.clone(), setting_text(name, value)?)))
            .collect()
    }
}

fn setting_text(name: &str, value: &Value) -> Result<String, FieldProblem> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => {
            let message = format!("must have a text for {name:?}");
            Err(FieldProblem::new("wrong_type", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code<T>(read: Result<T, FieldProblem>) -> Option<&'static str> {
        read.err().map(|problem| problem.code)
    }

    #[test]
    fn integers_keep_to_their_type_s_bounds() {
        assert_eq!(i32::from_text("-5"), Ok(-5));
        assert_eq!(u64::from_text("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(
            u64::from_json(&json!(18_446_744_073_709_551_615_u64)),
            Ok(u64::MAX)
        );
        assert_eq!(code(u32::from_text("-1")), Some("out_of_range"));
        assert_eq!(
            code(i32::from_json(&json!(2_147_483_648_i64))),
            Some("out_of_range")
        );
        assert_eq!(code(i64::from_text(&"9".repeat(50))), Some("out_of_range"));
        assert_eq!(code(i64::from_json(&json!(2.5))), Some("wrong_type"));
        let problem = i32::from_text("3000000000").unwrap_err();
        assert_eq!(
            problem.message,
            "must be between -2147483648 and 2147483647"
        );
    }

    #[test]
    fn numbers_are_finite() {
        assert_eq!(f64::from_text("0.5"), Ok(0.5));
        for text in ["inf", "NaN", "1e999", ""] {
            assert_eq!(code(f64::from_text(text)), Some("wrong_type"), "{text}");
        }
    }

    #[test]
    fn a_text_is_not_empty_and_not_a_number() {
        assert_eq!(code(String::from_text("")), Some("empty"));
        assert_eq!(code(String::from_json(&json!(""))), Some("empty"));
        assert_eq!(code(String::from_json(&json!(1))), Some("wrong_type"));
    }

    #[test]
    fn truth_is_spelt_out() {
        assert_eq!(bool::from_text("true"), Ok(true));
        assert_eq!(code(bool::from_text("yes")), Some("wrong_type"));
        assert_eq!(code(bool::from_json(&json!("true"))), Some("wrong_type"));
    }

    #[test]
    fn a_duration_is_whole_milliseconds() {
        assert_eq!(
            Duration::from_text("1500"),
            Ok(Duration::from_millis(1_500))
        );
        assert_eq!(code(Duration::from_text("-1")), Some("out_of_range"));
        assert_eq!(code(Duration::from_json(&json!("1s"))), Some("wrong_type"));
    }

    #[test]
    fn a_time_has_an_offset() {
        let expected: Timestamp = "2026-11-22T16:06:00Z".parse().unwrap();
        assert_eq!(
            Timestamp::from_text("2026-11-22T17:06:00+01:00"),
            Ok(expected)
        );
        assert_eq!(
            code(Timestamp::from_text("2026-11-22T17:06:00")),
            Some("wrong_type")
        );
        assert_eq!(code(Timestamp::from_json(&json!(1))), Some("wrong_type"));
    }

    #[test]
    fn a_list_is_separated_by_commas_or_a_json_list() {
        assert_eq!(Vec::<i32>::from_text("1,2"), Ok(vec![1, 2]));
        assert_eq!(Vec::<i32>::from_json(&json!([1, 2])), Ok(vec![1, 2]));
        assert_eq!(code(Vec::<String>::from_text("a,,b")), Some("empty"));
        assert_eq!(
            code(Vec::<String>::from_json(&json!("a"))),
            Some("wrong_type")
        );
    }

    #[test]
    fn settings_are_texts_and_take_numbers_and_truth_values() {
        type Settings = BTreeMap<String, String>;
        let value = json!({"retention.ms": 604_800_000, "preallocate": true, "a": "b"});
        let settings = Settings::from_json(&value).unwrap();
        assert_eq!(settings["retention.ms"], "604800000");
        assert_eq!(settings["preallocate"], "true");
        assert_eq!(
            code(Settings::from_json(&json!({"a": null}))),
            Some("wrong_type")
        );
        assert_eq!(code(Settings::from_json(&json!([]))), Some("wrong_type"));
        assert_eq!(code(Settings::from_text("a=b")), Some("json_only"));
    }
}
