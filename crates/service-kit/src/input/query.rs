//! The query as fields.

use std::collections::BTreeSet;

use super::Fields;

/// Splits and decodes a query; a name given twice or not in UTF-8 is noted.
pub(super) fn fields(query: &str) -> Fields {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut names = BTreeSet::new();
    let mut wrong: Vec<(String, &str, &str)> = Vec::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        // The decoder puts this sign where the bytes were no UTF-8.
        if name.contains('\u{fffd}') || text.contains('\u{fffd}') {
            wrong.push((
                name.into_owned(),
                "not_utf8",
                "must be percent-encoded UTF-8",
            ));
        } else if !names.insert(name.clone()) {
            wrong.push((name.into_owned(), "duplicate", "is given more than once"));
        } else {
            pairs.push((name.into_owned(), text.into_owned()));
        }
    }
    let mut fields = Fields::of_query(pairs);
    for (name, code, message) in wrong {
        fields.note(&name, code, message);
    }
    fields
}
