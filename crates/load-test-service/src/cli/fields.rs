//! The numbers of a report by their names: what a condition may speak of.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::run::RunReport;

/// Nesting of a report that is looked into.
const DEPTH: usize = 4;
/// Field of a report whose numbers may be named without it.
const SHORT: &str = "latency";

/// The numbers of one report.
#[derive(Debug)]
pub struct ReportFields(BTreeMap<String, f64>);

impl ReportFields {
    /// All numbers, booleans as 0 and 1; not those in lists.
    pub fn of(report: &RunReport) -> serde_json::Result<Self> {
        let mut fields = BTreeMap::new();
        collect("", &serde_json::to_value(report)?, &mut fields);
        Ok(Self(fields))
    }

    /// The number of this name, in camel case or with underscores.
    pub fn get(&self, name: &str) -> Option<f64> {
        let wanted = spelled(name);
        let found = |wanted: &str| {
            let mut fields = self.0.iter();
            fields.find_map(|(name, value)| (spelled(name) == wanted).then_some(*value))
        };
        found(&wanted).or_else(|| found(&format!("{SHORT}.{wanted}")))
    }

    /// Whether any report may have a number of this name.
    pub fn may_have(name: &str) -> bool {
        let wanted = spelled(name);
        let known = known_fields();
        let mut known = known.iter().map(|known| spelled(known));
        known.any(|known| known == wanted || known == format!("{SHORT}.{wanted}"))
    }
}

/// Names of all numbers that a report may have, from its documentation.
pub fn known_fields() -> Vec<String> {
    let mut schemas = Vec::new();
    RunReport::schemas(&mut schemas);
    let schemas: BTreeMap<_, _> = schemas.into_iter().collect();
    let mut names = Vec::new();
    collect_names("", &RunReport::schema(), &schemas, DEPTH, &mut names);
    names
}

fn spelled(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn collect(path: &str, value: &Value, fields: &mut BTreeMap<String, f64>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                collect(&join(path, name), value, fields);
            }
        }
        Value::Number(number) => {
            fields.extend(number.as_f64().map(|number| (path.to_owned(), number)));
        }
        Value::Bool(flag) => {
            fields.insert(path.to_owned(), f64::from(u8::from(*flag)));
        }
        _ => {}
    }
}

fn collect_names(
    path: &str,
    schema: &RefOr<Schema>,
    schemas: &BTreeMap<String, RefOr<Schema>>,
    depth: usize,
    names: &mut Vec<String>,
) {
    if depth == 0 {
        return;
    }
    match schema {
        RefOr::Ref(Ref { ref_location, .. }) => {
            let name = ref_location.rsplit('/').next().unwrap_or_default();
            if let Some(schema) = schemas.get(name) {
                collect_names(path, schema, schemas, depth, names);
            }
        }
        RefOr::T(Schema::Object(object)) => {
            if is_number(&object.schema_type) {
                names.push(path.to_owned());
            }
            for (name, schema) in &object.properties {
                collect_names(&join(path, name), schema, schemas, depth - 1, names);
            }
        }
        // What may be null is "one of null and the thing".
        RefOr::T(Schema::OneOf(one_of)) => {
            for schema in &one_of.items {
                collect_names(path, schema, schemas, depth, names);
            }
        }
        RefOr::T(Schema::AllOf(all_of)) => {
            for schema in &all_of.items {
                collect_names(path, schema, schemas, depth, names);
            }
        }
        RefOr::T(_) => {}
    }
}

fn is_number(schema_type: &SchemaType) -> bool {
    let number = |t: &Type| matches!(t, Type::Integer | Type::Number | Type::Boolean);
    match schema_type {
        SchemaType::Type(one) => number(one),
        SchemaType::Array(several) => several.iter().any(number),
        SchemaType::AnyValue => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::sample_report;

    #[test]
    fn every_number_of_a_report_is_known_beforehand() {
        let report = sample_report("a");
        let known = known_fields();
        for name in ReportFields::of(&report).unwrap().0.keys() {
            // What is counted by error has names that nobody knows beforehand.
            assert!(
                known.contains(name) || name.starts_with("failures.byError."),
                "{name} of {known:?}"
            );
        }
        for name in [
            "latency.p99Ms",
            "failures.notWritten",
            "maxScheduleLagMs",
            "throughput",
        ] {
            assert!(
                known.iter().any(|known| known == name),
                "{name} of {known:?}"
            );
        }
    }

    #[test]
    fn latencies_may_be_named_without_saying_latency() {
        let fields = ReportFields::of(&sample_report("a")).unwrap();
        let p99 = fields.get("p99_ms").unwrap();
        for same in ["p99Ms", "latency.p99Ms", "latency.p99_ms"] {
            assert_eq!(fields.get(same), Some(p99), "{same}");
        }
        assert_eq!(fields.get("failures.not_written"), Some(0.0));
        assert_eq!(fields.get("label"), None);
    }
}
