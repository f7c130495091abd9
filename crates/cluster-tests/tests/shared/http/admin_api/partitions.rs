//! Partitions added, leaders elected, records deleted.

use cluster_tests::records::produce;
use cluster_tests::{kafka_tool, shared};

use super::{codes, with_topic};

#[tokio::test]
async fn partitions_are_added_with_a_warning_about_keys_and_never_taken_away() {
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}/partitions");
    let only = format!("{path}?partitions=4&validateOnly=true");
    let plan = admin.post(&only).await.ok_json(200);
    assert_eq!(codes(&plan["warnings"]), ["keys_move"], "{plan}");
    assert_eq!(plan["changes"][0]["after"], "4", "{plan}");
    let shown = admin.get(&format!("/api/topics/{topic}")).await;
    assert_eq!(
        shown.ok_json(200)["partitionCount"],
        2,
        "it was only planned"
    );
    let grown = admin
        .post(&format!("{path}?partitions=4"))
        .await
        .ok_json(200);
    assert_eq!(grown["validateOnly"], false, "{grown}");
    let shown = admin.get(&format!("/api/topics/{topic}")).await;
    assert_eq!(shown.ok_json(200)["partitionCount"], 4);
    for call in ["?partitions=3", "?partitions=3&validateOnly=true"] {
        let fewer = admin.post(&format!("{path}{call}")).await;
        let problem = fewer.problem(422, "kafka_refused");
        assert_eq!(problem["errors"][0]["field"], "partitions", "{problem}");
    }
    let unknown = admin.post("/api/topics/no-such-topic/partitions?partitions=3");
    unknown.await.problem(404, "topic_not_found");
}

#[tokio::test]
async fn where_preferred_leaders_lead_there_is_nothing_to_elect() {
    let (admin, topic) = with_topic().await;
    let answer = admin.post(&format!("/api/topics/{topic}/elections")).await;
    let answer = answer.ok_json(200);
    assert_eq!(answer["alreadyPreferred"], 2, "{answer}");
    assert_eq!(
        answer["partitions"].as_array().unwrap().len(),
        0,
        "{answer}"
    );
    let plan = admin
        .post("/api/elections?validateOnly=true")
        .await
        .ok_json(200);
    assert!(plan["alreadyPreferred"].as_u64() > Some(2), "{plan}");
    let unknown = admin.post("/api/topics/no-such-topic/elections").await;
    unknown.problem(404, "topic_not_found");
}

#[tokio::test]
async fn records_before_an_offset_or_a_time_are_deleted_and_no_others() {
    let (admin, topic) = with_topic().await;
    let (cluster, local) = shared().await;
    produce(&cluster, &topic, 0, 50).await;
    produce(&cluster, &topic, 1, 10).await;
    let path = format!("/api/topics/{topic}/records");
    let some = format!("{path}?beforeOffset=20&partition=0");
    let plan = admin
        .delete(&format!("{some}&validateOnly=true"))
        .await
        .ok_json(200);
    assert_eq!(plan["partitions"][0]["outcome"], "planned", "{plan}");
    assert_eq!(plan["partitions"][0]["recordsDeleted"], 20, "{plan}");
    let done = admin.delete(&some).await.ok_json(200);
    assert_eq!(done["partitions"][0]["outcome"], "done", "{done}");
    let arguments = ["--topic", &topic, "--time", "earliest"];
    let class = "org.apache.kafka.tools.GetOffsetShell";
    let told = kafka_tool(class, &local.bootstrap(), &arguments).await;
    assert!(told.contains(&format!("{topic}:0:20")), "{told}");
    assert!(told.contains(&format!("{topic}:1:0")), "{told}");
    // No record is that old, and then all are older.
    let before = |year: u32| format!("{path}?beforeTime={year}-01-01T00:00:00Z");
    let old = admin.delete(&before(2020)).await;
    assert_eq!(old.ok_json(200)["partitions"][1]["outcome"], "unchanged");
    let all = admin.delete(&before(2100)).await.ok_json(200);
    assert_eq!(all["partitions"][0]["newEarliestOffset"], 50, "{all}");
    assert_eq!(all["partitions"][1]["recordsDeleted"], 10, "{all}");

    admin.delete(&path).await.field_problem(400, "beforeOffset");
    let beyond = admin
        .delete(&format!("{path}?beforeOffset=1&partition=9"))
        .await;
    beyond.problem(404, "partition_not_found");
    let audit = admin
        .delete("/api/topics/audit-logs/records?beforeOffset=1")
        .await;
    audit.problem(403, "protected_topic");
    let internal = "/api/topics/__consumer_offsets/records?beforeOffset=1";
    admin.delete(internal).await.problem(403, "forbidden");
}
