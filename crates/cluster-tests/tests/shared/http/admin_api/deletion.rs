//! Deleting with evidence, and making the shell again.

use cluster_tests::names::unique;
use cluster_tests::records::produce;
use cluster_tests::{PATIENCE, shared};
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::json;

use super::{codes, with_topic};

#[tokio::test]
async fn a_topic_that_is_read_is_not_deleted_unless_forced_and_its_shell_comes_back() {
    let (admin, topic) = with_topic().await;
    let (cluster, _) = shared().await;
    produce(&cluster, &topic, 0, 30).await;
    let path = format!("/api/topics/{topic}");
    let body = json!({"configs": {"retention.ms": "7200000"}}).to_string();
    let configs = format!("{path}/configs");
    let patched = admin.patch_json(&configs, &body).await;
    patched.ok_json(200);
    let group = unique("group");
    let config = cluster.connection().consumer_config("reader", &group);
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&[&topic]).unwrap();
    let refused = local_cluster::wait_for_condition("the reader to show", PATIENCE, || async {
        consumer.poll(std::time::Duration::ZERO);
        let plan = admin.delete(&format!("{path}?validateOnly=true")).await;
        if !codes(&plan.json()["warnings"]).contains(&"topic_in_use") {
            return Err(plan.text);
        }
        Ok(admin.delete(&path).await.problem(409, "topic_in_use"))
    })
    .await
    .unwrap();
    let evidence = &refused["topicUse"];
    assert_eq!(
        evidence["groups"][0]["groupId"],
        group.as_str(),
        "{refused}"
    );
    assert_eq!(evidence["groups"][0]["members"], 1, "{refused}");
    assert_eq!(evidence["recordCount"], 30, "{refused}");
    assert!(evidence["lastWriteTime"].is_string(), "{refused}");
    admin
        .delete(&format!("{path}?force=true"))
        .await
        .field_problem(400, "reason");
    let forced = admin
        .delete(&format!("{path}?force=true&reason=moved"))
        .await;
    assert_eq!(forced.status.as_u16(), 204, "{}", forced.text);
    drop(consumer);

    let restored = admin.post(&format!("{path}/restore")).await.ok_json(201);
    assert_eq!(
        codes(&restored["warnings"])[0],
        "records_gone",
        "{restored}"
    );
    assert_eq!(restored["partitionCount"], 2, "{restored}");
    let configs = restored["configs"].as_array().unwrap();
    let retention = configs.iter().find(|entry| entry["name"] == "retention.ms");
    assert_eq!(retention.unwrap()["value"], "7200000", "{restored}");
    assert_eq!(restored["partitions"][0]["latestOffset"], 0, "{restored}");
    let again = admin.post(&format!("{path}/restore")).await;
    again.problem(409, "topic_exists");
    let never = admin.post("/api/topics/never-there/restore").await;
    never.problem(404, "nothing_to_restore");
}
