//! Every row of the load-test service; Kafka's own tool counts along.

use std::collections::BTreeMap;

use cluster_tests::names::unique;
use cluster_tests::services::Services;
use cluster_tests::{PATIENCE, kafka_tool};
use local_cluster::{shared, wait_for_condition};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

/// One run at a time is the service's rule; whoever starts one takes this turn, so that tests never see
/// each other's.
static TURN: Mutex<()> = Mutex::const_new(());

/// The services, to one that starts runs at a time.
pub async fn turn() -> (&'static Services, MutexGuard<'static, ()>) {
    let turn = TURN.lock().await;
    (super::health::healthy().await, turn)
}

/// A topic of its own with four partitions.
async fn topic(services: &Services) -> String {
    let name = unique("load-test");
    let call = format!("/api/topics?topicName={name}&partitions=4&replicationFactor=3");
    services.admin.post(&call).await.ok_json(201);
    name
}

/// End offsets by partition, from Kafka's own tool.
async fn end_offsets(topic: &str) -> BTreeMap<String, u64> {
    let bootstrap = shared().await.unwrap().bootstrap();
    let shell = "org.apache.kafka.tools.GetOffsetShell";
    let printed = kafka_tool(shell, &bootstrap, &["--topic", topic]).await;
    printed
        .lines()
        .filter_map(|line| line.strip_prefix(topic))
        .filter_map(|line| {
            let mut parts = line.trim_start_matches(':').split(':');
            Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?))
        })
        .collect()
}

fn ordered(latency: &Value) -> bool {
    let values = ["p50Ms", "p90Ms", "p95Ms", "p99Ms", "p999Ms", "maxMs"]
        .map(|name| latency[name].as_f64().unwrap());
    values.is_sorted() && values[0] > 0.0
}

#[tokio::test]
async fn a_run_counts_what_kafka_counts() {
    let (services, _turn) = turn().await;
    let topic = topic(services).await;
    let before = services
        .load_test
        .get("/api/loadtest/stats")
        .await
        .ok_json(200);
    let call = format!("/api/loadtest/run?eventCount=10000&topic={topic}");
    let report = services.load_test.post(&call).await.ok_json(200);
    assert_eq!(report["eventCount"], 10_000, "{report}");
    assert_eq!(report["topic"], topic.as_str(), "{report}");
    assert_eq!(report["acknowledged"], 10_000, "{report}");
    assert_eq!(report["failed"], 0, "{report}");
    assert!(ordered(&report["latency"]), "{report}");
    let seconds = report["durationMs"].as_f64().unwrap() / 1_000.0;
    let throughput = report["throughput"].as_f64().unwrap();
    assert!((throughput * seconds - 10_000.0).abs() < 10.0, "{report}");
    assert_eq!(end_offsets(&topic).await.values().sum::<u64>(), 10_000);
    let after = services
        .load_test
        .get("/api/loadtest/stats")
        .await
        .ok_json(200);
    let sent = |stats: &Value| stats["totalSent"].as_u64().unwrap();
    assert_eq!(sent(&after) - sent(&before), 10_000, "{after}");
    assert_eq!(
        after["recentRuns"][0]["runId"], report["runId"],
        "the newest run comes first"
    );
}

#[tokio::test]
async fn a_paced_run_keeps_to_its_rate() {
    let (services, _turn) = turn().await;
    let topic = topic(services).await;
    let call = format!("/api/loadtest/run?eventCount=2000&rate=1000&topic={topic}");
    let report = services.load_test.post(&call).await.ok_json(200);
    assert_eq!(report["acknowledged"], 2_000, "{report}");
    // The last of 2,000 events is due after 1,999 ms, and nothing is sent before it is due.
    assert!(
        report["durationMs"].as_f64().unwrap() >= 1_999.0,
        "{report}"
    );
    assert!(
        report["throughput"].as_f64().unwrap() <= 1_001.0,
        "{report}"
    );
}

