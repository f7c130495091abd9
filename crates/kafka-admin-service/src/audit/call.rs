//! What a request is about, as far as the audit has to know: from its method, path, query and body.

use axum::http::{Method, Uri};
use serde_json::Value;

use super::entry::{LONGEST, is_secret, without_secrets};
use crate::query;

/// A call, before it is carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Method and path.
    pub name: String,
    /// The query as it came.
    pub query: Option<String>,
    /// The body, where it is JSON; any other as text.
    pub body: Option<Value>,
    body_length: usize,
    path: String,
    method: Method,
}

/// What a record holds; the audit says that one was written, and not what.
const RECORD_CONTENT: [&str; 2] = ["key", "value"];

/// A call that only compares.
const ONLY_COMPARES: &str = "/api/plan";

impl Call {
    /// Looks at a request.
    #[must_use]
    pub fn of(method: &Method, uri: &Uri, body: &[u8]) -> Self {
        let body_length = body.len();
        let text = || Value::from(String::from_utf8_lossy(body));
        let body =
            (!body.is_empty()).then(|| serde_json::from_slice(body).unwrap_or_else(|_| text()));
        Self {
            name: format!("{method} {}", uri.path()),
            query: uri.query().map(str::to_owned),
            body,
            body_length,
            path: uri.path().to_owned(),
            method: method.clone(),
        }
    }

    /// Whether it changes something, if it is not refused. Where that cannot be told it does.
    #[must_use]
    pub fn is_write(&self) -> bool {
        let moves = self.path.ends_with("/offsets/reset") || self.path.ends_with("/offsets/undo");
        let dry = self.flag("validateOnly") == Some(true)
            || (moves && self.flag("execute") != Some(true));
        !self.method.is_safe() && self.path != ONLY_COMPARES && !dry
    }

    /// The query as far as the audit keeps it.
    #[must_use]
    pub fn kept_query(&self) -> Option<String> {
        let is_record = self.path.ends_with("/records");
        let left_out = |name: &str| is_secret(name) || is_record && RECORD_CONTENT.contains(&name);
        let pairs = self.query.as_deref()?.split('&');
        let kept = pairs.filter(|pair| !left_out(pair.split('=').next().unwrap_or_default()));
        Some(kept.collect::<Vec<_>>().join("&"))
    }

    /// The body as far as the audit keeps it.
    #[must_use]
    pub fn kept_body(&self) -> Option<Value> {
        let mut body = self.body.clone()?;
        if self.body_length > LONGEST {
            return Some(Value::from(format!("({} bytes)", self.body_length)));
        }
        if self.path.ends_with("/records")
            && let Some(fields) = body.as_object_mut()
        {
            fields.retain(|name, _| !RECORD_CONTENT.contains(&name.as_str()));
        }
        without_secrets(&mut body);
        Some(body)
    }

    /// The topic that it is about.
    #[must_use]
    pub fn topic(&self) -> Option<String> {
        let named = self.path.strip_prefix("/api/topics/");
        let named = named.and_then(|rest| rest.split('/').next());
        match named.filter(|name| !name.is_empty()) {
            Some(name) => Some(decoded(name)),
            None => self.text("topicName"),
        }
    }

    /// A field of the query or of the body.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let in_query = self.query_pairs().find(|(given, _)| given == name);
        let in_body = || self.body.as_ref()?.get(name)?.as_str().map(str::to_owned);
        in_query.map(|(_, value)| value).or_else(in_body)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        let in_query = self.query_pairs().find(|(given, _)| given == name);
        match in_query {
            Some((_, value)) => value.parse().ok(),
            None => self.body.as_ref()?.get(name)?.as_bool(),
        }
    }

    /// Somebody wants it done although nobody would know.
    #[must_use]
    pub fn breaks_glass(&self) -> bool {
        let mut pairs = self.query_pairs();
        pairs.any(|(name, value)| name == BREAK_GLASS && value == "true")
    }

    fn query_pairs(&self) -> impl Iterator<Item = (String, String)> {
        let query = self.query.as_deref().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
    }
}

/// The parameter that does without the audit; it is taken out before the call goes on.
pub const BREAK_GLASS: &str = "breakGlass";

/// The same address without `breakGlass`, and without `reason` as well where it was given for that: other
/// calls take none.
pub(super) fn without_break_glass(uri: &Uri) -> Option<Uri> {
    let forced = !query::values(uri, "force").is_empty();
    query::without(uri, |name| {
        name == BREAK_GLASS || (name == "reason" && !forced)
    })
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
        Call::of(&method, &uri.parse().unwrap(), body.as_bytes())
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

    #[test]
    fn the_body_is_kept_within_a_bound_and_without_what_a_record_holds() {
        let kept = |uri: &str, body: &str| call("POST", uri, body).kept_body();
        let record = r#"{"key": "a", "value": "b", "partition": 1}"#;
        let left = serde_json::json!({"partition": 1});
        assert_eq!(kept("/api/topics/a/records", record), Some(left));
        let secret = r#"{"configs": {"sasl.password": "x"}}"#;
        let left = serde_json::json!({"configs": {"sasl.password": "(left out)"}});
        assert_eq!(kept("/api/topics", secret), Some(left));
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(
            kept("/api/apply", &long),
            Some(Value::from("(65537 bytes)"))
        );
        assert_eq!(kept("/api/apply", ""), None);
        let record = call(
            "POST",
            "/api/topics/a/records?value=b&partition=1&key=c",
            "",
        );
        assert_eq!(record.kept_query().as_deref(), Some("partition=1"));
    }

    #[test]
    fn breaking_the_glass_is_taken_out_of_the_call() {
        let uri = "/api/topics?topicName=a&breakGlass=true&reason=audit+is+down";
        let given = call("POST", uri, "");
        assert!(given.breaks_glass());
        assert_eq!(given.text("reason").as_deref(), Some("audit is down"));
        let left = without_break_glass(&uri.parse().unwrap()).unwrap();
        assert_eq!(left.to_string(), "/api/topics?topicName=a");
        let forced = "/api/topics/a?force=true&reason=gone&breakGlass=true";
        let left = without_break_glass(&forced.parse().unwrap()).unwrap();
        assert_eq!(left.to_string(), "/api/topics/a?force=true&reason=gone");
    }
}
