//! More calls than the service works on: they wait within a bound, and are then told to come back. On a
//! cluster of its own: no other test finds room meanwhile.

use std::collections::BTreeMap;

use cluster_tests::client;
use cluster_tests::records::new_topic;
use cluster_tests::services::{Target, host};
use local_cluster::lease_for_faults;
use serde_json::json;

const CALLS: u64 = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_at_once_are_answered_or_told_to_come_back() {
    let local = lease_for_faults().await.unwrap();
    let admin = &host(&Target::of(&local)).admin;
    let topic = new_topic(&client(&local.bootstrap()), 1).await;
    let path = format!("/api/topics/{topic}/configs");
    let calls: Vec<_> = (1..=CALLS)
        .map(|number| {
            let (admin, path) = (admin.clone(), path.clone());
            tokio::spawn(async move {
                // Those that write wait for each other; those that look must not wait for them.
                if number % 2 == 0 {
                    let value = (number * 1_000_000).to_string();
                    let body = json!({"configs": {"retention.ms": value}}).to_string();
                    (Some(value), admin.patch_json(&path, &body).await)
                } else {
                    (None, admin.get(&path).await)
                }
            })
        })
        .collect();
    let mut written = Vec::new();
    let mut told = BTreeMap::new();
    for call in calls {
        let (value, answer) = call.await.unwrap();
        let kind = match answer.status.as_u16() {
            200 => {
                written.extend(value.clone());
                "done".to_owned()
            }
            503 => {
                let code = answer.json()["code"].as_str().unwrap().to_owned();
                assert!(
                    ["too_busy", "topic_busy"].contains(&code.as_str()),
                    "{}",
                    answer.text
                );
                let after: u64 = answer.header("retry-after").parse().unwrap();
                assert!(after > 0, "{:?}", answer.headers);
                code
            }
            _ => panic!("{}: {}", answer.status, answer.text),
        };
        *told.entry((value.is_some(), kind)).or_insert(0) += 1;
    }
    assert!(told.contains_key(&(false, "done".to_owned())), "{told:?}");
    assert!(
        told.keys().any(|(_, kind)| kind != "done"),
        "they all fitted: {told:?}"
    );

    let now = admin.get(&path).await.ok_json(200);
    let mut entries = now["configs"].as_array().unwrap().iter();
    let entry = entries.find(|entry| entry["name"] == "retention.ms");
    let value = entry.unwrap()["value"].as_str().unwrap();
    assert!(
        written.iter().any(|written| written == value),
        "{value}: {told:?}"
    );
}
