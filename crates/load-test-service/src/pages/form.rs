//! The form that starts a run: the documented fields of a plan, with what was typed and what is wrong
//! with it.

use service_kit::Problem;

use crate::plan_fields::{FieldKind, PlanField, plan_fields};

/// Fields that stand at once on the page, with what is in them at first; the others are folded away.
const FIRST: [(&str, &str); 4] = [
    ("topic", "log-events"),
    ("eventCount", "100000"),
    ("rate", "10000"),
    ("label", ""),
];

/// What a field looks like.
pub struct Shown {
    pub field: PlanField,
    /// Its name in words.
    pub title: String,
    pub value: String,
    pub problem: Option<String>,
}

impl Shown {
    /// What the field is; the marks around names are of the API's documentation.
    pub fn hint(&self) -> String {
        self.field.description.replace('`', "")
    }

    pub fn choices(&self) -> &[String] {
        match &self.field.kind {
            FieldKind::Choice(values) => values,
            _ => &[],
        }
    }

    pub fn is_flag(&self) -> bool {
        self.field.kind == FieldKind::Flag
    }

    pub fn is_choice(&self) -> bool {
        !self.choices().is_empty()
    }

    pub fn is_number(&self) -> bool {
        self.field.kind == FieldKind::Number
    }

    pub fn has(&self, value: &str) -> bool {
        self.value == value
    }
}

/// The form.
pub struct Form {
    pub first: Vec<Shown>,
    pub more: Vec<Shown>,
    /// Whether the others must be seen: one of them was given or is wrong.
    pub open: bool,
    /// What is wrong, unless it is said at a field.
    pub problem: Option<String>,
}

impl Form {
    /// As it is at first.
    pub fn fresh() -> Self {
        let given = FIRST.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self::with(&given, None)
    }

    /// With what was typed, and why it was refused.
    pub fn with(given: &[(String, String)], problem: Option<&Problem>) -> Self {
        let is_first = |name: &str| FIRST.iter().any(|(first, _)| *first == name);
        let shown = |field: PlanField| {
            let value = given.iter().find(|(name, _)| *name == field.name);
            let errors = problem.iter().flat_map(|problem| &problem.errors);
            let messages: Vec<_> = errors
                .filter(|error| error.field == field.name)
                .map(|error| error.message.as_str())
                .collect();
            Shown {
                title: in_words(&field.name),
                value: value.map(|(_, value)| value.clone()).unwrap_or_default(),
                problem: (!messages.is_empty()).then(|| messages.join("; ")),
                field,
            }
        };
        let (mut first, more): (Vec<_>, Vec<_>) = plan_fields()
            .into_iter()
            .map(shown)
            .partition(|shown| is_first(&shown.field.name));
        first.sort_by_key(|shown| FIRST.iter().position(|(name, _)| *name == shown.field.name));
        let open = more
            .iter()
            .any(|shown| !shown.value.is_empty() || shown.problem.is_some());
        Self {
            first,
            more,
            open,
            problem: problem.map(|problem| problem.detail.clone()),
        }
    }
}

/// `eventCount` is "event count".
pub fn in_words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn every_field_of_a_plan_is_on_the_form_once() {
        let form = Form::fresh();
        let names: Vec<_> = form
            .first
            .iter()
            .map(|shown| shown.field.name.as_str())
            .collect();
        assert_eq!(names, FIRST.map(|(name, _)| name));
        assert_eq!(form.first.len() + form.more.len(), plan_fields().len());
        assert!(!form.open);
    }

    #[test]
    fn what_was_typed_stays_and_what_is_wrong_is_said_where_it_is() {
        let given = [("warmupEvents".to_owned(), "-1".to_owned())];
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_input", "no").with_field(
            "warmupEvents",
            "out_of_range",
            "must be between 0 and 1",
        );
        let form = Form::with(&given, Some(&problem));
        let field = form
            .more
            .iter()
            .find(|shown| shown.field.name == "warmupEvents");
        let field = field.unwrap();
        assert_eq!(
            (field.value.as_str(), field.title.as_str()),
            ("-1", "warmup events")
        );
        assert_eq!(field.problem.as_deref(), Some("must be between 0 and 1"));
        assert!(form.open);
    }
}
