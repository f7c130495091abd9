//! `fields=`: only some members of each item of a list, or of one document.

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use service_kit::{FieldError, Problem};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, OpenApi, RefOr, Type};

use crate::openapi::add_parameter;
use crate::query;

const FIELDS: &str = "fields";
/// Such an answer is not the document that the API describes.
const MEDIA_TYPE: &str = "application/partial+json";
/// Where it can be asked for, and the member that holds the items of a list.
const PLACES: [(&str, Option<&str>); 7] = [
    ("/api/topics", Some("topics")),
    ("/api/topics/{name}", None),
    ("/api/groups", Some("groups")),
    ("/api/groups/{groupId}", None),
    ("/api/cluster", None),
    ("/api/brokers", Some("brokers")),
    ("/api/audit", Some("entries")),
];
/// Answers are documents that were in memory already.
const ANSWER_BOUND: usize = 256 * 1024 * 1024;

/// The layer; calls without the parameter pass.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let place = path.and_then(|path| PLACES.iter().find(|place| place.0 == path.as_str()));
    let wanted = query::values(request.uri(), FIELDS);
    let Some((_, list)) = place.filter(|_| request.method().is_safe() && !wanted.is_empty()) else {
        return next.run(request).await;
    };
    if let Some(uri) = query::without(request.uri(), |name| name == FIELDS) {
        *request.uri_mut() = uri;
    }
    let response = next.run(request).await;
    if !response.status().is_success() {
        return response;
    }
    let names: Vec<&str> = wanted.iter().flat_map(|names| names.split(',')).collect();
    match narrowed(response, *list, &names).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn narrowed(
    response: Response,
    list: Option<&str>,
    names: &[&str],
) -> Result<Response, Problem> {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, ANSWER_BOUND)
        .await
        .map_err(Problem::internal)?;
    let mut document: Value = serde_json::from_slice(&bytes).map_err(Problem::internal)?;
    keep_only(&mut document, list, names).map_err(|error| Problem::invalid_input(vec![error]))?;
    let media_type = header::HeaderValue::from_static(MEDIA_TYPE);
    parts.headers.insert(header::CONTENT_TYPE, media_type);
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(
        parts,
        Body::from(document.to_string()),
    ))
}

/// Takes every other member out of `document`, or of the items of its `list`.
///
/// # Errors
/// A name that no item has; of a list without items nothing can be said.
fn keep_only(document: &mut Value, list: Option<&str>, names: &[&str]) -> Result<(), FieldError> {
    let mut items: Vec<&mut Map<String, Value>> = match list {
        Some(list) => {
            let items = document[list].as_array_mut().into_iter().flatten();
            items.filter_map(Value::as_object_mut).collect()
        }
        None => document.as_object_mut().into_iter().collect(),
    };
    let unknown = names
        .iter()
        .find(|name| !items.iter().any(|item| item.contains_key(**name)));
    if let (Some(unknown), Some(first)) = (unknown, items.first()) {
        let known: Vec<_> = first.keys().map(String::as_str).collect();
        let known = known.join(", ");
        return Err(FieldError {
            field: FIELDS.to_owned(),
            code: "unknown".to_owned(),
            message: format!("has no field {unknown:?}; there are {known}"),
        });
    }
    for item in &mut items {
        item.retain(|name, _| names.contains(&name.as_str()));
    }
    Ok(())
}

/// Adds the parameter, and what it makes of an answer, to the OpenAPI document.
pub fn describe(document: &mut OpenApi) {
    for (path, _) in PLACES {
        let item = document.paths.paths.get_mut(path);
        if let Some(operation) = item.and_then(|item| item.get.as_mut()) {
            describe_operation(operation);
        }
    }
}

fn describe_operation(operation: &mut Operation) {
    add_parameter(
        operation,
        FIELDS,
        ParameterIn::Query,
        Type::String,
        "Only these members of each item, separated by commas; the answer is application/partial+json",
    );
    if let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") {
        let any = ObjectBuilder::new().schema_type(Type::Object).build();
        let content = ContentBuilder::new().schema(Some(any)).build();
        answer
            .content
            .insert(MEDIA_TYPE.to_owned(), RefOr::T(content));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_of_a_list_or_one_document_keep_what_is_named() {
        let mut list = json!({"topics": [{"a": 1, "b": 2}, {"a": 3, "b": 4}], "next": null});
        keep_only(&mut list, Some("topics"), &["b"]).unwrap();
        assert_eq!(list, json!({"topics": [{"b": 2}, {"b": 4}], "next": null}));
        let mut one = json!({"a": 1, "b": 2, "c": 3});
        keep_only(&mut one, None, &["a", "c"]).unwrap();
        assert_eq!(one, json!({"a": 1, "c": 3}));
    }

    #[test]
    fn a_name_that_nothing_has_is_told_with_those_that_there_are() {
        let mut list = json!({"topics": [{"a": 1, "b": 2}]});
        let error = keep_only(&mut list, Some("topics"), &["c"]).unwrap_err();
        assert!(error.message.contains("a, b"), "{}", error.message);
        keep_only(&mut json!({"topics": []}), Some("topics"), &["c"]).unwrap();
    }
}
