//! The services while brokers stop, die and hang: health names the broker, a load test loses nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use cluster_tests::names::unique;
use cluster_tests::services::{Hosted, Services, Target, host};
use cluster_tests::{PATIENCE, kafka_tool};
use local_cluster::{FaultLease, NodeId, lease_for_faults, wait_for_condition};
use serde_json::Value;

/// What a broker is made to suffer, and how it gets well again.
enum Fault {
    Stop,
    Kill,
    Pause,
}

impl Fault {
    async fn inject(&self, cluster: &FaultLease, node: NodeId) {
        match self {
            Self::Stop => assert!(cluster.stop(node).await.unwrap(), "it stops by itself"),
            Self::Kill => cluster.kill(node).await.unwrap(),
            Self::Pause => cluster.pause(node).await.unwrap(),
        }
    }

    async fn mend(&self, cluster: &FaultLease, node: NodeId) {
        match self {
            Self::Stop | Self::Kill => cluster.start_node(node).await.unwrap(),
            Self::Pause => cluster.resume(node).unwrap(),
        }
    }
}

async fn health(services: &Services) -> Value {
    services.health.get("/api/health").await.json()
}

/// Waits until health says `status`, and returns the whole answer.
async fn until(services: &Services, status: &str, limit: Duration) -> Value {
    wait_for_condition(status, limit, || async {
        let health = health(services).await;
        if health["status"] == status {
            Ok(health)
        } else {
            Err(health.to_string())
        }
    })
    .await
    .unwrap()
}

/// Waits for an incident of this rule and subject that has ended. On a busy machine another broker may have been
/// late for a moment as well.
async fn incident_that_ended(services: &Services, code: &str, subject: &str) {
    wait_for_condition("the end of the incident", PATIENCE, || async {
        let list = services.health.get("/api/health/incidents").await.json();
        let mut incidents = list["incidents"].as_array().into_iter().flatten();
        let ended = incidents.any(|incident| {
            let about = incident["subject"].as_str().unwrap();
            incident["code"] == code
                && about.starts_with(subject)
                && incident["endedAt"].is_string()
        });
        if ended { Ok(()) } else { Err(list.to_string()) }
    })
    .await
    .unwrap();
}

async fn hosted(cluster: &FaultLease) -> Hosted {
    let hosted = host(&Target::of(cluster));
    until(&hosted, "HEALTHY", PATIENCE * 2).await;
    hosted
}

