//! What a service writes to its log when requests fail: once each, with the request's id.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use service_kit::settings::{LogFormat, LogSettings};
use service_kit::telemetry;
use support::{ask, get, request};

const LOGS: &str = "LOGS_TEST_LOGS";

/// Runs itself again, since a process has one log.
#[test]
fn a_failure_is_logged_once_as_json_with_the_request_s_id() {
    if std::env::var_os(LOGS).is_some() {
        return fail_in_several_ways();
    }
    let name = "a_failure_is_logged_once_as_json_with_the_request_s_id";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(LOGS, "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["level"].as_str().unwrap(),
                line["span"]["id"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("ERROR", "panics"), ("WARN", "late")], "{text}");
    assert_eq!(lines[0]["message"], "panic: the secret is 42");
    assert!(
        lines[0]["location"]
            .as_str()
            .unwrap()
            .contains("support/mod.rs"),
        "{text}"
    );
    assert_eq!(lines[1]["path"], "/api/slow");
    assert_eq!(lines[1]["code"], "request_timeout");
    assert!(lines[1]["timestamp"].as_str().unwrap().ends_with('Z'));
}

fn fail_in_several_ways() {
    telemetry::init(&LogSettings {
        log_format: LogFormat::Json,
        log_filter: "warn".into(),
    })
    .unwrap();
    service_kit::runtime::block_on(async {
        let router = support::assemble(
            &prometheus::Registry::new(),
            Duration::from_millis(20),
            |service| service,
            std::sync::Arc::new(|| Err("starting".to_owned())),
        );
        for (path, id) in [
            ("/api/panic", "panics"),
            ("/api/slow", "late"),
            ("/x", "unknown"),
        ] {
            let mut request = request("GET", path);
            request
                .headers_mut()
                .insert("x-request-id", id.parse().unwrap());
            ask(&router, request).await;
        }
        // Asked every few seconds while a service starts: no news.
        assert_eq!(get(&router, "/readyz").await.status, 503);
    })
    .unwrap();
}
