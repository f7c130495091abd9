//! A session of writes with a broker killed in the middle: each leaves one intent and one outcome, with
//! Kafka's own consumer as the witness.

use std::collections::BTreeMap;

use cluster_tests::api::{Answer, Api};
use cluster_tests::names::unique;
use cluster_tests::services::{Target, host};
use cluster_tests::{PATIENCE, kafka_tool};
use local_cluster::{NodeId, lease_for_faults, wait_for_condition};
use serde_json::{Value, json};

/// What was answered to each write, by the request's id.
type Answers = BTreeMap<String, u16>;

async fn patch(admin: &Api, topic: &str, value: u64) -> Answer {
    let body = json!({"configs": {"retention.ms": value}}).to_string();
    admin
        .patch_json(&format!("/api/topics/{topic}/configs"), &body)
        .await
}

fn keep(answers: &mut Answers, answer: &Answer) {
    let id = answer.header("x-request-id").to_owned();
    assert!(!id.is_empty(), "{:?}", answer.headers);
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

    for value in 0..5 {
        let answer = patch(admin, &topic, 1_000_000 + value).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
        keep(&mut answers, &answer);
    }
    let node = NodeId::broker(2);
    local.kill(node).await.unwrap();
    // Until the leaders that it had are elsewhere some of these wait, and some are refused.
    for value in 5..25 {
        keep(&mut answers, &patch(admin, &topic, 1_000_000 + value).await);
    }
    local.start_node(node).await.unwrap();
    wait_for_condition("writes to be taken again", PATIENCE, || async {
        let answer = patch(admin, &topic, 2_000_000).await;
        let done = answer.status.as_u16() == 200;
        if done { Ok(()) } else { Err(answer.text) }
    })
    .await
    .unwrap();
    let done = answers.values().filter(|status| **status == 200).count();
    assert!(done > 5, "{answers:?}");

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
