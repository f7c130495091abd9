//! The fields of a plan as `POST /api/loadtest/run` documents them: the command line and the page are
//! made from this, so that a field is described in one place.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::plan::RunRequest;

/// One field.
#[derive(Debug, Clone)]
pub struct PlanField {
    /// Its name in JSON and in the query.
    pub name: String,
    /// What it is, without the full stop at its end.
    pub description: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it must be given.
    pub required: bool,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// One of these.
    Choice(Vec<String>),
}

/// All fields, in the order of the documentation.
#[must_use]
pub fn plan_fields() -> Vec<PlanField> {
    let mut referred = Vec::new();
    RunRequest::schemas(&mut referred);
    let referred: BTreeMap<_, _> = referred.into_iter().collect();
    let RefOr::T(Schema::Object(request)) = RunRequest::schema() else {
        unreachable!("the request is documented as an object");
    };
    let field = |(name, schema): (&String, &RefOr<Schema>)| {
        let own = object(schema, &referred);
        let description = own.and_then(|own| own.description.clone());
        PlanField {
            name: name.clone(),
            description: one_line(described(schema).or(description)),
            kind: own.map_or(FieldKind::Text, kind),
            required: request.required.contains(name),
        }
    };
    request.properties.iter().map(field).collect()
}

fn one_line(text: Option<String>) -> String {
    let text = text.unwrap_or_default().replace('\n', " ");
    text.trim_end_matches('.').to_owned()
}

/// What stands at the field itself, where its type is described elsewhere.
fn described(schema: &RefOr<Schema>) -> Option<String> {
    match schema {
        RefOr::T(Schema::OneOf(one_of)) => one_of.description.clone(),
        RefOr::T(Schema::AllOf(all_of)) => all_of.description.clone(),
        RefOr::Ref(reference) => Some(reference.description.clone()).filter(|d| !d.is_empty()),
        RefOr::T(_) => None,
    }
}

/// The object that a schema is, or refers to; what may be null is "one of null and the thing".
fn object<'a>(
    schema: &'a RefOr<Schema>,
    referred: &'a BTreeMap<String, RefOr<Schema>>,
) -> Option<&'a Object> {
    let first = |items: &'a [RefOr<Schema>]| {
        let mut objects = items.iter().filter_map(|item| object(item, referred));
        objects.find(|object| object.schema_type != SchemaType::Type(Type::Null))
    };
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next()?;
            object(referred.get(name)?, referred)
        }
        RefOr::T(Schema::Object(object)) => Some(object),
        RefOr::T(Schema::OneOf(one_of)) => first(&one_of.items),
        RefOr::T(Schema::AllOf(all_of)) => first(&all_of.items),
        RefOr::T(_) => None,
    }
}

fn kind(object: &Object) -> FieldKind {
    let is = |wanted: Type| match &object.schema_type {
        SchemaType::Type(one) => *one == wanted,
        SchemaType::Array(several) => several.contains(&wanted),
        SchemaType::AnyValue => false,
    };
    if let Some(values) = &object.enum_values {
        let texts = values.iter().filter_map(Value::as_str);
        FieldKind::Choice(texts.map(str::to_owned).collect())
    } else if is(Type::Boolean) {
        FieldKind::Flag
    } else if is(Type::Integer) || is(Type::Number) {
        FieldKind::Number
    } else {
        FieldKind::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_described() {
        let fields = plan_fields();
        for field in &fields {
            assert!(!field.description.is_empty(), "{field:?}");
            assert!(!field.description.contains('\n'), "{field:?}");
        }
        let of = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
        assert!(of("topic").required && of("topic").kind == FieldKind::Text);
        assert!(!of("rate").required && of("rate").kind == FieldKind::Number);
    }
}
