//! What a caller says of a write beside its fields: why, and that it is to be done although nobody would
//! know. They are taken out before the call goes on, so that every write takes them.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Uri, header};
use serde_json::Value;
use service_kit::{FieldError, Problem};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::{OpenApi, Type};

use crate::openapi::{add_parameter, writes_of};
use crate::query;

/// The parameter that does without the audit; in the query alone, since it takes a role of its own, which
/// is judged before the body is read.
pub const BREAK_GLASS: &str = "breakGlass";
/// The parameter, or the member of a JSON body, that says why.
pub const REASON: &str = "reason";
/// Characters of a reason: it becomes part of a record.
const LONGEST_REASON: usize = 1_000;

/// The remarks of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Why; always there where the glass is broken.
    pub reason: Option<String>,
    /// It is to be done although it cannot be recorded, or shortens the record.
    pub breaks_glass: bool,
}

impl Remarks {
    /// Reads them.
    ///
    /// # Errors
    /// 400 `invalid_input` with all that is wrong about them.
    pub fn of(uri: &Uri, body: Option<&Value>) -> Result<Self, Problem> {
        let reason = reason(uri, body);
        let breaks_glass = breaks_glass(uri);
        let (reason, breaks_glass) = match (reason, breaks_glass) {
            (Ok(reason), Ok(breaks_glass)) => (reason, breaks_glass),
            (reason, breaks_glass) => {
                let wrong = [reason.err(), breaks_glass.err()];
                let wrong = wrong.into_iter().flatten().collect();
                return Err(Problem::invalid_input(wrong));
            }
        };
        if breaks_glass && reason.is_none() {
            let message = "must be given with breakGlass=true";
            let missing = wrong(REASON, "required", message);
            return Err(Problem::invalid_input(vec![missing]));
        }
        Ok(Self {
            reason,
            breaks_glass,
        })
    }
}

/// The request without its remarks; `body` is what its bytes say. A body that says nothing else is gone.
#[must_use]
pub fn taken_out(mut request: Request, body: Option<&Value>) -> Request {
    let remark = |name: &str| name == REASON || name == BREAK_GLASS;
    let remarked = |name: &str| !query::values(request.uri(), name).is_empty();
    if (remarked(REASON) || remarked(BREAK_GLASS))
        && let Some(uri) = query::without(request.uri(), remark)
    {
        *request.uri_mut() = uri;
    }
    if let Some(members) = body.and_then(Value::as_object)
        && members.contains_key(REASON)
    {
        let mut members = members.clone();
        members.remove(REASON);
        let bytes = if members.is_empty() {
            Bytes::new()
        } else {
            Value::Object(members).to_string().into()
        };
        request.headers_mut().remove(header::CONTENT_LENGTH);
        *request.body_mut() = Body::from(bytes);
    }
    request
}

/// Adds both to every write of the OpenAPI document.
pub fn describe(document: &mut OpenApi) {
    for operation in writes_of(document) {
        let about = "Why; kept in the audit. It can be a member of a JSON body as well";
        let place = ParameterIn::Query;
        add_parameter(operation, REASON, place.clone(), Type::String, about);
        let about = "Do it although it cannot be recorded in the audit, or shortens it; takes a reason, and \
                     the role of an admin";
        add_parameter(operation, BREAK_GLASS, place, Type::Boolean, about);
    }
}

fn reason(uri: &Uri, body: Option<&Value>) -> Result<Option<String>, FieldError> {
    let mut given = query::values(uri, REASON);
    match body.and_then(|body| body.get(REASON)) {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => given.push(text.clone()),
        Some(_) => return Err(wrong(REASON, "wrong_type", "must be a text")),
    }
    match given.as_slice() {
        [] => Ok(None),
        [reason] if reason.trim().is_empty() => Err(wrong(REASON, "empty", "must not be empty")),
        [reason] if reason.chars().count() > LONGEST_REASON => {
            let message = format!("must have at most {LONGEST_REASON} characters");
            Err(wrong(REASON, "too_long", message))
        }
        [reason] => Ok(Some(reason.clone())),
        _ => Err(wrong(REASON, "duplicate", "is given more than once")),
    }
}

fn breaks_glass(uri: &Uri) -> Result<bool, FieldError> {
    match query::values(uri, BREAK_GLASS).as_slice() {
        [] => Ok(false),
        [one] => {
            let read = one.parse();
            read.map_err(|_| wrong(BREAK_GLASS, "wrong_type", "must be true or false"))
        }
        _ => Err(wrong(BREAK_GLASS, "duplicate", "is given more than once")),
    }
}

fn wrong(field: &str, code: &str, message: impl Into<String>) -> FieldError {
    FieldError {
        field: field.to_owned(),
        code: code.to_owned(),
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    fn of(uri: &str, body: &Value) -> Result<Remarks, Vec<String>> {
        let body = Some(body).filter(|body| !body.is_null());
        let told = |error: &FieldError| format!("{} {}", error.field, error.code);
        Remarks::of(&uri.parse().unwrap(), body)
            .map_err(|problem| problem.errors.iter().map(told).collect())
    }

    #[test]
    fn a_reason_comes_in_the_query_or_in_the_body() {
        let said = |reason: &str, breaks_glass| Remarks {
            reason: Some(reason.to_owned()),
            breaks_glass,
        };
        let none = Value::Null;
        assert_eq!(of("/a?b=1", &none), Ok(Remarks::default()));
        assert_eq!(of("/a?reason=b+c", &none), Ok(said("b c", false)));
        assert_eq!(of("/a", &json!({"reason": "b"})), Ok(said("b", false)));
        let both = "/a?breakGlass=true&reason=b";
        assert_eq!(of(both, &none), Ok(said("b", true)));
    }

    #[test]
    fn what_is_wrong_about_a_remark_is_told_by_its_name() {
        let long = format!("/a?reason={}", "x".repeat(LONGEST_REASON + 1));
        for (uri, body, told) in [
            ("/a?reason=", json!(null), "reason empty"),
            (&long, json!(null), "reason too_long"),
            ("/a?reason=b", json!({"reason": "c"}), "reason duplicate"),
            ("/a", json!({"reason": 7}), "reason wrong_type"),
            ("/a?breakGlass=true", json!(null), "reason required"),
            (
                "/a?breakGlass=yes&reason=b",
                json!(null),
                "breakGlass wrong_type",
            ),
        ] {
            assert_eq!(of(uri, &body), Err(vec![told.to_owned()]), "{uri}");
        }
    }

    #[tokio::test]
    async fn the_call_goes_on_without_its_remarks() {
        for (uri, body, left_uri, left_body) in [
            ("/a?b=1&reason=c&breakGlass=true", "", "/a?b=1", ""),
            ("/a?reason=c", "{\"d\": 1}", "/a", "{\"d\": 1}"),
            ("/a", "{\"d\":1,\"reason\":\"c\"}", "/a", "{\"d\":1}"),
            ("/a?b=1", "{\"reason\":\"c\"}", "/a?b=1", ""),
            ("/a?x=%2F&&", "no JSON", "/a?x=%2F&&", "no JSON"),
        ] {
            let request = Request::post(uri).body(Body::from(body)).unwrap();
            let read = serde_json::from_str(body).ok();
            let left = taken_out(request, read.as_ref());
            assert_eq!(left.uri().to_string(), left_uri);
            let left = left.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(left, left_body, "{uri}");
        }
    }
}