#[tokio::test]
async fn a_verified_run_accounts_for_every_event_of_its_own() {
    let (services, _turn) = turn().await;
    let topic = topic(services).await;
    let other = format!("/api/loadtest/run?eventCount=500&topic={topic}");
    services.load_test.post(&other).await.ok_json(200);
    let call =
        format!("/api/loadtest/run?eventCount=20000&warmupEvents=300&verify=true&topic={topic}");
    let report = services.load_test.post(&call).await.ok_json(200);
    let verification = &report["verification"];
    assert_eq!(verification["outcome"], "passed", "{report}");
    assert_eq!(verification["acknowledged"], 20_000, "{verification}");
    assert_eq!(verification["readBack"], 20_000, "{verification}");
    for finding in [
        "lost",
        "duplicated",
        "outOfOrder",
        "corrupted",
        "neverSent",
        "foreign",
    ] {
        assert_eq!(verification[finding], 0, "{finding}: {verification}");
    }
    let metrics = services.load_test.get("/metrics").await.text;
    let passed = metrics
        .lines()
        .find_map(|line| line.strip_prefix("load_test_verifications_total{result=\"passed\"} "));
    assert!(passed.is_some_and(|count| count != "0"), "{metrics}");
    // Neither the run before nor the warm-up was read: they are in the topic all the same.
    assert_eq!(end_offsets(&topic).await.values().sum::<u64>(), 20_800);
}

