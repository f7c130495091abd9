//! Every row of the admin service, with Kafka's own tools as the witness.

use cluster_tests::names::unique;
use cluster_tests::services::{Services, shared_services};
use cluster_tests::{PATIENCE, kafka_tool};
use local_cluster::{shared, wait_for_condition};
use serde_json::{Value, json};

const TOPIC_COMMAND: &str = "org.apache.kafka.tools.TopicCommand";

/// The services, once the declared topics are there.
async fn ready() -> &'static Services {
    let services = shared_services().await;
    wait_for_condition("the admin service to be ready", PATIENCE, || async {
        let answer = services.admin.get("/readyz").await;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(answer.text)
        }
    })
    .await
    .unwrap();
    services
}

fn named<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list["topics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|topic| topic["topicName"] == name)
}

#[tokio::test]
async fn the_declared_topics_are_listed_as_declared() {
    let admin = &ready().await.admin;
    let list = admin.get("/api/topics").await.ok_json(200);
    for (name, partitions) in [("log-events", 12), ("critical-logs", 4), ("audit-logs", 6)] {
        let topic = named(&list, name).unwrap_or_else(|| panic!("{name}: {list}"));
        assert_eq!(topic["partitions"], partitions, "{topic}");
        assert_eq!(topic["replicationFactor"], 3, "{topic}");
        assert_eq!(topic["internal"], false, "{topic}");
        assert!(topic["underReplicatedPartitions"].is_number(), "{topic}");
    }
}

#[tokio::test]
async fn kafkas_own_tool_finds_the_declared_settings() {
    ready().await;
    let bootstrap = shared().await.unwrap().bootstrap();
    let day: u64 = 24 * 60 * 60 * 1000;
    let expected = [
        (
            "log-events",
            "12",
            vec![
                format!("retention.ms={}", 7 * day),
                "compression.type=snappy".to_owned(),
            ],
        ),
        (
            "critical-logs",
            "4",
            vec![format!("retention.ms={}", 14 * day)],
        ),
        (
            "audit-logs",
            "6",
            vec![
                format!("retention.ms={}", 30 * day),
                "cleanup.policy=compact,delete".to_owned(),
                format!("segment.ms={day}"),
            ],
        ),
    ];
    for (name, partitions, settings) in expected {
        let described =
            kafka_tool(TOPIC_COMMAND, &bootstrap, &["--describe", "--topic", name]).await;
        assert!(
            described.contains(&format!("PartitionCount: {partitions}")),
            "{described}"
        );
        assert!(described.contains("ReplicationFactor: 3"), "{described}");
        assert!(described.contains("min.insync.replicas=2"), "{described}");
        assert!(described.contains("retention.bytes="), "{described}");
        for setting in settings {
            assert!(described.contains(&setting), "{setting}: {described}");
        }
    }
}

#[tokio::test]
async fn a_topic_is_created_shown_and_deleted() {
    let admin = &ready().await.admin;
    let bootstrap = shared().await.unwrap().bootstrap();
    let name = unique("http");
    let created = admin
        .post(&format!(
            "/api/topics?topicName={name}&partitions=5&replicationFactor=3"
        ))
        .await;
    let body = created.ok_json(201);
    assert_eq!(created.header("location"), format!("/api/topics/{name}"));
    assert_eq!(body["topicName"], name.as_str(), "{body}");
    assert_eq!(body["partitions"].as_array().unwrap().len(), 5, "{body}");

    let shown = admin.get(&format!("/api/topics/{name}")).await.ok_json(200);
    let partition = &shown["partitions"][0];
    assert!(partition["leader"].is_number(), "{partition}");
    assert_eq!(
        partition["replicas"].as_array().unwrap().len(),
        3,
        "{partition}"
    );
    assert_eq!(
        partition["inSyncReplicas"].as_array().unwrap().len(),
        3,
        "{partition}"
    );
    assert_eq!(partition["latestOffset"], 0, "{partition}");
    let configs = shown["configs"].as_array().unwrap();
    let retention = configs
        .iter()
        .find(|entry| entry["name"] == "retention.ms")
        .unwrap();
    assert!(
        retention["value"].is_string() && retention["source"].is_string(),
        "{retention}"
    );

    let again = format!("/api/topics?topicName={name}&partitions=5&replicationFactor=3");
    admin.post(&again).await.problem(409, "topic_exists");
    let listed = kafka_tool(TOPIC_COMMAND, &bootstrap, &["--list"]).await;
    assert!(listed.lines().any(|line| line == name), "{listed}");

    let deleted = admin.delete(&format!("/api/topics/{name}")).await;
    assert_eq!(deleted.status.as_u16(), 204, "{}", deleted.text);
    admin
        .get(&format!("/api/topics/{name}"))
        .await
        .problem(404, "topic_not_found");
    admin
        .delete(&format!("/api/topics/{name}"))
        .await
        .problem(404, "topic_not_found");
    let listed = kafka_tool(TOPIC_COMMAND, &bootstrap, &["--list"]).await;
    assert!(!listed.lines().any(|line| line == name), "{listed}");
}

