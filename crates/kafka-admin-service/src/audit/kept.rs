//! What of a call the audit keeps, within a bound: names always, values only of what is known to be no
//! secret and no content of a record. What cannot be read as a document is kept as its length.

use serde_json::{Map, Value};

use crate::call::{APPLY, Call};
use crate::configs::holds_no_secret;

/// A body that is longer, of a request or of an answer, is not kept in the audit: records are bounded.
pub(super) const LONGEST: usize = 64 * 1024;

/// The fields of this API, and the keys of a declared document, that may be told. A field that is not
/// among them is kept as its name: it may be a secret, or what a record holds.
const TOLD: [&str; 23] = [
    "agoMs",
    "auditId",
    "beforeOffset",
    "beforeTime",
    "breakGlass",
    "deletes",
    "execute",
    "force",
    "hash",
    "name",
    "offset",
    "owns",
    "partition",
    "partitions",
    "reason",
    "replicationFactor",
    "shift",
    "time",
    "to",
    "topic",
    "topicName",
    "topics",
    "validateOnly",
];
/// The field that holds settings by name.
const SETTINGS: &str = "configs";
const LEFT_OUT: &str = "(left out)";

/// The query as far as the audit keeps it.
pub(super) fn query_of(call: &Call) -> Option<String> {
    let pairs = call.uri.query()?.split('&').map(|pair| {
        let decoded = form_urlencoded::parse(pair.as_bytes()).next();
        let told = decoded.is_none_or(|(name, _)| TOLD.contains(&name.as_ref()));
        match pair.split_once('=') {
            Some((name, _)) if !told => format!("{name}=(left+out)"),
            _ => pair.to_owned(),
        }
    });
    Some(pairs.collect::<Vec<_>>().join("&"))
}

/// The body as far as the audit keeps it.
pub(super) fn body_of(call: &Call) -> Option<Value> {
    let length = call.bytes.len();
    if length == 0 {
        return None;
    }
    let document = (length <= LONGEST).then(|| document_of(call)).flatten();
    Some(document.map_or_else(|| Value::from(format!("({length} bytes)")), fields))
}

/// The body as an object; nobody knows what any other holds.
fn document_of(call: &Call) -> Option<Map<String, Value>> {
    let yaml = || {
        let text = std::str::from_utf8(&call.bytes).ok()?;
        let document = (call.uri.path() == APPLY).then(|| serde_saphyr::from_str(text));
        document?.ok()
    };
    match call.body.clone().or_else(yaml)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

fn fields(members: Map<String, Value>) -> Value {
    let kept = members.into_iter().map(|(name, value)| {
        let value = match value {
            Value::Null => Value::Null,
            Value::Object(settings) if name == SETTINGS => of_settings(settings),
            value if TOLD.contains(&name.as_str()) => told(value),
            _ => Value::from(LEFT_OUT),
        };
        (name, value)
    });
    Value::Object(kept.collect())
}

fn told(value: Value) -> Value {
    match value {
        Value::Object(members) => fields(members),
        Value::Array(items) => items.into_iter().map(told).collect(),
        plain => plain,
    }
}

fn of_settings(settings: Map<String, Value>) -> Value {
    let kept = settings.into_iter().map(|(name, value)| {
        let plain = !(value.is_object() || value.is_array());
        let value = if value.is_null() || plain && holds_no_secret(&name) {
            value
        } else {
            Value::from(LEFT_OUT)
        };
        (name, value)
    });
    Value::Object(kept.collect())
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::Method;
    use serde_json::json;

    use super::*;

    fn call(uri: &str, body: &str) -> Call {
        let bytes = Bytes::copy_from_slice(body.as_bytes());
        Call::of(&Method::POST, &uri.parse().unwrap(), bytes)
    }

    fn kept(uri: &str, body: &str) -> Value {
        body_of(&call(uri, body)).unwrap()
    }

    #[test]
    fn settings_are_kept_by_name_and_by_value_only_where_they_hold_no_secret() {
        let body = r#"{"configs": {"ssl.key.password": "x", "my.plugin.credential": "y",
            "retention.ms": 1, "segment.ms": null, "flush.ms": ["z"]}, "validateOnly": false}"#;
        let left = json!({"configs": {
            "ssl.key.password": "(left out)", "my.plugin.credential": "(left out)",
            "retention.ms": 1, "segment.ms": null, "flush.ms": "(left out)",
        }, "validateOnly": false});
        assert_eq!(kept("/api/brokers/1/configs", body), left);
        // Where somebody puts it into the wrong place.
        for body in [
            r#"{"ssl.key.password": "hunter2"}"#,
            r#"{"config": {"ssl.key.password": "hunter2"}}"#,
            r#"{"configs": "ssl.key.password=hunter2"}"#,
            r#"{"configs": ["ssl.key.password=hunter2"]}"#,
        ] {
            let left = kept("/api/brokers/1/configs", body).to_string();
            assert!(!left.contains("hunter2"), "{left}");
            assert!(left.contains("(left out)"), "{left}");
        }
    }

    #[test]
    fn what_is_no_document_is_kept_as_its_length() {
        for (uri, body) in [
            (
                "/api/brokers/1/configs",
                r#"{"configs": {"a": "hunter2"},}"#,
            ),
            ("/api/topics/a/records", "{\"value\": \"hunter2\""),
            ("/api/topics/a/records", "\"hunter2\""),
            ("/api/topics", "[\"hunter2\"]"),
            ("/api/apply", "hunter2"),
            ("/api/apply", "topics: [hunter2"),
        ] {
            let length = format!("({} bytes)", body.len());
            assert_eq!(kept(uri, body), Value::from(length), "{body}");
        }
        let long = format!("{{\"topicName\": \"{}\"}}", "x".repeat(LONGEST));
        assert_eq!(kept("/api/topics", &long), Value::from("(65553 bytes)"));
        assert_eq!(body_of(&call("/api/apply", "")), None);
    }

    #[test]
    fn of_a_declared_document_the_topics_are_kept() {
        let text = "# hunter2\ntopics:\n  - name: a\n    partitions: 2\n    configs:\n      \
                    retention.ms: \"5\"\n      sasl.password: hunter2\ndeletes: [b]\n";
        let left = json!({
            "topics": [{
                "name": "a", "partitions": 2,
                "configs": {"retention.ms": "5", "sasl.password": "(left out)"},
            }],
            "deletes": ["b"],
        });
        assert_eq!(kept("/api/apply?hash=1", text), left);
        // Only there: elsewhere it is not what was asked for.
        assert!(kept("/api/topics", text).is_string());
    }

    #[test]
    fn what_a_record_holds_is_not_kept() {
        let record = r#"{"key": "a", "value": "b", "partition": 1}"#;
        let left = json!({"key": "(left out)", "value": "(left out)", "partition": 1});
        assert_eq!(kept("/api/topics/a/records", record), left);
        let query = |uri: &str| query_of(&call(uri, ""));
        assert_eq!(
            query("/api/topics/a/records?value=b&partition=1&k%65y=c").as_deref(),
            Some("value=(left+out)&partition=1&k%65y=(left+out)")
        );
        assert_eq!(
            query("/api/topics?topicName=a&ssl.key.passw%6Frd=c&configs=d").as_deref(),
            Some("topicName=a&ssl.key.passw%6Frd=(left+out)&configs=(left+out)")
        );
        assert_eq!(query("/api/topics"), None);
    }
}
