//! Calls with an `Idempotency-Key`.

use cluster_tests::api::{Answer, Api};
use cluster_tests::names;

use super::with_topic;

async fn keyed(admin: &Api, path: &str, key: &str, body: &str) -> Answer {
    let headers = vec![
        ("idempotency-key", key.to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    admin
        .send_with(reqwest::Method::POST, path, headers, body)
        .await
}

#[tokio::test]
async fn a_record_that_is_sent_again_with_its_key_is_written_once() {
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}/records");
    let key = names::unique("key");
    let record = r#"{"value": "once", "partition": 0}"#;
    let (one, other) = tokio::join!(
        keyed(admin, &path, &key, record),
        keyed(admin, &path, &key, record)
    );
    // Of two at once one is carried out; the other is told so, or given the same answer.
    let told: Vec<u16> = [&one, &other].map(|answer| answer.status.as_u16()).to_vec();
    assert!(told.contains(&201), "{} {}", one.text, other.text);
    assert!(
        told.iter().all(|status| [201, 409].contains(status)),
        "{told:?}"
    );
    let again = keyed(admin, &path, &key, record).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    let first = if one.status.as_u16() == 201 {
        one
    } else {
        other
    };
    assert_eq!(again.ok_json(201), first.ok_json(201));

    let another = r#"{"value": "twice", "partition": 0}"#;
    let reused = keyed(admin, &path, &key, another).await;
    reused.problem(422, "idempotency_key_reused");
    keyed(admin, &path, "", record)
        .await
        .problem(400, "invalid_input");

    let read = admin.get(&format!("{path}?last=10")).await;
    assert_eq!(read.text.lines().count(), 1, "{}", read.text);
}

#[tokio::test]
async fn a_topic_that_is_made_again_with_its_key_is_answered_as_made() {
    let (admin, _) = with_topic().await;
    let (topic, key) = (names::unique("keyed"), names::unique("key"));
    let body = format!(r#"{{"topicName": "{topic}", "partitions": 1, "replicationFactor": 3}}"#);
    let made = keyed(admin, "/api/topics", &key, &body).await;
    let again = keyed(admin, "/api/topics", &key, &body).await;
    assert_eq!(again.header("location"), format!("/api/topics/{topic}"));
    assert_eq!(again.ok_json(201), made.ok_json(201));
    // Without the key it is there already, and a failure is not kept.
    let other = names::unique("key");
    for _ in 0..2 {
        let exists = keyed(admin, "/api/topics", &other, &body).await;
        exists.problem(409, "topic_exists");
    }
}

#[tokio::test]
async fn only_the_fields_that_are_named_are_answered() {
    let (admin, topic) = with_topic().await;
    let list = format!("/api/topics?search={topic}&fields=topicName,partitions");
    let answer = admin.get(&list).await;
    assert_eq!(answer.header("content-type"), "application/partial+json");
    let expected = serde_json::json!([{"topicName": topic, "partitions": 2}]);
    assert_eq!(answer.json()["topics"], expected, "{}", answer.text);
    let one = admin
        .get(&format!("/api/topics/{topic}?fields=partitionCount"))
        .await;
    assert_eq!(one.json(), serde_json::json!({"partitionCount": 2}));
    let wrong = admin.get(&format!("/api/topics/{topic}?fields=size")).await;
    wrong.problem(400, "invalid_input");
}
