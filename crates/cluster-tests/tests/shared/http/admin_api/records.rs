//! Records: what `curl` reads and follows, and one produced.

use cluster_tests::api::{Answer, Api, Lines};
use serde_json::{Value, json};

use super::with_topic;

const ANY: &str = "*/*";

fn values(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines = answer.text.lines();
    lines
        .map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["value"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn what_was_produced_is_read_from_the_end_an_offset_a_time_and_by_its_text() {
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}/records");
    for number in 0..6 {
        let body = json!({"value": format!("event {number}"), "key": "k", "partition": number % 2});
        let written = admin.post_json(&path, &body.to_string()).await.ok_json(201);
        assert_eq!(written["partition"], number % 2, "{written}");
        assert_eq!(written["offset"], number / 2, "{written}");
    }
    let last = admin.get(&format!("{path}?last=2")).await;
    assert_eq!(values(&last), ["event 4", "event 5"]);
    assert_eq!(last.header("x-read-end"), "complete");
    let from = admin.get(&format!("{path}?offset=1&partition=1")).await;
    assert_eq!(values(&from), ["event 3", "event 5"]);
    let since = admin
        .get(&format!("{path}?time=2020-01-01T00:00:00Z"))
        .await;
    assert_eq!(values(&since).len(), 6, "{}", since.text);
    let found = admin
        .get(&format!("{path}?offset=0&contains=event%202"))
        .await;
    assert_eq!(values(&found), ["event 2"]);
    let limited = admin.get(&format!("{path}?offset=0&limit=1")).await;
    assert_eq!(values(&limited).len(), 1);
    assert_eq!(limited.header("x-read-end"), "limited");
    let empty = admin
        .get(&format!("{path}?time=2100-01-01T00:00:00Z"))
        .await;
    assert_eq!(
        (values(&empty).len(), empty.header("x-read-end")),
        (0, "complete")
    );

    let only = json!({"value": "never", "validateOnly": true}).to_string();
    let planned = admin.post_json(&path, &only).await.ok_json(200);
    assert_eq!(
        (&planned["partition"], &planned["partitionCount"]),
        (&Value::Null, &json!(2)),
        "{planned}"
    );
    let all = admin.get(&format!("{path}?offset=0")).await;
    assert_eq!(values(&all).len(), 6, "nothing was written: {}", all.text);

    let unknown = admin.get("/api/topics/no-such-topic/records").await;
    unknown.problem(404, "topic_not_found");
    let beyond = admin.get(&format!("{path}?partition=9")).await;
    beyond.problem(404, "partition_not_found");
    admin
        .get(&format!("{path}?last=1&offset=1"))
        .await
        .field_problem(400, "offset");
    let audit = admin
        .post_json("/api/topics/audit-logs/records", r#"{"value": "x"}"#)
        .await;
    audit.problem(403, "protected_topic");
}

async fn produce(admin: &Api, topic: &str, value: &str, partition: i32) {
    let body = json!({"value": value, "partition": partition}).to_string();
    let path = format!("/api/topics/{topic}/records");
    admin.post_json(&path, &body).await.ok_json(201);
}

/// The value of the next record.
async fn next(lines: &mut Lines) -> String {
    let line = lines.next().await.unwrap().expect("a record");
    let record: Value = serde_json::from_str(&line).unwrap();
    record["value"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn following_goes_on_where_the_last_record_was_and_misses_none() {
    let (admin, topic) = with_topic().await;
    for number in 0..3 {
        produce(admin, &topic, &format!("event {number}"), number % 2).await;
    }
    let path = format!("/api/topics/{topic}/records/follow");
    let mut lines = admin.lines(&format!("{path}?last=2&limit=5"), ANY).await;
    assert_eq!(next(&mut lines).await, "event 1");
    assert_eq!(next(&mut lines).await, "event 2");
    // The first while the follower's own clients may still connect.
    for number in 3..6 {
        produce(admin, &topic, &format!("event {number}"), 0).await;
    }
    for number in 3..6 {
        assert_eq!(next(&mut lines).await, format!("event {number}"));
    }
    assert_eq!(lines.next().await.unwrap(), None, "the limit was reached");

    let found = format!("{path}?offset=0&partition=0&limit=2&contains=5");
    produce(admin, &topic, "a 5 in the other partition", 1).await;
    produce(admin, &topic, "another 5", 0).await;
    assert_eq!(values(&admin.get(&found).await), ["event 5", "another 5"]);
    let unknown = "/api/topics/no-such-topic/records/follow";
    admin.get(unknown).await.problem(404, "topic_not_found");
}

#[tokio::test]
async fn following_takes_up_partitions_that_are_added() {
    let (admin, topic) = with_topic().await;
    produce(admin, &topic, "before", 0).await;
    let topics = format!("/api/topics/{topic}");
    let follow = format!("{topics}/records/follow?last=1");
    let mut lines = admin.lines(&follow, ANY).await;
    assert_eq!(next(&mut lines).await, "before");
    let grown = admin
        .post(&format!("{topics}/partitions?partitions=3"))
        .await;
    grown.ok_json(200);
    produce(admin, &topic, "in the new one", 2).await;
    assert_eq!(next(&mut lines).await, "in the new one");
}

#[tokio::test]
async fn following_a_topic_that_is_deleted_ends_with_a_problem() {
    let (admin, topic) = with_topic().await;
    produce(admin, &topic, "the last", 0).await;
    let path = format!("/api/topics/{topic}/records/follow");
    let mut events = admin.lines(&path, "text/event-stream").await;
    let mut lines = admin.lines(&path, ANY).await;
    assert_eq!(events.next().await.unwrap().unwrap(), "event: record");
    let data = events.next().await.unwrap().unwrap();
    let record: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(record["value"], "the last", "{record}");
    assert_eq!(next(&mut lines).await, "the last");

    let deleted = admin.delete(&format!("/api/topics/{topic}")).await;
    assert!(deleted.status.is_success(), "{}", deleted.text);
    let mut told = Vec::new();
    while let Some(line) = events.next().await.unwrap() {
        // Comments keep the connection alive.
        told.extend((!line.starts_with(':')).then_some(line));
    }
    assert_eq!(told[0], "event: problem", "{told:?}");
    let problem = told[1].strip_prefix("data: ").unwrap();
    let problem: Value = serde_json::from_str(problem).unwrap();
    assert_eq!(problem["status"], 404, "{problem}");
    lines.next().await.expect_err("cut off: it is not complete");
}
