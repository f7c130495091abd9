//! What a request is about: its method, address and body, read once for all layers that ask.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use service_kit::Problem;
use service_kit::input::{buffered, json_value};

use crate::query;
use crate::remarks::{self, Remarks};

/// A call, before it is carried out; an extension of each request.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Address.
    pub uri: Uri,
    /// The body as it came; empty where the call only looks.
    pub bytes: Bytes,
    /// The body, where it is JSON.
    pub body: Option<Value>,
    /// What is said of it beside its fields; the handler's request is without them.
    pub remarks: Remarks,
}

/// A POST that only compares.
pub const ONLY_COMPARES: &str = "/api/plan";
/// The call whose body is YAML.
pub const APPLY: &str = "/api/apply";

/// Whether such a call never changes anything.
#[must_use]
pub fn never_writes(method: &Method, uri: &Uri) -> bool {
    method.is_safe() || uri.path() == ONLY_COMPARES
}

/// Whether a call changes nothing, by its address alone: it never does, or it is a dry run. No body makes
/// a write of it: every call refuses a field that is given twice, and those that may be in either place
/// refuse a query beside a body.
#[must_use]
pub fn only_looks(method: &Method, uri: &Uri) -> bool {
    never_writes(method, uri) || is_dry_run(uri)
}

fn is_dry_run(uri: &Uri) -> bool {
    let only = |name, value: &str| matches!(&query::values(uri, name)[..], [one] if one == value);
    let given = |name| !query::values(uri, name).is_empty();
    // Without any field in the query there may be a body that says otherwise.
    let moves_nothing = only("execute", "false") || (given("to") && !given("execute"));
    only("validateOnly", "true") || (moves_offsets(uri) && moves_nothing)
}

/// A move of offsets is a dry run unless it says otherwise.
fn moves_offsets(uri: &Uri) -> bool {
    let path = uri.path();
    path.ends_with("/offsets/reset") || path.ends_with("/offsets/undo")
}

/// The layer: reads the body of a call that may change something, and hands the [`Call`] on.
pub async fn layer(request: Request, next: Next) -> Response {
    let read = if request.method().is_safe() {
        Ok((request, Bytes::new()))
    } else {
        buffered(request).await
    };
    match read {
        Ok((request, bytes)) => match with_call(request, bytes) {
            Ok(request) => next.run(request).await,
            Err(problem) => problem.into_response(),
        },
        Err(problem) => problem.into_response(),
    }
}

fn with_call(mut request: Request, bytes: Bytes) -> Result<Request, Problem> {
    let mut call = Call::of(request.method(), request.uri(), bytes);
    if !never_writes(&call.method, &call.uri) {
        call.remarks = Remarks::of(&call.uri, call.body.as_ref())?;
        request = remarks::taken_out(request, call.body.as_ref());
    }
    request.extensions_mut().insert(Arc::new(call));
    Ok(request)
}

impl Call {
    /// Looks at a request; remarks with something wrong about them are none.
    #[must_use]
    pub fn of(method: &Method, uri: &Uri, bytes: Bytes) -> Self {
        let body = json_value(&bytes);
        Self {
            method: method.clone(),
            uri: uri.clone(),
            remarks: Remarks::of(uri, body.as_ref()).unwrap_or_default(),
            body,
            bytes,
        }
    }

    /// Method and path.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.uri.path())
    }

    /// Whether it changes something, if it is not refused. Where that cannot be told it does.
    #[must_use]
    pub fn is_write(&self) -> bool {
        let dry = self.flag("validateOnly") == Some(true)
            || (moves_offsets(&self.uri) && self.flag("execute") != Some(true));
        !only_looks(&self.method, &self.uri) && !dry
    }

    /// The topic that it is about.
    #[must_use]
    pub fn topic(&self) -> Option<String> {
        let named = self.uri.path().strip_prefix("/api/topics/");
        let named = named.and_then(|rest| rest.split('/').next());
        match named.filter(|name| !name.is_empty()) {
            Some(name) => Some(decoded(name)),
            None => self.text("topicName"),
        }
    }

    /// A field of the query or of the body.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let in_body = || self.body.as_ref()?.get(name)?.as_str().map(str::to_owned);
        query::value(&self.uri, name).or_else(in_body)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match query::value(&self.uri, name) {
            Some(value) => value.parse().ok(),
            None => self.body.as_ref()?.get(name)?.as_bool(),
        }
    }
}

