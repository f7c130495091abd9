//! Runs as resources: started on the mock cluster inside librdkafka, asked for over the router.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use futures_util::StreamExt;
use http_body_util::BodyExt;
use kafka_cluster::{Connection, KafkaCluster, PartitionMetadata};
use load_test_service::kafka_watch::KafkaWatch;
use load_test_service::metrics::Metrics;
use load_test_service::plan::Plan;
use load_test_service::run::run_id_text;
use load_test_service::runs::{Archive, Runner, Started, Task};
use load_test_service::settings::Settings;
use load_test_service::state::AppState;
use load_test_service::target::Target;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

struct Service {
    router: Router,
    runner: Runner,
    metrics: Metrics,
    stop: CancellationToken,
}

impl Service {
    fn new(archive: Archive) -> Self {
        let connection = Connection::new("unused:1")
            .with_property_lines("test.mock.num.brokers=1\nallow.auto.create.topics=true")
            .unwrap();
        let registry = prometheus::Registry::new();
        let metrics = Metrics::register(&registry, &[]).unwrap();
        let stop = CancellationToken::new();
        let runner = Runner::new(connection, metrics.clone(), archive, stop.clone());
        let state = AppState {
            cluster: KafkaCluster::connect(Connection::new("127.0.0.1:1")).unwrap(),
            runner: runner.clone(),
            protected_topics: Arc::new([]),
        };
        let http = Settings::with_flags(&[]).http;
        let router = load_test_service::router(state, KafkaWatch::default(), registry, &http);
        Self {
            router,
            runner,
            metrics,
            stop,
        }
    }

    fn start(&self, plan: Plan) -> (String, Started) {
        let partitions = (0..4)
            .map(|id| PartitionMetadata {
                id,
                leader: Some(1),
                replicas: vec![1],
                in_sync_replicas: vec![1],
            })
            .collect();
        let targets = vec![Target::of(partitions)];
        let started = self.runner.start(Task::Run(plan), targets).unwrap();
        (run_id_text(started.running.id), started)
    }

    /// A run to its end; gives its id.
    async fn run(&self, events: u64) -> String {
        let (id, started) = self.start(Plan::new(events, "log-events"));
        started.ending.await.unwrap().unwrap();
        id
    }

    async fn answer(&self, method: &str, uri: &str) -> Response {
        let request = Request::builder().method(method).uri(uri);
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn ask(&self, method: &str, uri: &str) -> (StatusCode, Value) {
        let response = self.answer(method, uri).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }
}

fn endless() -> Plan {
    let mut plan = Plan::new(600_000, "log-events");
    plan.rate = Some(1_000);
    plan
}

fn uri(id: &str) -> String {
    format!("/api/loadtest/runs/{id}")
}

/// Name and data of each event of a stream, as they come.
fn events(response: Response) -> impl futures_util::Stream<Item = (String, Value)> + Unpin {
    assert_eq!(response.status(), StatusCode::OK);
    let pieces = response.into_body().into_data_stream();
    Box::pin(pieces.filter_map(|piece| async move {
        let text = String::from_utf8(piece.unwrap().to_vec()).unwrap();
        let (name, data) = text.strip_prefix("event: ")?.split_once("\ndata: ")?;
        Some((name.to_owned(), serde_json::from_str(data.trim()).unwrap()))
    }))
}

#[tokio::test]
async fn a_run_that_is_over_is_listed_and_answered_with_its_report() {
    let service = Service::new(Archive::in_memory(10));
    let id = service.run(500).await;
    let (status, run) = service.ask("GET", &uri(&id)).await;
    assert_eq!(status, 200, "{run}");
    assert_eq!(
        (&run["state"], &run["kind"]),
        (&json!("ended"), &json!("run"))
    );
    assert_eq!(run["report"]["acknowledged"], 500);
    assert_eq!(run["report"]["outcome"], "completed");
    let (_, list) = service.ask("GET", "/api/loadtest/runs").await;
    let line = &list["runs"][0];
    assert_eq!(line["runId"], id.as_str());
    assert_eq!(
        (&line["acknowledged"], &line["outcome"]),
        (&json!(500), &json!("completed"))
    );
    assert_eq!(line["p99Ms"], run["report"]["latency"]["p99Ms"]);
}

#[tokio::test]
async fn the_list_is_newest_first_and_comes_in_pages() {
    let service = Service::new(Archive::in_memory(10));
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(service.run(10).await);
    }
    ids.reverse();
    let (_, first) = service.ask("GET", "/api/loadtest/runs?limit=2").await;
    let listed: Vec<_> = first["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["runId"])
        .collect();
    assert_eq!(listed, [&json!(ids[0]), &json!(ids[1])]);
    assert_eq!(first["next"], ids[1].as_str());
    let next = format!("/api/loadtest/runs?limit=2&before={}", ids[1]);
    let (_, second) = service.ask("GET", &next).await;
    assert_eq!(second["runs"].as_array().unwrap().len(), 1);
    assert_eq!(second["runs"][0]["runId"], ids[2].as_str());
    assert_eq!(second.get("next"), None);
}

#[tokio::test]
async fn a_run_is_followed_to_its_end_by_the_counters_of_its_report() {
    let service = Service::new(Archive::in_memory(10));
    let mut plan = Plan::new(1_500, "log-events");
    plan.rate = Some(1_000);
    let (id, _) = service.start(plan);
    let mut events = events(
        service
            .answer("GET", &format!("{}/progress", uri(&id)))
            .await,
    );
    let (name, first) = events.next().await.unwrap();
    assert_eq!(
        (name.as_str(), &first["eventCount"]),
        ("progress", &json!(1_500))
    );
    let mut last = first;
    let ended = loop {
        match events.next().await.unwrap() {
            (name, data) if name == "progress" => {
                assert!(data["acknowledged"].as_u64() >= last["acknowledged"].as_u64());
                last = data;
            }
            (name, data) => {
                assert_eq!(name, "ended");
                break data;
            }
        }
    };
    assert!(last["acknowledged"].as_u64().unwrap() > 0, "{last}");
    assert_eq!(
        (&ended["acknowledged"], &ended["state"]),
        (&json!(1_500), &json!("ended"))
    );
    assert!(events.next().await.is_none());
    assert_eq!(service.metrics.acknowledged.get(), 1_500);
    let (_, run) = service.ask("GET", &uri(&id)).await;
    let by_second = run["report"]["timeline"].as_array().unwrap();
    let sum: u64 = by_second
        .iter()
        .map(|point| point["acknowledged"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 1_500);
}

#[tokio::test]
async fn a_cancelled_run_ends_with_what_it_had_and_cannot_be_cancelled_again() {
    let service = Service::new(Archive::in_memory(10));
    let (id, started) = service.start(endless());
    let mut events = events(
        service
            .answer("GET", &format!("{}/progress", uri(&id)))
            .await,
    );
    while events.next().await.unwrap().1["acknowledged"]
        .as_u64()
        .unwrap()
        == 0
    {}
    let (status, run) = service.ask("DELETE", &uri(&id)).await;
    assert_eq!(
        (status, &run["state"]),
        (StatusCode::OK, &json!("cancelled"))
    );
    let report = &run["report"];
    assert_eq!(report["outcome"], "cancelled");
    assert!(
        (1..600_000).contains(&report["acknowledged"].as_u64().unwrap()),
        "{report}"
    );
    started.ending.await.unwrap().unwrap();
    let (status, problem) = service.ask("DELETE", &uri(&id)).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("run_ended"))
    );
    assert_eq!(
        service.metrics.runs.with_label_values(&["cancelled"]).get(),
        1
    );
}

