//! Writes to one thing while the broker that would do them hangs: the first does not know, the next is told
//! that another is under way.

use cluster_tests::api::Answer;
use cluster_tests::names::unique;
use cluster_tests::records::new_topic;
use cluster_tests::services::{Target, host};
use cluster_tests::{PATIENCE, client};
use kafka_cluster::{Connection, KafkaCluster};
use local_cluster::{NodeId, lease_for_faults, wait_for_condition};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

/// Commits for a group that is coordinated by this broker; there is one among some names.
async fn group_of(cluster: &KafkaCluster, broker: i32, topic: &str) -> String {
    wait_for_condition("a group of that coordinator", PATIENCE, || async {
        let group = unique("busy");
        let (connection, topic, name) = (
            cluster.connection().clone(),
            topic.to_owned(),
            group.clone(),
        );
        let committed = tokio::task::spawn_blocking(move || commit(&connection, &name, &topic));
        committed.await.unwrap();
        let listed = cluster
            .groups(PATIENCE)
            .await
            .map_err(|error| error.to_string())?;
        let mut groups = listed.groups.into_iter();
        let found = groups.find(|listing| listing.id == group);
        match found {
            Some(listing) if listing.coordinator == broker => Ok(group),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap()
}

fn commit(connection: &Connection, group: &str, topic: &str) {
    let consumer: BaseConsumer = connection.consumer_config("test", group).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    let added = offsets.add_partition_offset(topic, 0, Offset::Offset(0));
    added.unwrap();
    consumer.commit(&offsets, CommitMode::Sync).unwrap();
}

/// One of them is busy with `code`, and the other is not told done.
fn one_waited(one: &Answer, other: &Answer, code: &str) {
    let problems = [one.json(), other.json()];
    let is_busy = |problem: &serde_json::Value| problem["code"] == code;
    let busy: Vec<_> = problems.iter().filter(|problem| is_busy(problem)).collect();
    assert_eq!(busy.len(), 1, "{problems:?}");
    for answer in [one, other] {
        assert!(
            answer.status.is_server_error(),
            "{}: {}",
            answer.status,
            answer.text
        );
    }
}

#[tokio::test]
async fn a_second_write_to_one_thing_is_told_that_the_first_is_under_way() {
    let local = lease_for_faults().await.unwrap();
    let services = host(&Target::of(&local));
    let admin = &services.admin;
    let cluster = client(&local.bootstrap());
    let topic = new_topic(&cluster, 1).await;
    let controller = cluster
        .describe(PATIENCE)
        .await
        .unwrap()
        .controller
        .unwrap();
    let group = group_of(&cluster, controller, &topic).await;
    let node = NodeId::broker(u16::try_from(controller).unwrap());

    local.pause(node).await.unwrap();
    // What leads some of the audit log hangs as well.
    let glass = "breakGlass=true&reason=the+audit+hangs";
    let topic_path = format!("/api/topics/{topic}/partitions?partitions=2&{glass}");
    let group_path = format!("/api/groups/{group}/offsets/reset?to=earliest&execute=true&{glass}");
    let settings = r#"{"configs": {"log.cleaner.backoff.ms": "14000"}}"#;
    let broker_path = format!("/api/brokers/{controller}/configs?{glass}");
    let (topics, groups, brokers) = tokio::join!(
        async { tokio::join!(admin.post(&topic_path), admin.post(&topic_path)) },
        async { tokio::join!(admin.post(&group_path), admin.post(&group_path)) },
        admin.patch_json(&broker_path, settings),
    );
    local.resume(node).unwrap();
    one_waited(&topics.0, &topics.1, "topic_busy");
    one_waited(&groups.0, &groups.1, "group_busy");
    assert!(
        brokers.status.is_server_error(),
        "{}: {}",
        brokers.status,
        brokers.text
    );
}
