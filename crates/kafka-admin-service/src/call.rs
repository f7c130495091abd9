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
pub fn only_looks(method: &Method, uri: &Uri) -> bool {
    method.is_safe() || uri.path() == ONLY_COMPARES
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
    if !only_looks(&call.method, &call.uri) {
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
        let path = self.uri.path();
        let moves = path.ends_with("/offsets/reset") || path.ends_with("/offsets/undo");
        let dry = self.flag("validateOnly") == Some(true)
            || (moves && self.flag("execute") != Some(true));
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
