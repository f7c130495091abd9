//! For each class of consumer group a real group in that situation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cluster_tests::names::unique;
use cluster_tests::records::produce;
use cluster_tests::{PATIENCE, shared};
use local_cluster::wait_for_condition;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

/// A topic with one partition and 100 records.
async fn topic() -> String {
    let services = super::health::healthy().await;
    let name = unique("classes");
    let create = format!("/api/topics?topicName={name}&partitions=1&replicationFactor=3");
    services.admin.post(&create).await.ok_json(201);
    let (cluster, _) = shared().await;
    produce(&cluster, &name, 0, 100).await;
    name
}

/// Commits an offset on the topic without being a member.
async fn commit(group: &str, topic: &str, offset: i64) {
    let (cluster, _) = shared().await;
    let connection = cluster.connection().clone();
    let (group, topic) = (group.to_owned(), topic.to_owned());
    let commit = move || {
        let consumer: BaseConsumer = connection.consumer_config("test", &group).create().unwrap();
        let mut offsets = TopicPartitionList::new();
        let offset = Offset::Offset(offset);
        offsets.add_partition_offset(&topic, 0, offset).unwrap();
        consumer.commit(&offsets, CommitMode::Sync).unwrap();
    };
    tokio::task::spawn_blocking(commit).await.unwrap();
}

/// A member that reads a topic and never commits; it leaves when it is dropped.
struct Member(Arc<AtomicBool>);

impl Drop for Member {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn member_without_commits(group: &str, topic: &str) -> Member {
    let (cluster, _) = shared().await;
    let mut config = cluster.connection().consumer_config("test", group);
    config.set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let gone = Arc::new(AtomicBool::new(false));
    let member = Member(gone.clone());
    std::thread::spawn(move || {
        while !gone.load(Ordering::Relaxed) {
            let _ = consumer.poll(Duration::from_millis(100));
        }
    });
    member
}

/// Waits until health puts the group into this class.
async fn expect(group: &str, class: &str) {
    let services = super::health::healthy().await;
    wait_for_condition(class, PATIENCE * 3, || async {
        let health = services.health.get("/api/health").await.json();
        let group = &health["consumerGroupHealth"][group];
        if group["class"] == class {
            Ok(())
        } else {
            Err(group.to_string())
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_group_that_keeps_up_is_active() {
    expect("log-processor", "active").await;
}

#[tokio::test]
async fn a_group_without_members_is_stopped_or_empty() {
    let (topic, group) = (topic().await, unique("group"));
    commit(&group, &topic, 40).await;
    expect(&group, "stopped").await;
    commit(&group, &topic, 100).await;
    expect(&group, "empty").await;
}

#[tokio::test]
async fn a_group_whose_next_records_were_deleted_has_lost_data() {
    let services = super::health::healthy().await;
    let (topic, group) = (topic().await, unique("group"));
    commit(&group, &topic, 40).await;
    let delete = format!("/api/topics/{topic}/records?beforeOffset=60");
    services.admin.delete(&delete).await.ok_json(200);
    expect(&group, "data_lost").await;
}

#[tokio::test]
async fn a_group_that_never_commits_is_told_so() {
    let (topic, group) = (topic().await, unique("group"));
    let _member = member_without_commits(&group, &topic).await;
    expect(&group, "no_commit").await;
}

#[tokio::test]
async fn a_group_that_reads_on_without_committing_is_stalled() {
    let (topic, group) = (topic().await, unique("group"));
    commit(&group, &topic, 40).await;
    let _member = member_without_commits(&group, &topic).await;
    expect(&group, "stalled").await;
}

#[tokio::test]
async fn a_group_that_left_a_topic_with_records_is_unsubscribed() {
    let (left, read, group) = (topic().await, topic().await, unique("group"));
    commit(&group, &left, 40).await;
    let _member = member_without_commits(&group, &read).await;
    expect(&group, "unsubscribed").await;
}
