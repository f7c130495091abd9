//! What of a call the audit keeps: no secrets, no content of records, and within a bound.

use axum::http::Uri;
use serde_json::Value;

use crate::call::{BREAK_GLASS, Call};
use crate::query;

/// A body that is longer, of a request or of an answer, is not kept in the audit: records are bounded.
pub(super) const LONGEST: usize = 64 * 1024;

/// What a record holds; the audit says that one was written, and not what.
const RECORD_CONTENT: [&str; 2] = ["key", "value"];

/// The query as far as the audit keeps it.
pub(super) fn query_of(call: &Call) -> Option<String> {
    let is_record = writes_record(call);
    let left_out = |name: &str| is_secret(name) || is_record && RECORD_CONTENT.contains(&name);
    let pairs = call.uri.query()?.split('&');
    let kept = pairs.filter(|pair| !left_out(pair.split('=').next().unwrap_or_default()));
    Some(kept.collect::<Vec<_>>().join("&"))
}

/// The body as far as the audit keeps it.
pub(super) fn body_of(call: &Call) -> Option<Value> {
    let mut body = call.body.clone()?;
    if call.bytes.len() > LONGEST {
        return Some(Value::from(format!("({} bytes)", call.bytes.len())));
    }
    if writes_record(call)
        && let Some(fields) = body.as_object_mut()
    {
        fields.retain(|name, _| !RECORD_CONTENT.contains(&name.as_str()));
    }
    without_secrets(&mut body);
    Some(body)
}

fn writes_record(call: &Call) -> bool {
    call.uri.path().ends_with("/records")
}

/// Somebody wants it done although nobody would know.
pub(super) fn breaks_glass(uri: &Uri) -> bool {
    let values = query::values(uri, BREAK_GLASS);
    values.iter().any(|value| value == "true")
}

/// The same address without `breakGlass`, and without `reason` as well where it was given for that: other
/// calls take none.
pub(super) fn without_break_glass(uri: &Uri) -> Option<Uri> {
    let forced = query::value(uri, "force").is_some();
    query::without(uri, |name| {
        name == BREAK_GLASS || (name == "reason" && !forced)
    })
}

/// Takes values out of `value` whose names say that they are secret.
pub(super) fn without_secrets(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if is_secret(name) && !member.is_null() {
                    *member = Value::from("(left out)");
                } else {
                    without_secrets(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_secrets),
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "password",
        "secret",
        "jaas",
        "token",
        "private.key",
        "keystore.key",
    ]
    .iter()
    .any(|word| name.contains(word))
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

    #[test]
    fn secrets_are_left_out_wherever_they_stand() {
        let mut value = json!({
            "configs": {"ssl.keystore.password": "x", "sasl.jaas.config": "y", "retention.ms": "1"},
            "list": [{"token": "z"}, {"password": null}],
        });
        without_secrets(&mut value);
        assert_eq!(value["configs"]["ssl.keystore.password"], "(left out)");
        assert_eq!(value["configs"]["sasl.jaas.config"], "(left out)");
        assert_eq!(value["configs"]["retention.ms"], "1");
        assert_eq!(
            value["list"],
            json!([{"token": "(left out)"}, {"password": null}])
        );
    }

    #[test]
    fn the_body_is_kept_within_a_bound_and_without_what_a_record_holds() {
        let kept = |uri: &str, body: &str| body_of(&call(uri, body));
        let record = r#"{"key": "a", "value": "b", "partition": 1}"#;
        let left = json!({"partition": 1});
        assert_eq!(kept("/api/topics/a/records", record), Some(left));
        let secret = r#"{"configs": {"sasl.password": "x"}}"#;
        let left = json!({"configs": {"sasl.password": "(left out)"}});
        assert_eq!(kept("/api/topics", secret), Some(left));
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(
            kept("/api/apply", &long),
            Some(Value::from("(65537 bytes)"))
        );
        assert_eq!(kept("/api/apply", ""), None);
        let record = call("/api/topics/a/records?value=b&partition=1&key=c", "");
        assert_eq!(query_of(&record).as_deref(), Some("partition=1"));
    }

    #[test]
    fn breaking_the_glass_is_taken_out_of_the_call() {
        let uri = "/api/topics?topicName=a&breakGlass=true&reason=audit+is+down";
        let given = call(uri, "");
        assert!(breaks_glass(&given.uri));
        assert_eq!(given.text("reason").as_deref(), Some("audit is down"));
        let left = without_break_glass(&uri.parse().unwrap()).unwrap();
        assert_eq!(left.to_string(), "/api/topics?topicName=a");
        let forced = "/api/topics/a?force=true&reason=gone&breakGlass=true";
        let left = without_break_glass(&forced.parse().unwrap()).unwrap();
        assert_eq!(left.to_string(), "/api/topics/a?force=true&reason=gone");
    }
}
