//! The conditions of `--fail-if`: `FIELD OPERATOR NUMBER`.

use std::fmt;
use std::str::FromStr;

use super::fields::{ReportFields, known_fields};

/// Longest first, so that `>=` is not read as `>`.
const OPERATORS: [(&str, Operator); 6] = [
    (">=", |a, b| a >= b),
    ("<=", |a, b| a <= b),
    ("==", |a, b| a == b),
    ("!=", |a, b| a != b),
    (">", |a, b| a > b),
    ("<", |a, b| a < b),
];

type Operator = fn(&f64, &f64) -> bool;

/// A condition that fails a run.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    field: String,
    is_true: Operator,
    number: f64,
}

/// Why a text is no condition.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum NoCondition {
    /// It has not the form.
    #[error("expected FIELD OPERATOR NUMBER such as 'p99_ms>20'")]
    Form,
    /// There is no such number.
    #[error("{0:?} is not a number")]
    Number(String),
    /// No report has such a field.
    #[error("{0:?} is no number of a report: there are {known}", known = known_fields().join(", "))]
    Field(String),
}

impl FromStr for Condition {
    type Err = NoCondition;

    fn from_str(text: &str) -> Result<Self, NoCondition> {
        let (field, is_true, number) = OPERATORS
            .iter()
            .filter_map(|(sign, operator)| {
                let (field, number) = text.split_once(sign)?;
                Some((field.trim(), *operator, number.trim()))
            })
            // The operator that comes first; of two at the same place the longer.
            .min_by_key(|(field, _, _)| field.len())
            .ok_or(NoCondition::Form)?;
        if field.is_empty() || number.is_empty() {
            return Err(NoCondition::Form);
        }
        let number = match number.parse::<f64>() {
            Ok(parsed) if parsed.is_finite() => parsed,
            _ => return Err(NoCondition::Number(number.to_owned())),
        };
        if !ReportFields::may_have(field) {
            return Err(NoCondition::Field(field.to_owned()));
        }
        Ok(Self {
            text: text.trim().to_owned(),
            field: field.to_owned(),
            is_true,
            number,
        })
    }
}

impl Condition {
    /// In words why a run of these fields fails by this condition; `None` where it does not. What the
    /// report lacks cannot be said to hold.
    pub fn failure(&self, fields: &ReportFields) -> Option<String> {
        match fields.get(&self.field) {
            Some(value) if (self.is_true)(&value, &self.number) => {
                Some(format!("{self}: it is {value}"))
            }
            Some(_) => None,
            None => Some(format!("{self}: the report of this run has no such value")),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::sample_report;

    fn fails(text: &str) -> bool {
        let fields = ReportFields::of(&sample_report("a")).unwrap();
        text.parse::<Condition>()
            .unwrap()
            .failure(&fields)
            .is_some()
    }

    #[test]
    fn every_operator_compares_as_it_reads() {
        // 1,000 events were acknowledged.
        for (text, failing) in [
            ("acknowledged>999", true),
            ("acknowledged > 1000", false),
            ("acknowledged>=1000", true),
            ("acknowledged<1000", false),
            ("acknowledged<=1000", true),
            ("acknowledged==1000", true),
            ("acknowledged!=1000", false),
            ("acknowledged<1e6", true),
        ] {
            assert_eq!(fails(text), failing, "{text}");
        }
    }

    #[test]
    fn what_the_report_lacks_fails() {
        // It was sent as fast as possible: there is no schedule to lag behind.
        assert!(fails("max_schedule_lag_ms>1000"));
    }

    #[test]
    fn what_is_no_condition_is_told_before_the_run() {
        let refused = |text: &str| text.parse::<Condition>().err().unwrap().to_string();
        for text in ["", "p99_ms", ">20", "p99_ms>", "p99_ms=20"] {
            assert!(refused(text).starts_with("expected"), "{text}");
        }
        assert_eq!(refused("p99_ms>20ms"), "\"20ms\" is not a number");
        assert_eq!(refused("p99_ms>inf"), "\"inf\" is not a number");
        let message = refused("p98_ms>20");
        assert!(message.contains("\"p98_ms\""), "{message}");
        assert!(message.contains("latency.p99Ms"), "{message}");
    }
}