#[tokio::test]
async fn a_stop_of_the_service_ends_the_stream_and_the_run_is_interrupted() {
    let service = Service::new(Archive::in_memory(10));
    let (id, started) = service.start(endless());
    let mut events = events(
        service
            .answer("GET", &format!("{}/progress", uri(&id)))
            .await,
    );
    events.next().await.unwrap();
    let stopped = Instant::now();
    service.stop.cancel();
    while events.next().await.is_some() {}
    assert!(
        stopped.elapsed() < Duration::from_secs(5),
        "{:?}",
        stopped.elapsed()
    );
    let record = started.ending.await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(record.state).unwrap(), "interrupted");
}

#[tokio::test]
async fn runs_are_there_after_a_restart_and_only_so_many() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Service::new(Archive::open(folder.path(), 2));
    let service = open();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(service.run(10).await);
    }
    let (_, before) = service.ask("GET", "/api/loadtest/runs").await;
    assert_eq!(before["runs"].as_array().unwrap().len(), 2);
    drop(service);
    let service = open();
    let (_, after) = service.ask("GET", "/api/loadtest/runs").await;
    assert_eq!(after, before);
    let (status, _) = service.ask("GET", &uri(&ids[0])).await;
    assert_eq!(status, 404);
    let (_, stats) = service.ask("GET", "/api/loadtest/stats").await;
    assert_eq!(stats["recentRuns"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_killed_service_lists_its_run_as_interrupted_with_what_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::new(Archive::open(folder.path(), 10));
    let (id, started) = service.start(endless());
    let checkpoint = folder.path().join("run-in-progress.json");
    let seconds = |path: &Path| {
        let record: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        Some(record["progress"]["timeline"].as_array()?.len())
    };
    let begun = Instant::now();
    while seconds(&checkpoint).unwrap_or(0) == 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "no checkpoint shows progress"
        );
        tokio::task::yield_now().await;
    }
    // What a killed service leaves is what is on the disk in the midst of a run.
    let left = tempfile::tempdir().unwrap();
    std::fs::copy(&checkpoint, left.path().join("run-in-progress.json")).unwrap();
    let next = Service::new(Archive::open(left.path(), 10));
    let (_, run) = next.ask("GET", &uri(&id)).await;
    assert_eq!(run["state"], "interrupted", "{run}");
    assert!(
        run["progress"]["acknowledged"].as_u64().unwrap() > 0,
        "{run}"
    );
    assert!(
        !run["progress"]["timeline"].as_array().unwrap().is_empty(),
        "{run}"
    );
    started.running.cancel();
    started.ending.await.unwrap().unwrap();
    assert!(
        !checkpoint.exists(),
        "a run that ended leaves no checkpoint"
    );
}
