//! Settings: merged, replaced, guarded by an ETag, and none lost between two writers.

use cluster_tests::api::{Answer, Api};
use cluster_tests::kafka_tool;
use local_cluster::shared;
use reqwest::Method;
use serde_json::{Value, json};

use super::with_topic;

async fn send(admin: &Api, method: Method, path: &str, body: &Value) -> Answer {
    let body = ("application/json", body.to_string());
    admin.send(method, path, Some(body)).await
}

async fn patch(admin: &Api, path: &str, configs: Value) -> Answer {
    let body = json!({"configs": configs}).to_string();
    admin.patch_json(path, &body).await
}

fn setting<'a>(list: &'a Value, name: &str) -> &'a Value {
    let entries = list["configs"].as_array().unwrap();
    entries.iter().find(|entry| entry["name"] == name).unwrap()
}

async fn described(topic: &str) -> String {
    let bootstrap = shared().await.unwrap().bootstrap();
    let arguments = [
        "--describe",
        "--entity-type",
        "topics",
        "--entity-name",
        topic,
    ];
    kafka_tool("kafka.admin.ConfigCommand", &bootstrap, &arguments).await
}

#[tokio::test]
async fn a_merge_touches_only_what_it_names_and_a_replacement_takes_the_rest_back() {
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}/configs");
    let wanted = json!({"retention.ms": 7_200_000, "segment.ms": "3600000"});
    let merged = patch(admin, &path, wanted).await.ok_json(200);
    assert_eq!(merged["changes"].as_array().unwrap().len(), 2, "{merged}");
    let merged = patch(admin, &path, json!({"retention.ms": "60000"})).await;
    let changes = &merged.ok_json(200)["changes"];
    assert_eq!(
        *changes,
        json!([{"field": "configs.retention.ms", "before": "7200000", "after": "60000"}])
    );
    let list = admin.get(&path).await.ok_json(200);
    let retention = setting(&list, "retention.ms");
    assert_eq!(retention["overridden"], true, "{retention}");
    let least = setting(&list, "min.insync.replicas");
    assert_eq!(
        (&least["value"], &least["default"]),
        (&json!("2"), &json!("1"))
    );
    assert_eq!(setting(&list, "segment.ms")["value"], "3600000");

    let dry = json!({"configs": {}, "validateOnly": true});
    let dry = send(admin, Method::PUT, &path, &dry).await.ok_json(200);
    assert_eq!(dry["changes"].as_array().unwrap().len(), 2, "{dry}");
    let bytes = json!({"configs": {"retention.bytes": 1000}});
    let only = format!("{path}?validateOnly=true");
    let dry = send(admin, Method::PATCH, &only, &bytes).await.ok_json(200);
    assert_eq!(dry["validateOnly"], true, "{dry}");
    assert_eq!(
        dry["cost"],
        json!({"partitions": 2, "replicas": 6, "worstCaseDiskBytes": 6_000}),
        "{dry}"
    );
    let twice = json!({"configs": {}, "validateOnly": true});
    let twice = send(admin, Method::PUT, &only, &twice).await;
    twice.field_problem(400, "validateOnly");
    let replacement = json!({"configs": {"retention.ms": "90000"}});
    let replaced = send(admin, Method::PUT, &path, &replacement).await;
    replaced.ok_json(200);
    let told = described(&topic).await;
    assert!(told.contains("retention.ms=90000"), "{told}");
    assert!(!told.contains("segment.ms="), "{told}");
    let back = patch(admin, &path, json!({"retention.ms": null})).await;
    back.ok_json(200);
    let list = admin.get(&path).await.ok_json(200);
    assert_eq!(setting(&list, "retention.ms")["overridden"], false);
}

#[tokio::test]
async fn settings_that_changed_since_they_were_seen_are_not_overwritten() {
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}/configs");
    let list = admin.get(&path).await;
    let seen = list.header("etag").to_owned();
    assert_eq!(list.ok_json(200)["etag"], seen.as_str());
    let body = json!({"configs": {"retention.ms": "60000"}}).to_string();
    let with_etag = |etag: String| {
        let headers = [
            ("if-match", etag),
            ("content-type", "application/json".to_owned()),
        ];
        admin.send_with(Method::PATCH, &path, headers.to_vec(), body.clone())
    };
    let first = with_etag(seen.clone()).await;
    let etag = first.header("etag").to_owned();
    first.ok_json(200);
    let late = with_etag(seen).await.problem(412, "precondition_failed");
    assert_eq!(late["etag"], etag.as_str(), "{late}");
}

#[tokio::test]
async fn what_is_no_setting_or_no_value_changes_nothing() {
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}/configs");
    let wrong = json!({"retention.ms": "60000", "retention.mss": "1"});
    let problem = patch(admin, &path, wrong).await;
    let problem = problem.problem(422, "unknown_config");
    assert_eq!(problem["errors"][0]["field"], "configs.retention.mss");
    let wrong = json!({"segment.ms": "60000", "retention.ms": "soon"});
    let problem = patch(admin, &path, wrong).await;
    problem.problem(422, "kafka_refused");
    let list = admin.get(&path).await.ok_json(200);
    assert_eq!(setting(&list, "segment.ms")["overridden"], false);
    let unknown = patch(admin, "/api/topics/no-such-topic/configs", json!({}));
    unknown.await.problem(404, "topic_not_found");
    let internal = patch(admin, "/api/topics/__consumer_offsets/configs", json!({}));
    internal.await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_broker_s_own_settings_are_changed_by_name_and_taken_back() {
    let (admin, _) = with_topic().await;
    let path = "/api/brokers/1/configs";
    let name = "log.cleaner.backoff.ms";
    let merged = patch(admin, path, json!({name: "14000"}))
        .await
        .ok_json(200);
    assert_eq!(merged["changes"][0]["after"], "14000", "{merged}");
    let list = admin.get(path).await.ok_json(200);
    assert_eq!(setting(&list, name)["source"], "DYNAMIC_BROKER_CONFIG");
    let back = patch(admin, path, json!({name: null})).await.ok_json(200);
    assert_eq!(back["changes"][0]["after"], Value::Null, "{back}");
    let fixed = patch(admin, path, json!({"broker.id": "7"})).await;
    assert_eq!(fixed.status.as_u16(), 422, "{}", fixed.text);
    let unknown = admin.get("/api/brokers/99/configs").await;
    unknown.problem(404, "broker_not_found");
}

/// Two clients write different settings of one topic at once. In ZooKeeper mode Kafka loses such
/// updates; the service has them take turns.
#[tokio::test]
async fn of_two_clients_that_patch_at_once_no_update_is_lost() {
    const ROUNDS: u64 = 200;
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}/configs");
    let client = |name: &'static str| {
        let (admin, path) = (admin.clone(), path.clone());
        tokio::spawn(async move {
            for round in 1..=ROUNDS {
                let value = (round * 1_000_000).to_string();
                let answer = patch(&admin, &path, json!({name: value}))
                    .await
                    .ok_json(200);
                assert_eq!(answer["changes"][0]["after"], value, "{answer}");
                let list = admin.get(&path).await.ok_json(200);
                assert_eq!(setting(&list, name)["value"], value, "round {round}");
            }
        })
    };
    let (one, other) = tokio::join!(client("retention.ms"), client("segment.ms"));
    one.unwrap();
    other.unwrap();
    let told = described(&topic).await;
    for name in ["retention.ms", "segment.ms"] {
        assert!(told.contains(&format!("{name}=200000000")), "{told}");
    }
}