#[tokio::test]
async fn a_run_with_cleanup_writes_nothing_into_its_target() {
    let (services, _turn) = turn().await;
    let topic = topic(services).await;
    let call = format!("/api/loadtest/run?eventCount=2000&verify=true&cleanup=true&topic={topic}");
    let report = services.load_test.post(&call).await.ok_json(200);
    assert_eq!(report["topic"], topic.as_str(), "{report}");
    assert_eq!(report["verification"]["outcome"], "passed", "{report}");
    assert_eq!(report["verification"]["readBack"], 2_000, "{report}");
    assert_eq!(end_offsets(&topic).await.values().sum::<u64>(), 0);
    let temporary = format!("/api/topics/{}", report["temporaryTopic"].as_str().unwrap());
    wait_for_condition("the temporary topic to be gone", PATIENCE, || async {
        let answer = services.admin.get(&temporary).await;
        if answer.status.as_u16() == 404 {
            Ok(())
        } else {
            Err(answer.text)
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn what_the_disks_do_not_hold_is_refused_with_the_sum() {
    let (services, _turn) = turn().await;
    let topic = topic(services).await;
    // 90 TB, and nothing limits what this topic keeps.
    let call =
        format!("/api/loadtest/run?eventCount=100000000&eventSizeBytes=900000&topic={topic}");
    let answer = services.load_test.post(&call).await;
    let problem = answer.problem(422, "insufficient_disk_space");
    let bytes = |name: &str| problem[name].as_u64().unwrap();
    assert!(bytes("neededBytes") > bytes("usableBytes"), "{problem}");
    assert!(bytes("usableBytes") > 0, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("GiB"),
        "{problem}"
    );
    assert_eq!(end_offsets(&topic).await.values().sum::<u64>(), 0);
}

#[tokio::test]
async fn a_compacted_topic_takes_only_records_with_keys_of_their_own() {
    let (services, _turn) = turn().await;
    let topic = unique("load-test-compacted");
    let body = serde_json::json!({
        "topicName": topic, "partitions": 4, "replicationFactor": 3,
        "configs": {"cleanup.policy": "compact"},
    });
    services
        .admin
        .post_json("/api/topics", &body.to_string())
        .await
        .ok_json(201);
    let run = format!("/api/loadtest/run?eventCount=500&verify=true&topic={topic}");
    let refused = services.load_test.post(&run).await;
    refused.problem(422, "compacted_topic");
    let report = services
        .load_test
        .post(&format!("{run}&keys=unique"))
        .await
        .ok_json(200);
    assert_eq!(report["verification"]["outcome"], "passed", "{report}");
    // Keys are spread by Kafka's own hash.
    let ends = end_offsets(&topic).await;
    assert!(ends.values().all(|end| *end > 0), "{ends:?}");
}

#[tokio::test]
async fn records_are_log_events_with_an_envelope() {
    let (services, _turn) = turn().await;
    let topic = topic(services).await;
    let call = format!("/api/loadtest/run?eventCount=300&topic={topic}");
    let report = services.load_test.post(&call).await.ok_json(200);
    let bootstrap = shared().await.unwrap().bootstrap();
    let console = "org.apache.kafka.tools.consumer.ConsoleConsumer";
    let arguments = [
        "--topic",
        &topic,
        "--from-beginning",
        "--max-messages",
        "300",
    ];
    let printed = kafka_tool(console, &bootstrap, &arguments).await;
    let events: Vec<&str> = printed
        .lines()
        .filter(|line| line.starts_with('{'))
        .collect();
    assert_eq!(events.len(), 300);
    let mut ids = std::collections::BTreeSet::new();
    for text in events {
        let event: Value = serde_json::from_str(text).unwrap();
        for field in [
            "serviceName",
            "severity",
            "message",
            "timestamp",
            "environment",
            "hostName",
        ] {
            assert!(
                event[field].as_str().is_some_and(|value| !value.is_empty()),
                "{field}: {event}"
            );
        }
        assert!(event["metadata"]["requestId"].is_string(), "{event}");
        assert!(event["metadata"].get("userId").is_some(), "{event}");
        let id = event["eventId"].as_str().unwrap();
        assert!(id.starts_with(report["runId"].as_str().unwrap()), "{id}");
        let (before, rest) = text.split_once(id).unwrap();
        assert_eq!(before, r#"{"eventId":""#);
        let read = kafka_cluster::Sequenced::read(id.as_bytes(), rest.as_bytes());
        ids.insert(read.unwrap().sequence);
    }
    assert_eq!(ids, (0..300).collect());
}

#[tokio::test]
async fn a_second_run_meanwhile_is_refused_and_progress_is_seen() {
    let (services, _turn) = turn().await;
    let topic = topic(services).await;
    let api = &services.load_test;
    let call = format!("/api/loadtest/run?eventCount=1500&rate=500&topic={topic}&label=long");
    let long = tokio::spawn(async move { api.post(&call).await });
    let running = wait_for_condition("the run to be seen", PATIENCE, || async {
        let stats = api.get("/api/loadtest/stats").await.json();
        let sent = stats["running"]["sent"].as_u64().unwrap_or(0);
        if sent > 0 {
            Ok(stats["running"].clone())
        } else {
            Err(stats.to_string())
        }
    })
    .await
    .unwrap();
    let second = api
        .post(&format!("/api/loadtest/run?eventCount=10&topic={topic}"))
        .await;
    let problem = second.problem(409, "run_in_progress");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains(running["runId"].as_str().unwrap())
    );
    api.post("/api/loadtest/reset")
        .await
        .problem(409, "run_in_progress");
    let report = long.await.unwrap().ok_json(200);
    assert_eq!(report["label"], "long");
    assert_eq!(report["acknowledged"], 1_500, "{report}");
}

#[tokio::test]
async fn a_run_has_a_name_is_followed_and_is_found_again() {
    let (services, _turn) = turn().await;
    let topic = topic(services).await;
    let api = &services.load_test;
    let call = format!("/api/loadtest/run?eventCount=1500&rate=1000&topic={topic}&label=named");
    let accepted = api.post_async(&call).await;
    let run = accepted.ok_json(202);
    assert_eq!(
        (&run["state"], &run["label"]),
        (&"running".into(), &"named".into())
    );
    let location = accepted.header("location");
    assert!(
        location.ends_with(run["runId"].as_str().unwrap()),
        "{location}"
    );
    // It is read to its end, which is the run's.
    let events = api.get(&format!("{location}/progress")).await.text;
    assert!(events.contains("event: progress\n"), "{events}");
    let (_, ended) = events.split_once("event: ended\ndata: ").unwrap();
    let ended: Value = serde_json::from_str(ended.trim()).unwrap();
    assert_eq!(ended["acknowledged"], 1_500, "{ended}");
    let found = api.get(location).await.ok_json(200);
    assert_eq!(found["report"]["acknowledged"], 1_500, "{found}");
    let sum: u64 = found["report"]["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["acknowledged"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 1_500, "{found}");
    let list = api.get("/api/loadtest/runs?limit=1").await.ok_json(200);
    assert_eq!(list["runs"][0]["runId"], run["runId"], "{list}");
}

#[tokio::test]
async fn a_cancelled_run_keeps_what_kafka_has() {
    let (services, _turn) = turn().await;
    let topic = topic(services).await;
    let api = &services.load_test;
    let call = format!("/api/loadtest/run?eventCount=600000&rate=1000&topic={topic}");
    let location = api.post_async(&call).await.header("location").to_owned();
    wait_for_condition("acknowledgements", PATIENCE, || async {
        let run = api.get(&location).await.json();
        if run["progress"]["acknowledged"].as_u64() > Some(0) {
            Ok(())
        } else {
            Err(run.to_string())
        }
    })
    .await
    .unwrap();
    let run = api.delete(&location).await.ok_json(200);
    let report = &run["report"];
    assert_eq!(
        (&run["state"], &report["outcome"]),
        (&"cancelled".into(), &"cancelled".into())
    );
    assert_eq!(report["acknowledged"], report["sent"], "{report}");
    let in_kafka = end_offsets(&topic).await.values().sum::<u64>();
    assert_eq!(report["acknowledged"], in_kafka);
    api.delete(&location).await.problem(409, "run_ended");
}

#[tokio::test]
async fn reset_starts_the_totals_again_and_keeps_the_counters() {
    let (services, _turn) = turn().await;
    let api = &services.load_test;
    let topic = topic(services).await;
    let run = format!("/api/loadtest/run?eventCount=100&topic={topic}");
    api.post(&run).await.ok_json(200);
    let counter = |text: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with("kafka_producer_success_total"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .unwrap()
    };
    let before = counter(&api.get("/metrics").await.text);
    assert!(api.post("/api/loadtest/reset").await.status.is_success());
    let stats = api.get("/api/loadtest/stats").await.ok_json(200);
    assert_eq!(stats["totalSent"], 0, "{stats}");
    assert!((counter(&api.get("/metrics").await.text) - before).abs() < 0.5);
    assert!(
        api.get("/metrics")
            .await
            .text
            .contains("kafka_producer_send_time_seconds_bucket")
    );
}

#[tokio::test]
async fn wrong_runs_are_refused_before_anything_is_sent() {
    let (services, _turn) = turn().await;
    let api = &services.load_test;
    for count in ["0", "-5", "many", "999999999999"] {
        let call = format!("/api/loadtest/run?topic=log-events&eventCount={count}");
        api.post(&call).await.field_problem(400, "eventCount");
    }
    let before = end_offsets("log-events").await;
    api.post("/api/loadtest/run?eventCount=10&topic=log-events&rate=0")
        .await
        .field_problem(400, "rate");
    api.post("/api/loadtest/run?eventCount=10&topik=log-events")
        .await
        .field_problem(400, "topik");
    let unknown = format!(
        "/api/loadtest/run?eventCount=10&topic={}",
        unique("load-test-never")
    );
    api.post(&unknown).await.problem(404, "topic_not_found");
    let audit = api
        .post("/api/loadtest/run?eventCount=10&topic=audit-logs")
        .await;
    assert_eq!(audit.status.as_u16(), 403, "{}", audit.text);
    let internal = api
        .post("/api/loadtest/run?eventCount=10&topic=__consumer_offsets")
        .await;
    assert_eq!(internal.status.as_u16(), 403, "{}", internal.text);
    assert_eq!(end_offsets("log-events").await, before);
}

#[tokio::test]
async fn the_log_processor_reads_what_is_written() {
    let (services, _turn) = turn().await;
    let before = end_offsets("log-events").await.values().sum::<u64>();
    let run = "/api/loadtest/run?eventCount=500&topic=log-events";
    services.load_test.post(run).await.ok_json(200);
    assert_eq!(
        end_offsets("log-events").await.values().sum::<u64>(),
        before + 500
    );
    wait_for_condition("log-processor to have no lag", PATIENCE * 2, || async {
        let health = services.health.get("/api/health").await.json();
        let group = &health["consumerGroupHealth"]["log-processor"];
        if group["totalLag"] == 0 {
            Ok(())
        } else {
            Err(group.to_string())
        }
    })
    .await
    .unwrap();
    let metrics = services.health.get("/metrics").await.text;
    assert!(
        metrics.contains("kafka_consumer_lag{group=\"log-processor\"} "),
        "{metrics}"
    );
}