/// Percent-encoding taken back; names of topics have neither `+` nor `=`.
fn decoded(segment: &str) -> String {
    let mut pairs = form_urlencoded::parse(segment.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, uri: &str, body: &str) -> Call {
        let method: Method = method.parse().unwrap();
        let bytes = Bytes::copy_from_slice(body.as_bytes());
        Call::of(&method, &uri.parse().unwrap(), bytes)
    }

    #[test]
    fn what_only_looks_is_no_write() {
        for (method, uri, body, write) in [
            ("GET", "/api/topics", "", false),
            ("POST", "/api/plan", "topics: []", false),
            ("POST", "/api/topics?topicName=a", "", true),
            (
                "POST",
                "/api/topics?topicName=a&validateOnly=true",
                "",
                false,
            ),
            (
                "POST",
                "/api/topics",
                "{\"topicName\":\"a\",\"validateOnly\":true}",
                false,
            ),
            ("POST", "/api/groups/g/offsets/reset?to=latest", "", false),
            (
                "POST",
                "/api/groups/g/offsets/reset?to=latest&execute=true",
                "",
                true,
            ),
            ("POST", "/api/groups/g/offsets/undo", "", false),
            ("DELETE", "/api/groups/g", "", true),
        ] {
            assert_eq!(call(method, uri, body).is_write(), write, "{method} {uri}");
        }
    }

    #[test]
    fn a_dry_run_is_known_by_its_query_and_only_where_nothing_contradicts_it() {
        let looks = |uri: &str| only_looks(&Method::POST, &uri.parse().unwrap());
        let reset = "/api/groups/g/offsets/reset";
        for dry in [
            "/api/plan",
            "/api/topics?topicName=a&validateOnly=true",
            "/api/elections?validat%65Only=true",
            &format!("{reset}?to=latest"),
            &format!("{reset}?to=latest&execute=false"),
            "/api/groups/g/offsets/undo?execute=false",
        ] {
            assert!(looks(dry), "{dry}");
        }
        for write in [
            "/api/topics?topicName=a&validateOnly=false",
            "/api/topics?topicName=a&validateOnly=true&validateOnly=false",
            "/api/topics?topicName=a&validateOnly=true&validateOnly=true",
            "/api/topics?topicName=a&validateOnly=TRUE",
            "/api/topics?topicName=a&validateonly=true",
            "/api/topics?topicName=a&execute=false",
            "/api/topics?topicName=a&to=latest",
            // The body may say execute.
            reset,
            &format!("{reset}?breakGlass=true"),
            "/api/groups/g/offsets/undo",
            &format!("{reset}?to=latest&execute=true"),
            &format!("{reset}?to=latest&execute=false&execute=true"),
        ] {
            assert!(!looks(write), "{write}");
        }
    }

    #[test]
    fn the_topic_is_that_of_the_path_or_the_field() {
        let topic = |uri: &str, body: &str| call("POST", uri, body).topic();
        assert_eq!(
            topic("/api/topics/a%2Eb/restore", ""),
            Some("a.b".to_owned())
        );
        assert_eq!(topic("/api/topics?topicName=a", ""), Some("a".to_owned()));
        assert_eq!(
            topic("/api/topics", "{\"topicName\":\"a\"}"),
            Some("a".to_owned())
        );
        assert_eq!(topic("/api/elections", ""), None);
    }
}
