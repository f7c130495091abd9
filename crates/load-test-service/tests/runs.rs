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
use load_test_service::search::{Compare, Sweep};
use load_test_service::settings::Settings;
use load_test_service::state::AppState;
use load_test_service::target::Target;
use serde_json::{Value, json};
use service_kit::{FromFields, input};
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
        let watch = KafkaWatch::default();
        let router = load_test_service::router(state, watch, registry, &http).unwrap();
        Self {
            router,
            runner,
            metrics,
            stop,
        }
    }

    fn start(&self, plan: Plan) -> (String, Started) {
        self.begin(Task::Run(Box::new(plan)))
    }

    fn begin(&self, task: Task) -> (String, Started) {
        let partitions = (0..4)
            .map(|id| PartitionMetadata {
                id,
                leader: Some(1),
                replicas: vec![1],
                in_sync_replicas: vec![1],
            })
            .collect();
        // A comparison has two plans, which go to the same topic here.
        let target = Target::of(partitions);
        let started = self.runner.start(task, vec![target.clone(), target]);
        let started = started.unwrap();
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

    async fn page(&self, uri: &str) -> String {
        let response = self.answer("GET", uri).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()["content-type"],
            "text/html; charset=utf-8"
        );
        text(response).await
    }

    async fn submit(
        &self,
        uri: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, String) {
        let mut request = Request::builder().method("POST").uri(uri);
        if !form.is_empty() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        (response.status(), text(response).await)
    }

    async fn ask(&self, method: &str, uri: &str) -> (StatusCode, Value) {
        let response = self.answer(method, uri).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A sweep or a comparison, read as a request is.
fn read<T: FromFields>(body: &[(&str, &str)]) -> T {
    let pairs = body
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    input::read_pairs(pairs.collect()).unwrap()
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

#[tokio::test]
async fn a_sweep_finds_the_highest_rate_and_has_its_curve() {
    let service = Service::new(Archive::in_memory(10));
    let sweep = [
        ("topic", "log-events"),
        ("minRate", "2000"),
        ("maxRate", "4000"),
        ("stepSeconds", "1"),
        // What is under test is the sweep, not the machine.
        ("objectiveP99Ms", "60000"),
    ];
    let (id, started) = service.begin(Task::Sweep(Box::new(read::<Sweep>(&sweep))));
    started.ending.await.unwrap().unwrap();
    let (_, run) = service.ask("GET", &uri(&id)).await;
    assert_eq!(
        (&run["kind"], &run["state"]),
        (&json!("sweep"), &json!("ended"))
    );
    let sweep = &run["sweep"];
    assert_eq!(sweep["steps"][0]["rate"], 2_000);
    for step in sweep["steps"].as_array().unwrap() {
        let rate = step["rate"].as_f64().unwrap();
        assert!(
            step["throughput"].as_f64().unwrap() <= rate * 1.01,
            "{step}"
        );
        assert!(step["p99Ms"].as_f64().unwrap() > 0.0, "{step}");
    }
    let (_, list) = service.ask("GET", "/api/loadtest/runs").await;
    assert_eq!(list["runs"][0]["conclusion"], sweep["conclusion"]);
    let page = service.page(&format!("/runs/{id}")).await;
    assert!(page.contains("by rate</figcaption>"), "{page}");
}

#[tokio::test]
async fn a_comparison_interleaves_its_runs_and_a_cancelled_one_keeps_its_pairs() {
    let service = Service::new(Archive::in_memory(10));
    let plan = Plan::new(1_000, "log-events");
    let compare = |pairs| Compare {
        a: plan.clone(),
        b: plan.clone(),
        pairs,
        label: None,
    };
    let (id, started) = service.begin(Task::Compare(Box::new(compare(3))));
    started.ending.await.unwrap().unwrap();
    let (_, run) = service.ask("GET", &uri(&id)).await;
    let comparison = &run["comparison"];
    let ids: Vec<_> = comparison["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|pair| [&pair["a"]["runId"], &pair["b"]["runId"]])
        .map(|id| id.as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 6);
    assert!(ids.is_sorted(), "a, b, a, b, ...: {ids:?}");
    assert_eq!(comparison["differences"][0]["confidencePercent"], 75.0);

    let (id, started) = service.begin(Task::Compare(Box::new(compare(50))));
    let mut events = events(
        service
            .answer("GET", &format!("{}/progress", uri(&id)))
            .await,
    );
    while events.next().await.unwrap().1["step"]["number"]
        .as_u64()
        .unwrap_or(0)
        < 6
    {}
    started.running.cancel();
    started.ending.await.unwrap().unwrap();
    let (_, run) = service.ask("GET", &uri(&id)).await;
    assert_eq!(run["state"], "cancelled");
    let pairs = run["comparison"]["pairs"].as_array().unwrap().len();
    assert!((1..50).contains(&pairs), "{pairs}");
}

#[tokio::test]
async fn the_pages_show_the_run_in_progress_and_the_report_with_its_plots() {
    let service = Service::new(Archive::in_memory(10));
    let page = service.page("/").await;
    assert!(
        page.contains("name=\"eventCount\"") && page.contains("None yet."),
        "{page}"
    );
    let (id, started) = service.start(endless());
    let page = service.page("/").await;
    assert!(
        page.contains(&format!("data-events=\"{}/progress\"", uri(&id))),
        "{page}"
    );
    let page = service.page(&format!("/runs/{id}")).await;
    assert!(
        page.contains("http-equiv=\"refresh\"") && page.contains("Cancel"),
        "{page}"
    );
    started.running.cancel();
    started.ending.await.unwrap().unwrap();

    let mut plan = Plan::new(2_500, "log-events");
    plan.rate = Some(1_000);
    plan.label = Some("<b>bold</b>".to_owned());
    let (id, started) = service.start(plan);
    started.ending.await.unwrap().unwrap();
    let page = service.page(&format!("/runs/{id}")).await;
    for part in [
        "Events per second",
        "Latency in ms, by the second",
        "by percentile",
        "<svg",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(
        !page.contains("http-equiv") && !page.contains("<b>bold"),
        "{page}"
    );
    assert!(
        page.contains(&format!("download=\"run-{id}.json\"")),
        "{page}"
    );
}

#[tokio::test]
async fn a_form_that_is_wrong_says_so_at_its_field_and_keeps_what_was_typed() {
    let service = Service::new(Archive::in_memory(10));
    let (status, page) = service
        .submit("/", "topic=log-events&eventCount=0&label=mine", &[])
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("must be between 1 and"), "{page}");
    assert!(page.contains("value=\"mine\""), "{page}");
    let (status, page) = service.submit("/", "topic=t&eventCount=1", &[]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{page}");
    assert!(page.contains("Not started"), "{page}");
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let service = Service::new(Archive::in_memory(10));
    let (id, started) = service.start(endless());
    let from_elsewhere = [("sec-fetch-site", "cross-site")];
    for path in ["/".to_owned(), format!("/runs/{id}/cancel")] {
        let (status, problem) = service.submit(&path, "", &from_elsewhere).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
        assert!(problem.contains("foreign_origin"), "{problem}");
    }
    assert!(!started.running.is_cancelled());
    let (status, _) = service.submit(&format!("/runs/{id}/cancel"), "", &[]).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let record = started.ending.await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(record.state).unwrap(), "cancelled");
}
