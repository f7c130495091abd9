//! Parameters that a layer takes, before the call goes on without them.

use axum::http::Uri;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, RefOr, Required, Type};

/// The values of `name` in the query, decoded.
pub fn values(uri: &Uri, name: &str) -> Vec<String> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let pairs = form_urlencoded::parse(query).filter(|(given, _)| given == name);
    pairs.map(|(_, value)| value.into_owned()).collect()
}

/// The first value of `name`.
pub fn value(uri: &Uri, name: &str) -> Option<String> {
    values(uri, name).into_iter().next()
}

/// The same address without the parameters that `dropped` names; `None` where that is no address.
pub fn without(uri: &Uri, dropped: impl Fn(&str) -> bool) -> Option<Uri> {
    let query = uri.query().unwrap_or_default();
    let kept = query.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !name.is_empty() && !dropped(name)
    });
    let kept: Vec<_> = kept.collect();
    let text = if kept.is_empty() {
        uri.path().to_owned()
    } else {
        format!("{}?{}", uri.path(), kept.join("&"))
    };
    text.parse().ok()
}

/// Adds such a parameter, which may be left out, to an operation of the OpenAPI document.
pub fn describe(
    operation: &mut Operation,
    name: &str,
    place: ParameterIn,
    kind: Type,
    about: &str,
) {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build();
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(RefOr::T(parameter));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_and_taken_out_by_name() {
        let uri: Uri = "/a?x=1%2C2&y=3&x=4".parse().unwrap();
        assert_eq!(values(&uri, "x"), ["1,2", "4"]);
        assert_eq!(value(&uri, "x").as_deref(), Some("1,2"));
        assert_eq!(value(&uri, "z"), None);
        assert_eq!(without(&uri, |name| name == "x").unwrap(), "/a?y=3");
        assert_eq!(without(&uri, |_| true).unwrap(), "/a");
    }
}
