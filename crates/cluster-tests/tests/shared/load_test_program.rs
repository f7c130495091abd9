//! The load-test service as a program: one run from the command line, a kill in the midst of a run, a
//! disk that is full.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use cluster_tests::api::Api;
use cluster_tests::records::new_topic;
use cluster_tests::{PATIENCE, shared};
use kafka_cluster::{OffsetSpec, TopicPartition};
use local_cluster::wait_for_condition;
use serde_json::Value;

/// Beside the tests' own programs; `cargo build` makes it.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().with_file_name("load-test-service");
    assert!(path.exists(), "cargo build -p load-test-service first");
    path
}

async fn run(bootstrap: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    command
        .args(["run", "--bootstrap-servers", bootstrap])
        .args(arguments);
    tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn one_run_from_the_command_line_tells_by_its_status() {
    let (client, cluster) = shared().await;
    let (topic, bootstrap) = (new_topic(&client, 4).await, cluster.bootstrap());
    let plan = ["--event-count", "1000", "--topic", &topic];
    let status = |output: &Output| output.status.code().unwrap();

    let ended = run(&bootstrap, &[&plan[..], &["--json", "-"]].concat()).await;
    assert_eq!(status(&ended), 0, "{ended:?}");
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(report["acknowledged"], 1_000);

    let fail = ["--fail-if", "failed>0", "--fail-if", "acknowledged>=1000"];
    let failed = run(&bootstrap, &[&plan[..], &fail].concat()).await;
    assert_eq!(status(&failed), 4, "{failed:?}");
    let table = String::from_utf8(failed.stdout).unwrap();
    assert!(table.contains("1000 acknowledged, 0 failed"), "{table}");
    let verdict = String::from_utf8(failed.stderr).unwrap();
    assert!(
        verdict.contains("acknowledged>=1000: it is 1000"),
        "{verdict}"
    );

    let wrong = run(
        &bootstrap,
        &[&plan[..], &["--fail-if", "p98_ms>1"]].concat(),
    )
    .await;
    assert_eq!(status(&wrong), 2, "{wrong:?}");
    let absent = ["--event-count", "1", "--topic", "no-such-topic"];
    assert_eq!(status(&run(&bootstrap, &absent).await), 1);
}

#[tokio::test]
async fn an_interrupt_drains_and_reports() {
    let (client, cluster) = shared().await;
    let (topic, bootstrap) = (new_topic(&client, 4).await, cluster.bootstrap());
    let child = Command::new(program())
        .args(["run", "--bootstrap-servers", &bootstrap, "--topic", &topic])
        .args(["--event-count", "600000", "--rate", "1000", "--json", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let partitions = [0, 1, 2, 3].map(|id| TopicPartition::new(&topic, id));
    wait_for_condition("records of the run", PATIENCE, || async {
        let ends = client
            .offsets(&partitions, OffsetSpec::Latest, PATIENCE)
            .await;
        let ends = ends.map_err(|error| error.to_string())?;
        if ends.values().flatten().any(|end| *end > 0) {
            Ok(())
        } else {
            Err(format!("{ends:?}"))
        }
    })
    .await
    .unwrap();
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output());
    let output = output.await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outcome"], "interrupted", "{report}");
    assert_eq!(report["acknowledged"], report["sent"], "{report}");
}

/// The service as a program; killed when dropped.
struct Service {
    child: Child,
    api: Api,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the service with its data in `data`, by a shell that runs `before` first.
async fn serve(bootstrap: &str, data: &Path, before: &str) -> Service {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let child = Command::new("sh")
        .args(["-c", &format!("{before} exec \"$@\""), "sh"])
        .arg(program())
        .args(["--listen", &address, "--bootstrap-servers", bootstrap])
        .args(["--log-processor-members", "0", "--data-dir"])
        .arg(data)
        .spawn()
        .unwrap();
    let service = Service {
        child,
        api: Api::new(&format!("http://{address}")),
    };
    wait_for_condition("the service to listen", PATIENCE, || async {
        let connected = tokio::net::TcpStream::connect(&address).await;
        connected.map(drop).map_err(|error| error.to_string())
    })
    .await
    .unwrap();
    service
}

#[tokio::test]
async fn a_killed_service_lists_its_run_as_interrupted_with_what_it_had() {
    let (client, cluster) = shared().await;
    let (topic, bootstrap) = (new_topic(&client, 4).await, cluster.bootstrap());
    let data = tempfile::tempdir().unwrap();
    let mut service = serve(&bootstrap, data.path(), "").await;
    let call = format!("/api/loadtest/run?eventCount=600000&rate=1000&topic={topic}");
    let accepted = service.api.post_async(&call).await;
    accepted.ok_json(202);
    let checkpoint = data.path().join("run-in-progress.json");
    wait_for_condition("a checkpoint with acknowledgements", PATIENCE, || async {
        let text = std::fs::read_to_string(&checkpoint).unwrap_or_default();
        let record: Value = serde_json::from_str(&text).unwrap_or_default();
        if record["progress"]["acknowledged"].as_u64() > Some(0) {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await
    .unwrap();
    service.child.kill().unwrap();
    service.child.wait().unwrap();

    let next = serve(&bootstrap, data.path(), "").await;
    let run = next.api.get(accepted.header("location")).await.ok_json(200);
    assert_eq!(run["state"], "interrupted", "{run}");
    assert!(run["progress"]["acknowledged"].as_u64() > Some(0), "{run}");
    let list = next.api.get("/api/loadtest/runs").await.ok_json(200);
    assert_eq!(list["runs"].as_array().unwrap().len(), 1, "{list}");
    assert!(!checkpoint.exists());
}

#[tokio::test]
async fn a_full_disk_costs_the_record_and_says_so() {
    let (client, cluster) = shared().await;
    let (topic, bootstrap) = (new_topic(&client, 4).await, cluster.bootstrap());
    let data = tempfile::tempdir().unwrap();
    // A file of this process ends after 512 bytes, as it would on a full disk; its log must be none.
    let full = "exec >/dev/null 2>&1; trap '' XFSZ; ulimit -f 1;";
    let service = serve(&bootstrap, data.path(), full).await;
    let call = format!("/api/loadtest/run?eventCount=100&topic={topic}");
    let report = service.api.post(&call).await.ok_json(200);
    assert_eq!(report["acknowledged"], 100, "{report}");
    assert!(
        report["notes"].to_string().contains("not stored"),
        "{report}"
    );
    let list = service.api.get("/api/loadtest/runs").await.ok_json(200);
    assert_eq!(list["runs"][0]["runId"], report["runId"], "{list}");
    let stored = std::fs::metadata(data.path().join("runs.jsonl")).unwrap();
    assert_eq!(stored.len(), 0, "a part of a record was left");
}
