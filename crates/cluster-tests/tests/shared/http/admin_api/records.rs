//! Records: what `curl` reads, and one produced.

use cluster_tests::api::Answer;
use serde_json::{Value, json};

use super::with_topic;

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
