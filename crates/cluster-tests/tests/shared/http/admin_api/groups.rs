//! Consumer groups, with Kafka's own `kafka-consumer-groups` as the witness of every move.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster_tests::api::Api;
use cluster_tests::names::unique;
use cluster_tests::records::produce;
use cluster_tests::{PATIENCE, kafka_tool, shared};
use jiff::Timestamp;
use kafka_cluster::Connection;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use super::{codes, with_topic};

const TOOL: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";

/// A group without members that committed 40 and 10 on a topic with 100 and 20 records.
async fn with_group() -> (&'static Api, String, String) {
    let (admin, topic, group, _) = with_group_and_pause(Duration::ZERO).await;
    (admin, topic, group)
}

/// The same, and the middle of a pause after the first 60 and 10 of the records.
async fn with_group_and_pause(pause: Duration) -> (&'static Api, String, String, Timestamp) {
    let (admin, topic) = with_topic().await;
    let (cluster, _) = shared().await;
    produce(&cluster, &topic, 0, 60).await;
    produce(&cluster, &topic, 1, 10).await;
    let middle = Timestamp::now() + pause / 10;
    // Time itself is what is needed here.
    tokio::time::sleep(pause).await;
    produce(&cluster, &topic, 0, 40).await;
    produce(&cluster, &topic, 1, 10).await;
    let (group, connection) = (unique("group"), cluster.connection().clone());
    let names = (group.clone(), topic.clone());
    let commit = move || commit(&connection, &names.0, &names.1);
    tokio::task::spawn_blocking(commit).await.unwrap();
    (admin, topic, group, middle)
}

fn commit(connection: &Connection, group: &str, topic: &str) {
    let consumer: BaseConsumer = connection.consumer_config("test", group).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    for (partition, offset) in [(0, 40), (1, 10)] {
        offsets
            .add_partition_offset(topic, partition, Offset::Offset(offset))
            .unwrap();
    }
    consumer.commit(&offsets, CommitMode::Sync).unwrap();
}

/// What Kafka's own tool says that the group has committed, by partition.
async fn witnessed(group: &str) -> BTreeMap<i64, i64> {
    let (_, local) = shared().await;
    let arguments = ["--describe", "--group", group];
    let told = kafka_tool(TOOL, &local.bootstrap(), &arguments).await;
    let rows = told.lines().filter(|line| line.starts_with(group));
    rows.filter_map(|row| {
        let cells: Vec<&str> = row.split_whitespace().collect();
        Some((cells[2].parse().ok()?, cells[3].parse().ok()?))
    })
    .collect()
}

fn offsets(answer: &Value, field: &str) -> BTreeMap<i64, i64> {
    let partitions = answer["partitions"].as_array().unwrap().iter();
    partitions
        .filter_map(|p| Some((p["partition"].as_i64()?, p[field].as_i64()?)))
        .collect()
}

/// `offsets`, and over them what the answer says of the partitions that it is about.
fn with(offsets_before: &BTreeMap<i64, i64>, answer: &Value, field: &str) -> BTreeMap<i64, i64> {
    let mut all = offsets_before.clone();
    all.extend(offsets(answer, field));
    all
}

#[tokio::test]
async fn a_group_is_listed_and_described_with_its_lag() {
    let (admin, topic, group) = with_group().await;
    let search = format!("/api/groups?search={group}&state=Empty");
    let list = admin.get(&search).await.ok_json(200);
    let listed = &list["groups"][0];
    assert_eq!(listed["groupId"], group.as_str(), "{list}");
    assert_eq!(
        (&listed["totalLag"], &listed["members"]),
        (&json!(70), &json!(0))
    );
    assert_eq!(listed["topics"], json!([topic]), "{listed}");
    let page = admin.get("/api/groups?limit=1").await.ok_json(200);
    assert_eq!(page["groups"].as_array().unwrap().len(), 1, "{page}");

    let path = format!("/api/groups/{group}");
    let shown = admin.get(&path).await.ok_json(200);
    assert_eq!(offsets(&shown, "committedOffset"), witnessed(&group).await);
    assert_eq!(offsets(&shown, "lag"), BTreeMap::from([(0, 60), (1, 10)]));
    let unknown = admin.get("/api/groups/no-such-group").await;
    unknown.problem(404, "group_not_found");
}

