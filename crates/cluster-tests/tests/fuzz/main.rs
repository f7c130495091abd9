//! Schemathesis makes requests of what the OpenAPI documents allow, and of what they do not: on a healthy
//! cluster nothing is a 5xx, and every answer is one that the document tells of.
//!
//! It has a cluster of its own, since it changes and deletes what it finds there.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something unexpected is"
)]

use std::path::Path;
use std::process::Stdio;

use cluster_tests::PATIENCE;
use cluster_tests::api::Api;
use cluster_tests::services::{Target, host};
use local_cluster::wait_for_condition;
use tokio::process::Command;

/// Where `test.sh` puts it; otherwise it is looked for on the path.
const INSTALLED: &str = "../../target/tools/python/bin/schemathesis";

/// What each operation is asked with, beside all that the document shows as examples.
const EXAMPLES: &str = "10";
/// No call on a healthy cluster takes longer.
const LONGEST_CALL_S: &str = "30";

/// Runs it against one service, without the paths that `left_out` matches.
async fn fuzz(service: &str, api: &Api, left_out: Option<&str>) {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(INSTALLED);
    let program = if installed.exists() {
        installed
    } else {
        "schemathesis".into()
    };
    let base = api.base();
    // It keeps what it found in the folder that it runs in.
    let folder = tempfile::tempdir().unwrap();
    let checks = [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ];
    let ended = Command::new(&program)
        .arg("run")
        .arg(format!("{base}/api-docs/openapi.json"))
        .args(["--url", base])
        .args(["--checks", &checks.join(",")])
        .args(["--max-examples", EXAMPLES])
        .args(["--request-timeout", LONGEST_CALL_S])
        .args(left_out.map(|paths| format!("--exclude-path-regex={paths}")))
        // The same requests each time: what it finds is found again.
        .args(["--seed", "1", "--no-color"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("{}: {error}; ./test.sh installs it", program.display()));
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success(),
        "{service}: {}\n{told}\n{}",
        ended.status,
        String::from_utf8_lossy(&ended.stderr)
    );
    assert!(told.contains(" generated, "), "{service}: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_the_documents_allow_is_a_server_error() {
    let cluster = local_cluster::shared().await.unwrap();
    let services = host(&Target::of(cluster));
    wait_for_condition("the cluster to be healthy", PATIENCE, || async {
        let health = services.health.get("/api/health").await;
        if health.json()["status"] == "HEALTHY" {
            Ok(())
        } else {
            Err(health.text)
        }
    })
    .await
    .unwrap();
    // Streams have no end.
    fuzz("admin", &services.admin, Some("/records/follow$")).await;
    fuzz("health", &services.health, Some("/api/health/events")).await;
    // A run lasts as long as it is told to.
    let runs = "/api/loadtest/(run|sweep|compare|runs/.*/progress)$";
    fuzz("load test", &services.load_test, Some(runs)).await;
}