#[tokio::test]
async fn a_json_body_creates_a_topic_with_settings() {
    let admin = &ready().await.admin;
    let bootstrap = shared().await.unwrap().bootstrap();
    let name = unique("http");
    let body = json!({
        "topicName": name, "partitions": 2, "replicationFactor": 3,
        "configs": {"retention.ms": "3600000", "cleanup.policy": "compact"},
    });
    let created = admin.post_json("/api/topics", &body.to_string()).await;
    created.ok_json(201);
    let described = kafka_tool(TOPIC_COMMAND, &bootstrap, &["--describe", "--topic", &name]).await;
    assert!(described.contains("retention.ms=3600000"), "{described}");
    assert!(described.contains("cleanup.policy=compact"), "{described}");
    let shown = admin.get(&format!("/api/topics/{name}")).await.ok_json(200);
    let configs = shown["configs"].as_array().unwrap();
    let set = configs
        .iter()
        .find(|entry| entry["name"] == "cleanup.policy")
        .unwrap();
    assert_eq!(set["value"], "compact", "{set}");
}

#[tokio::test]
async fn a_created_topic_is_in_the_very_next_list() {
    let admin = &ready().await.admin;
    for _ in 0..5 {
        let name = unique("http");
        let call = format!("/api/topics?topicName={name}&partitions=3&replicationFactor=3");
        admin.post(&call).await.ok_json(201);
        let list = admin.get("/api/topics").await.ok_json(200);
        let topic = named(&list, &name).unwrap_or_else(|| panic!("{name} is not listed"));
        assert_eq!(topic["partitions"], 3, "{topic}");
        admin.delete(&format!("/api/topics/{name}")).await;
        let list = admin.get("/api/topics").await.ok_json(200);
        assert!(named(&list, &name).is_none(), "{name} is still listed");
    }
}

#[tokio::test]
async fn two_creations_of_one_name_at_once_make_it_once() {
    let admin = &ready().await.admin;
    let call = format!(
        "/api/topics?topicName={}&partitions=1&replicationFactor=3",
        unique("http")
    );
    let (one, two) = tokio::join!(admin.post(&call), admin.post(&call));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", one.text, two.text);
}

#[tokio::test]
async fn what_kafka_refuses_is_told_in_its_own_words() {
    let admin = &ready().await.admin;
    let call = format!(
        "/api/topics?topicName={}&partitions=1&replicationFactor=4",
        unique("http")
    );
    let refused = admin.post(&call).await;
    let problem = refused.problem(422, "kafka_refused");
    assert_eq!(
        problem["kafkaError"], "INVALID_REPLICATION_FACTOR",
        "{problem}"
    );
    // All brokers are up, so waiting would not help.
    assert_eq!(problem["retriable"], false, "{problem}");
    assert_eq!(
        problem["errors"][0]["field"], "replicationFactor",
        "{problem}"
    );
    let body = json!({"topicName": unique("http"), "configs": {"retention.ms": "soon"}});
    let refused = admin.post_json("/api/topics", &body.to_string()).await;
    let problem = refused.problem(422, "kafka_refused");
    assert_eq!(problem["kafkaError"], "INVALID_CONFIG", "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("retention.ms"),
        "{problem}"
    );
}

#[tokio::test]
async fn internal_topics_are_neither_made_nor_deleted() {
    let admin = &ready().await.admin;
    admin
        .delete("/api/topics/__consumer_offsets")
        .await
        .problem(403, "forbidden");
    admin
        .post("/api/topics?topicName=__consumer_offsets&partitions=1&replicationFactor=3")
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn each_wrong_field_is_named() {
    let admin = &ready().await.admin;
    let long = "a".repeat(250);
    for name in ["", "a%2Fb", ".", "..", "with%20space", long.as_str()] {
        let call = format!("/api/topics?topicName={name}&partitions=1&replicationFactor=3");
        admin.post(&call).await.field_problem(400, "topicName");
    }
    admin
        .post("/api/topics?partitions=1")
        .await
        .field_problem(400, "topicName");
    for partitions in ["0", "-1", "abc", "100001", ""] {
        let call = format!("/api/topics?topicName=never&partitions={partitions}");
        admin.post(&call).await.field_problem(400, "partitions");
    }
    for factor in ["0", "-1", "many"] {
        let call = format!("/api/topics?topicName=never&replicationFactor={factor}");
        admin
            .post(&call)
            .await
            .field_problem(400, "replicationFactor");
    }
    admin
        .post("/api/topics?topicName=never&partition=3")
        .await
        .field_problem(400, "partition");
    admin
        .post_json("/api/topics", r#"{"topicName": "never", "cfg": {}}"#)
        .await
        .field_problem(400, "cfg");
    admin
        .get("/api/topics?verbose=true")
        .await
        .field_problem(400, "verbose");
}

#[tokio::test]
async fn all_wrong_fields_are_named_at_once() {
    let admin = &ready().await.admin;
    let answer = admin
        .post("/api/topics?topicName=..&partitions=0&replicationFactor=x&y=1")
        .await;
    for field in ["topicName", "partitions", "replicationFactor", "y"] {
        answer.field_problem(400, field);
    }
}