/// Sequences read back with Kafka's own consumer, by how often each is there.
async fn sequences(bootstrap: &str, topic: &str, run: &str) -> Vec<u64> {
    let console = "org.apache.kafka.tools.consumer.ConsoleConsumer";
    let arguments = ["--topic", topic, "--from-beginning", "--timeout-ms", "8000"];
    let printed = kafka_tool(console, bootstrap, &arguments).await;
    printed
        .lines()
        .filter_map(|line| line.strip_prefix(r#"{"eventId":""#))
        .map(|rest| rest.split('"').next().unwrap())
        .filter(|id| id.starts_with(run))
        .map(|id| u64::from_str_radix(&id[22..34], 16).unwrap())
        .collect()
}

/// A fault in the middle of a paced run: health tells, nothing acknowledged is lost.
async fn a_load_test_survives(fault: Fault) {
    let cluster = lease_for_faults().await.unwrap();
    let services = hosted(&cluster).await;
    let topic = unique("load");
    let create = format!("/api/topics?topicName={topic}&partitions=6&replicationFactor=3");
    services.admin.post(&create).await.ok_json(201);
    let api = services.load_test.clone();
    let call = format!(
        "/api/loadtest/run?eventCount=10000&rate=500&profile=durable&verify=true&topic={topic}"
    );
    let run = tokio::spawn(async move { api.post(&call).await });
    wait_for_condition("the run to be under way", PATIENCE, || async {
        let stats = services.load_test.get("/api/loadtest/stats").await.json();
        let acknowledged = stats["running"]["acknowledged"].as_u64().unwrap_or(0);
        if acknowledged > 500 {
            Ok(())
        } else {
            Err(stats.to_string())
        }
    })
    .await
    .unwrap();

    let node = NodeId::broker(1);
    fault.inject(&cluster, node).await;
    // What it led lacks a replica a moment before it is taken for down itself.
    let degraded = wait_for_condition("health to miss a broker", PATIENCE, || async {
        let health = services.health.get("/api/health").await.json();
        if health["status"] == "DEGRADED" && health["healthyBrokers"] == 2 {
            Ok(health)
        } else {
            Err(health.to_string())
        }
    })
    .await
    .unwrap();
    assert_eq!(degraded["totalBrokers"], 3, "{degraded}");
    let statuses = degraded["brokerStatuses"].as_array().unwrap();
    let broken = statuses
        .iter()
        .find(|status| status["brokerId"] == 1)
        .unwrap();
    assert_eq!(broken["healthy"], false, "{degraded}");
    assert!(broken["errorMessage"].is_string(), "{degraded}");
    let reasons = degraded["reasons"].to_string();
    assert!(reasons.contains("broker 1"), "{reasons}");

    // Let writers and the controller notice before it comes back.
    wait_for_condition("new leaders", PATIENCE, || async {
        let seen = services
            .admin
            .get(&format!("/api/topics/{topic}"))
            .await
            .json();
        let led_by_1 = seen["partitions"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|p| p["leader"] == 1);
        let known = seen["partitions"].is_array();
        if known && !led_by_1 {
            Ok(())
        } else {
            Err(seen.to_string())
        }
    })
    .await
    .unwrap();
    // Two of three are left: none of them may go.
    let impact = services
        .known_stop_impact("/api/health/brokers/2/stop-impact")
        .await;
    assert_eq!(impact["verdict"], "UNSAFE", "{impact}");
    fault.mend(&cluster, node).await;
    until(&services, "HEALTHY", PATIENCE * 2).await;
    incident_that_ended(&services, "broker_down", "broker 1 ").await;

    let report = run.await.unwrap().ok_json(200);
    assert_eq!(report["acknowledged"], 10_000, "{report}");
    assert_eq!(report["failed"], 0, "{report}");
    let verification = &report["verification"];
    assert_eq!(verification["outcome"], "passed", "{report}");
    for finding in ["lost", "duplicated", "outOfOrder", "corrupted"] {
        assert_eq!(verification[finding], 0, "{finding}: {verification}");
    }
    let read = sequences(
        &cluster.bootstrap(),
        &topic,
        report["runId"].as_str().unwrap(),
    )
    .await;
    let distinct: BTreeSet<u64> = read.iter().copied().collect();
    assert_eq!(
        distinct,
        (0..10_000).collect(),
        "acknowledged and not there"
    );
    assert_eq!(
        read.len(),
        10_000,
        "an idempotent producer duplicates nothing"
    );
}

#[tokio::test]
async fn a_load_test_loses_nothing_when_a_broker_stops() {
    a_load_test_survives(Fault::Stop).await;
}

#[tokio::test]
async fn a_load_test_loses_nothing_when_a_broker_is_killed() {
    a_load_test_survives(Fault::Kill).await;
}

#[tokio::test]
async fn a_load_test_loses_nothing_when_a_broker_hangs() {
    a_load_test_survives(Fault::Pause).await;
}

/// The negative control: what is acknowledged by the leader alone, while both followers stand still,
/// is gone with that leader. The verification must find it, or it finds nothing.
#[tokio::test]
async fn acknowledgements_of_a_leader_alone_are_lost_with_it_and_the_loss_is_counted() {
    let cluster = lease_for_faults().await.unwrap();
    let services = hosted(&cluster).await;
    let topic = unique("lossy");
    let create = format!("/api/topics?topicName={topic}&partitions=1&replicationFactor=3");
    services.admin.post(&create).await.ok_json(201);
    let described = format!("/api/topics/{topic}");
    let partition = services.admin.get(&described).await.ok_json(200)["partitions"][0].clone();
    let leader = u16::try_from(partition["leader"].as_u64().unwrap()).unwrap();
    let followers: Vec<NodeId> = (1..=3)
        .filter(|id| *id != leader)
        .map(NodeId::broker)
        .collect();
    let api = services.load_test.clone();
    let call =
        format!("/api/loadtest/run?eventCount=30000&rate=2000&acks=1&verify=true&topic={topic}");
    let run = tokio::spawn(async move { api.post(&call).await });
    let acknowledged = async || {
        let stats = services.load_test.get("/api/loadtest/stats").await.json();
        stats["running"]["acknowledged"].as_u64().unwrap_or(0)
    };
    let at_least = async |count: u64| {
        wait_for_condition("acknowledgements", PATIENCE, || async {
            let now = acknowledged().await;
            if now >= count {
                Ok(())
            } else {
                Err(now.to_string())
            }
        })
        .await
        .unwrap();
    };
    at_least(1_000).await;

    for follower in &followers {
        cluster.pause(*follower).await.unwrap();
    }
    let before = acknowledged().await;
    at_least(before + 1_000).await;
    // While the controller still counts the followers as in sync.
    cluster.kill(NodeId::broker(leader)).await.unwrap();
    for follower in &followers {
        cluster.resume(*follower).unwrap();
    }

    let report = run.await.unwrap().ok_json(200);
    let verification = &report["verification"];
    let count = |name: &str| verification[name].as_u64().unwrap();
    assert_eq!(verification["outcome"], "failed", "{report}");
    assert!(count("lost") > 0, "{report}");
    assert_eq!(
        count("lost"),
        count("acknowledged") - count("readBack"),
        "{report}"
    );
    assert_eq!(report["acknowledged"], verification["acknowledged"]);
    // What Kafka has, by its own count.
    let stored = services.admin.get(&described).await.ok_json(200)["partitions"][0].clone();
    let failed_but_there = verification["failedButThere"]["possiblyWritten"]
        .as_u64()
        .unwrap();
    assert_eq!(
        stored["latestOffset"].as_u64().unwrap(),
        count("readBack") + count("duplicated") + failed_but_there,
        "{stored}: {report}"
    );
    let gap = &report["disturbances"]["longestGap"];
    assert!(gap["durationMs"].as_f64().unwrap() > 2_000.0, "{report}");
    assert!(
        report["disturbances"]["firstErrorAt"].is_string(),
        "{report}"
    );
    cluster.start_node(NodeId::broker(leader)).await.unwrap();
}

#[tokio::test]
async fn with_all_brokers_down_every_endpoint_answers_and_all_recover() {
    let cluster = lease_for_faults().await.unwrap();
    let services = hosted(&cluster).await;
    for node in cluster.spec().broker_nodes() {
        cluster.kill(node).await.unwrap();
    }
    let down = wait_for_condition("health to tell", PATIENCE, || async {
        let answer = services.health.get("/api/health").await;
        // Two of three down is CRITICAL already; wait for all.
        if answer.status.as_u16() == 503 && answer.json()["healthyBrokers"] == 0 {
            Ok(answer.json())
        } else {
            Err(answer.text)
        }
    })
    .await
    .unwrap();
    assert!(
        ["CRITICAL", "UNKNOWN"].contains(&down["status"].as_str().unwrap()),
        "{down}"
    );
    assert_eq!(down["healthyBrokers"], 0, "{down}");

    let admin = &services.admin;
    let unreachable = [
        admin.get("/api/topics").await,
        admin.get("/api/topics/log-events").await,
        admin
            .post("/api/topics?topicName=never&partitions=1&replicationFactor=1")
            .await,
        admin.delete("/api/topics/never").await,
        services
            .load_test
            .post("/api/loadtest/run?eventCount=10&topic=log-events")
            .await,
    ];
    for answer in unreachable {
        answer.problem(503, "kafka_unreachable");
        assert!(
            !answer.header("retry-after").is_empty(),
            "{:?}",
            answer.headers
        );
        assert!(
            answer.took < Duration::from_secs(10),
            "{:?}: {}",
            answer.took,
            answer.text
        );
    }
    for api in [&services.admin, &services.health, &services.load_test] {
        for path in ["/livez", "/metrics"] {
            let answer = api.get(path).await;
            assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text);
            assert!(
                answer.took < Duration::from_secs(3),
                "{path}: {:?}",
                answer.took
            );
        }
    }

    super::all_down::start_all(&cluster).await;
    until(&services, "HEALTHY", PATIENCE * 3).await;
    // Each service has a client of its own, which comes back in its own time.
    wait_for_condition("the admin service to reach Kafka", PATIENCE, || async {
        let answer = services.admin.get("/api/topics").await;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(answer.text)
        }
    })
    .await
    .unwrap();
    wait_for_condition("the load-test service to be ready", PATIENCE, || async {
        let answer = services.load_test.get("/readyz").await;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(answer.text)
        }
    })
    .await
    .unwrap();
    let run = services
        .load_test
        .post("/api/loadtest/run?eventCount=100&topic=log-events")
        .await;
    assert_eq!(run.ok_json(200)["acknowledged"], 100);
    wait_for_condition("log-processor to read again", PATIENCE * 2, || async {
        let group = health(&services).await["consumerGroupHealth"]["log-processor"].clone();
        if group["state"] == "Stable" && group["totalLag"] == 0 {
            Ok(())
        } else {
            Err(group.to_string())
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_creation_that_wants_too_many_brokers_names_the_missing_one() {
    let cluster = lease_for_faults().await.unwrap();
    let services = hosted(&cluster).await;
    let topic = unique("topic");
    let create = format!("/api/topics?topicName={topic}&partitions=2&replicationFactor=3");
    services.admin.post(&create).await.ok_json(201);
    cluster.stop(NodeId::broker(3)).await.unwrap();

    let other = unique("topic");
    let refused = format!("/api/topics?topicName={other}&partitions=1&replicationFactor=3");
    let problem = services
        .admin
        .post(&refused)
        .await
        .problem(422, "not_enough_brokers");
    assert_eq!(problem["retriable"], true, "{problem}");
    assert_eq!(
        problem["kafkaError"], "INVALID_REPLICATION_FACTOR",
        "{problem}"
    );
    assert!(
        problem["brokersMissing"].to_string().contains('3'),
        "{problem}"
    );

    let pending = services.admin.delete(&format!("/api/topics/{topic}")).await;
    let body = pending.ok_json(202);
    assert_eq!(body["status"], "deletion_pending", "{body}");
    assert_eq!(body["brokersAwaited"], serde_json::json!([3]), "{body}");
    services
        .admin
        .post(&create)
        .await
        .problem(409, "topic_deletion_pending");

    cluster.start_node(NodeId::broker(3)).await.unwrap();
    wait_for_condition("the name to be free again", PATIENCE, || async {
        let answer = services.admin.post(&create).await;
        if answer.status.as_u16() == 201 {
            Ok(())
        } else {
            Err(answer.text)
        }
    })
    .await
    .unwrap();
}