#[tokio::test]
async fn every_reset_its_dry_run_and_its_undo_agree_with_kafkas_own_tool() {
    let (admin, topic, group, middle) = with_group_and_pause(Duration::from_secs(10)).await;
    let path = format!("/api/groups/{group}/offsets");
    let before = BTreeMap::from([(0, 40), (1, 10)]);
    let modes = [
        (json!({"to": "earliest"}), [0, 0]),
        (json!({"to": "latest"}), [100, 20]),
        (json!({"to": "offset", "offset": 30}), [30, 20]),
        (json!({"to": "shift", "shift": -15}), [25, 0]),
        (json!({"to": "shift", "shift": 15}), [55, 20]),
        (json!({"to": "time", "time": middle.to_string()}), [60, 10]),
        // How long ago that is now is said with each call.
        (json!({"to": "ago"}), [60, 10]),
        (
            json!({"to": "latest", "topics": [format!("{topic}:1")]}),
            [40, 20],
        ),
    ];
    assert_eq!(witnessed(&group).await, before);
    let ago = |mode: &mut Value| {
        if mode["to"] == "ago" {
            mode["agoMs"] = json!(Timestamp::now().duration_since(middle).as_millis());
        }
    };
    for (mut mode, [zero, one]) in modes {
        let after = BTreeMap::from([(0, zero), (1, one)]);
        ago(&mut mode);
        let reset = format!("{path}/reset");
        let dry = admin
            .post_json(&reset, &mode.to_string())
            .await
            .ok_json(200);
        assert_eq!(dry["executed"], false, "{dry}");
        assert_eq!(with(&before, &dry, "oldOffset"), before, "{dry}");
        assert_eq!(with(&before, &dry, "newOffset"), after, "{dry}");
        mode["validateOnly"] = json!(true);
        let said = admin.post_json(&reset, &mode.to_string()).await;
        assert_eq!(said.ok_json(200), dry, "a dry run, as without saying so");
        mode["validateOnly"] = json!(false);
        mode["execute"] = json!(true);
        ago(&mut mode);
        let done = admin
            .post_json(&reset, &mode.to_string())
            .await
            .ok_json(200);
        assert_eq!(done["executed"], true, "{done}");
        // As the dry run said it; had that moved anything, the old offsets would be others.
        for field in [
            "oldOffset",
            "newOffset",
            "recordsSkipped",
            "recordsReplayed",
        ] {
            assert_eq!(offsets(&done, field), offsets(&dry, field), "{done}");
        }
        assert_eq!(witnessed(&group).await, after, "{done}");
        let skipped: i64 = after
            .iter()
            .map(|(id, new)| (new - before[id]).max(0))
            .sum();
        let told: i64 = offsets(&done, "recordsSkipped").values().sum();
        assert_eq!(told, skipped, "{done}");
        let replayed: i64 = after
            .iter()
            .map(|(id, new)| (before[id] - new).max(0))
            .sum();
        let told: i64 = offsets(&done, "recordsReplayed").values().sum();
        assert_eq!(told, replayed, "{done}");

        let undo = format!("{path}/undo");
        let dry = admin.post(&undo).await.ok_json(200);
        assert_eq!(with(&after, &dry, "newOffset"), before, "{dry}");
        let undone = admin.post(&format!("{undo}?execute=true")).await;
        let undone = undone.ok_json(200);
        assert_eq!(with(&after, &undone, "newOffset"), before, "{undone}");
        assert_eq!(witnessed(&group).await, before, "{undone}");
    }
    let nothing = admin.post(&format!("{path}/undo")).await;
    nothing.problem(404, "nothing_to_undo");
}

#[tokio::test]
async fn removed_commits_come_back_by_undo_and_a_deleted_group_is_gone() {
    let (admin, topic, group) = with_group().await;
    let path = format!("/api/groups/{group}");
    let remove = format!("{path}/offsets?topics={topic}:1");
    let dry = admin
        .delete(&format!("{remove}&validateOnly=true"))
        .await
        .ok_json(200);
    assert_eq!(dry["partitions"][0]["outcome"], "planned", "{dry}");
    let removed = admin.delete(&remove).await.ok_json(200);
    assert_eq!(removed["partitions"][0]["outcome"], "done", "{removed}");
    assert_eq!(witnessed(&group).await, BTreeMap::from([(0, 40)]));
    let undone = admin
        .post(&format!("{path}/offsets/undo?execute=true"))
        .await;
    undone.ok_json(200);
    assert_eq!(witnessed(&group).await, BTreeMap::from([(0, 40), (1, 10)]));
    let nothing = admin
        .delete(&format!("{path}/offsets?topics=no-such-topic"))
        .await;
    nothing.problem(422, "nothing_to_change");

    let gone = admin.delete(&path).await.ok_json(200);
    assert_eq!(
        offsets(&gone, "oldOffset"),
        BTreeMap::from([(0, 40), (1, 10)])
    );
    admin.get(&path).await.problem(404, "group_not_found");
}

#[tokio::test]
async fn a_group_with_members_is_not_touched() {
    let (admin, topic, group) = with_group().await;
    let (cluster, _) = shared().await;
    let config = cluster.connection().consumer_config("reader-9", &group);
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&[&topic]).unwrap();
    let path = format!("/api/groups/{group}");
    local_cluster::wait_for_condition("the member to show", PATIENCE, || async {
        consumer.poll(Duration::ZERO);
        let shown = admin.get(&path).await.json();
        if shown["state"] == "Stable" {
            Ok(())
        } else {
            Err(shown)
        }
    })
    .await
    .unwrap();
    let reset = format!("{path}/offsets/reset?to=earliest");
    let dry = admin.post(&reset).await.ok_json(200);
    assert!(
        codes(&dry["warnings"]).contains(&"group_has_members"),
        "{dry}"
    );
    let refused = admin.post(&format!("{reset}&execute=true")).await;
    let problem = refused.problem(409, "group_has_members");
    assert!(
        problem["members"][0]
            .as_str()
            .unwrap()
            .starts_with("reader-9"),
        "{problem}"
    );
    admin.delete(&path).await.problem(409, "group_has_members");
}

#[tokio::test]
async fn each_wrong_field_of_a_reset_is_named() {
    let admin = &cluster_tests::services::shared_services().await.admin;
    for (query, field) in [
        ("", "to"),
        ("to=sideways", "to"),
        ("to=time", "time"),
        ("to=earliest&offset=3", "offset"),
        ("to=latest&topics=a/b", "topics"),
        ("to=offset&offset=-1", "offset"),
    ] {
        let call = format!("/api/groups/any/offsets/reset?{query}");
        admin.post(&call).await.field_problem(400, field);
    }
}
