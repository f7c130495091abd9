//! A session of writes of every kind, with a broker killed in the middle: each leaves one intent and one
//! outcome, with Kafka's own consumer as the witness.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use cluster_tests::api::{Answer, Api};
use cluster_tests::names::unique;
use cluster_tests::services::{Target, host};
use cluster_tests::{PATIENCE, kafka_tool};
use local_cluster::{NodeId, lease_for_faults, wait_for_condition};
use reqwest::Method;
use serde_json::{Value, json};

/// What the topic begins with.
const PARTITIONS: u64 = 3;
/// What was answered to each write, by the request's id.
type Answers = BTreeMap<String, u16>;

/// Writes of a topic, done and refused; each round another value and one partition more.
async fn round(admin: &Api, topic: &str, number: u64, answers: &mut Answers) {
    let path = format!("/api/topics/{topic}");
    let configs = format!("{path}/configs");
    let setting = json!({"configs": {"retention.ms": 1_000_000 + number}}).to_string();
    keep(answers, &admin.patch_json(&configs, &setting).await);
    let wrong = json!({"configs": {"retention.mss": "1"}}).to_string();
    keep(answers, &admin.patch_json(&configs, &wrong).await);
    let record = json!({"value": format!("round {number}")}).to_string();
    let records = format!("{path}/records");
    keep(answers, &admin.post_json(&records, &record).await);
    let more = format!("{path}/partitions?partitions={}", PARTITIONS + number);
    keep(answers, &admin.post(&more).await);
    let fewer = format!("{path}/partitions?partitions=1");
    keep(answers, &admin.post(&fewer).await);
    keep(answers, &admin.post(&format!("{path}/elections")).await);
    let truncated = format!("{path}/records?partition=0&beforeOffset=0");
    keep(answers, &admin.delete(&truncated).await);
    let replaced = json!({"configs": {"segment.ms": 2_000_000 + number}}).to_string();
    let body = ("application/json", replaced);
    keep(
        answers,
        &admin.send(Method::PUT, &configs, Some(body)).await,
    );
}

/// Rounds until one is done and refused as on a cluster that is well: where a broker hung or died a moment
/// ago a leader may still take nothing for some seconds. Answers with the number of the next.
async fn rounds(admin: &Api, topic: &str, mut number: u64, answers: &mut Answers) -> u64 {
    let ended = Instant::now() + PATIENCE;
    loop {
        let mut last = Answers::new();
        round(admin, topic, number, &mut last).await;
        number += 1;
        let statuses: BTreeSet<u16> = last.values().copied().collect();
        answers.append(&mut last);
        if statuses == BTreeSet::from([200, 201, 422]) {
            return number;
        }
        assert!(Instant::now() < ended, "{answers:?}");
    }
}

fn keep(answers: &mut Answers, answer: &Answer) {
    let id = answer.header("x-request-id").to_owned();
    assert!(!id.is_empty(), "{:?}", answer.headers);
    if answer.status.is_server_error() {
        // Shown where the test fails.
        println!("{id}: {}", answer.text);
    }
    answers.insert(id, answer.status.as_u16());
}

#[tokio::test]
async fn each_write_leaves_one_intent_and_one_outcome_though_a_broker_is_killed() {
    let local = lease_for_faults().await.unwrap();
    let services = host(&Target::of(&local));
    let (admin, topic) = (&services.admin, unique("audited"));
    let mut answers = Answers::new();
    let create = format!("/api/topics?topicName={topic}&partitions=3&replicationFactor=3");
    wait_for_condition("a topic to be made", PATIENCE, || async {
        let made = admin.post(&create).await;
        let done = made.status.as_u16() == 201;
        if done { Ok(()) } else { Err(made.text) }
    })
    .await
    .unwrap();

    let mut number = rounds(admin, &topic, 1, &mut answers).await;
    let node = NodeId::broker(2);
    local.kill(node).await.unwrap();
    // Until the leaders that it had are elsewhere some of these wait, and some are refused.
    for _ in 0..3 {
        round(admin, &topic, number, &mut answers).await;
        number += 1;
    }
    local.start_node(node).await.unwrap();
    rounds(admin, &topic, number, &mut answers).await;
    let deleted = admin.delete(&format!("/api/topics/{topic}")).await;
    assert!(deleted.status.is_success(), "{}", deleted.text);
    keep(&mut answers, &deleted);

    // What was not acknowledged in time may still be on its way.
    wait_for_condition("every outcome to be there", PATIENCE * 2, || {
        let (bootstrap, answers, topic) = (local.bootstrap(), &answers, &topic);
        async move {
            let class = "org.apache.kafka.tools.consumer.ConsoleConsumer";
            let arguments = [
                "--topic",
                "audit-logs",
                "--from-beginning",
                "--timeout-ms",
                "5000",
            ];
            let printed = kafka_tool(class, &bootstrap, &arguments).await;
            told(&printed, topic, answers)
        }
    })
    .await
    .unwrap();
}

/// Whether every write that was carried out has one intent and one outcome, which says what was answered.
fn told(printed: &str, topic: &str, answers: &Answers) -> Result<(), String> {
    let records = printed.lines();
    let records = records.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let (intents, outcomes): (Vec<_>, Vec<_>) =
        records.partition(|record| record["kind"] == "intent");
    for (request, status) in answers {
        let own = |intent: &&Value| intent["topic"] == topic && intent["requestId"] == **request;
        let intents: Vec<_> = intents.iter().filter(own).collect();
        let [intent] = intents[..] else {
            // Nothing was changed where the intent could not be written.
            if *status == 503 && intents.is_empty() {
                continue;
            }
            return Err(format!("{request} ({status}) has the intents {intents:?}"));
        };
        let own = |outcome: &&Value| outcome["auditId"] == intent["auditId"];
        let outcomes: Vec<_> = outcomes.iter().filter(own).collect();
        let [outcome] = outcomes[..] else {
            return Err(format!(
                "{request} ({status}) has the outcomes {outcomes:?}"
            ));
        };
        if outcome["status"] != *status {
            return Err(format!("{request} was answered {status}: {outcome}"));
        }
    }
    Ok(())
}
