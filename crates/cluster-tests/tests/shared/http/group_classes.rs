//! For each class of consumer group a real group in that situation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cluster_tests::names::unique;
use cluster_tests::records::produce;
use cluster_tests::{PATIENCE, shared};
use local_cluster::wait_for_condition;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DefaultProducerContext, Producer, ThreadedProducer,
};
use rdkafka::{Offset, TopicPartitionList};

/// A topic with one partition and 100 records.
pub(crate) async fn topic() -> String {
    let services = super::health::healthy().await;
    let name = unique("classes");
    let create = format!("/api/topics?topicName={name}&partitions=1&replicationFactor=3");
    services.admin.post(&create).await.ok_json(201);
    let (cluster, _) = shared().await;
    produce(&cluster, &name, 0, 100).await;
    name
}

/// Commits an offset on the topic without being a member.
pub(crate) async fn commit(group: &str, topic: &str, offset: i64) {
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

/// Reads ten records a second and commits each, while a hundred come.
async fn slow_member(group: &str, topic: &str) -> Member {
    let (cluster, _) = shared().await;
    let mut config = cluster.connection().consumer_config("test", group);
    config.set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let config = cluster.connection().producer_config("test");
    let producer: ThreadedProducer<DefaultProducerContext> = config.create().unwrap();
    let topic = topic.to_owned();
    let gone = Arc::new(AtomicBool::new(false));
    let member = Member(gone.clone());
    std::thread::spawn(move || {
        while !gone.load(Ordering::Relaxed) {
            for _ in 0..10 {
                let record = BaseRecord::<(), _>::to(&topic).payload("a record");
                let _ = producer.send(record);
            }
            if let Some(Ok(record)) = consumer.poll(Duration::from_millis(100)) {
                let _ = consumer.commit_message(&record, CommitMode::Sync);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    member
}

#[tokio::test]
async fn a_group_that_falls_behind_further_is_growing() {
    let (topic, group) = (topic().await, unique("group"));
    let _member = slow_member(&group, &topic).await;
    expect(&group, "growing").await;
}

#[tokio::test]
async fn a_group_whose_topic_is_deleted_is_told_so() {
    let services = super::health::healthy().await;
    let (topic, group) = (topic().await, unique("group"));
    let _member = member_without_commits(&group, &topic).await;
    expect(&group, "no_commit").await;
    let delete = format!("/api/topics/{topic}?force=true&reason=a+test");
    let deleted = services.admin.delete(&delete).await;
    assert_eq!(deleted.status.as_u16(), 204, "{}", deleted.text);
    expect(&group, "topic_deleted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lag_in_time_is_bounded_by_readings_and_by_the_time_index() {
    let (topic, group) = (topic().await, unique("group"));
    let produced = std::time::SystemTime::now();
    commit(&group, &topic, 40).await;
    let services = super::health::healthy().await;
    let told = async |health: &cluster_tests::api::Api, at_least: f64| {
        wait_for_condition("the lag in time", PATIENCE * 2, || async {
            let report = health.get("/api/health").await.json();
            let group = report["consumerGroupHealth"][&group].clone();
            let age = produced.elapsed().unwrap().as_secs_f64();
            let bounds = ["lagSecondsAtLeast", "lagSecondsAtMost"];
            let [least, most] = bounds.map(|name| group[name].as_f64());
            // Past the first rung of the time index.
            match (least, most) {
                (Some(least), Some(most)) if age > 25.0 && least >= at_least => {
                    Ok((least, most, age, group))
                }
                _ => Err(group.to_string()),
            }
        })
        .await
        .unwrap()
    };
    // As old as the measurement is: a cycle of 5 s, or more beside other tests.
    let (least, most, age, shown) = told(&services.health, 0.0).await;
    assert!(most >= age - 60.0 && least <= age, "{age}: {shown}");
    assert!(least <= most && most - least <= 45.0, "{shown}");
    assert_eq!(shown["topicLags"][&topic]["lag"], 60, "{shown}");
    assert!(
        shown["retentionLeftSeconds"].as_f64().unwrap() > 3_600.0,
        "{shown}"
    );

    // One that has just started has no readings of its own. The index is asked for what is 20 s old, on a
    // loaded machine a while after the moment that the lag is told of; in a later round it is not.
    let (_, local) = shared().await;
    let fresh = cluster_tests::services::host(&cluster_tests::services::Target::of(local));
    let (least, most, age, shown) = told(&fresh.health, 19.0).await;
    assert!(least <= age, "{age}: {shown}");
    assert!(most <= age.max(60.0) * 3.0, "{age}: {shown}");
}

#[tokio::test]
async fn a_group_before_the_marker_of_a_transaction_has_read_everything() {
    let (topic, group) = (topic().await, unique("group"));
    let (cluster, _) = shared().await;
    let mut config = cluster.connection().producer_config("test");
    config.set("transactional.id", unique("transaction"));
    let to = topic.clone();
    let transaction = move || {
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer.begin_transaction().unwrap();
        let record = BaseRecord::<(), _>::to(&to).payload("a record");
        producer.send(record).unwrap();
        producer.commit_transaction(PATIENCE).unwrap();
    };
    tokio::task::spawn_blocking(transaction).await.unwrap();
    // A hundred records, the transaction's, and its marker.
    commit(&group, &topic, 101).await;
    expect(&group, "residue_of_transactions").await;
    // One record that can be read is something to be behind on.
    commit(&group, &topic, 100).await;
    expect(&group, "stopped").await;
}

#[tokio::test]
async fn lag_agrees_with_kafkas_own_tool_for_every_group_and_partition() {
    let services = super::health::healthy().await;
    let (cluster, local) = shared().await;
    let name = unique("lags");
    let create = format!("/api/topics?topicName={name}&partitions=4&replicationFactor=3");
    services.admin.post(&create).await.ok_json(201);
    for partition in 0..4 {
        produce(&cluster, &name, partition, 20 + 10 * partition as usize).await;
    }
    let groups: Vec<_> = (0..3).map(|_| unique("lagging")).collect();
    for (number, group) in (0..).zip(&groups) {
        let connection = cluster.connection().clone();
        let (group, topic) = (group.clone(), name.clone());
        let commit = move || {
            let consumer: BaseConsumer =
                connection.consumer_config("test", &group).create().unwrap();
            let mut offsets = TopicPartitionList::new();
            for partition in 0..4 {
                let offset = Offset::Offset(i64::from(3 * partition + 5 * number));
                offsets
                    .add_partition_offset(&topic, partition, offset)
                    .unwrap();
            }
            consumer.commit(&offsets, CommitMode::Sync).unwrap();
        };
        tokio::task::spawn_blocking(commit).await.unwrap();
    }
    let mut witnessed = BTreeMap::new();
    for group in &groups {
        let tool = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
        let arguments = ["--describe", "--group", group];
        let told = cluster_tests::kafka_tool(tool, &local.bootstrap(), &arguments).await;
        for row in told.lines().filter(|line| line.contains(&name)) {
            let row: Vec<&str> = row.split_whitespace().collect();
            let lag: u64 = row[5].parse().unwrap();
            witnessed.insert(format!("{group} {name}-{}", row[2]), Some(lag));
        }
    }
    assert_eq!(witnessed.len(), 12, "{witnessed:?}");
    wait_for_condition("the same lags", PATIENCE * 2, || async {
        let mut told = BTreeMap::new();
        for group in &groups {
            let path = format!("/api/health/groups/{group}");
            let health = services.health.get(&path).await.json();
            let lags = health["partitionLags"].as_object().into_iter().flatten();
            told.extend(lags.map(|(place, lag)| (format!("{group} {place}"), lag.as_u64())));
        }
        if told == witnessed {
            Ok(())
        } else {
            Err(format!("{told:?} is not {witnessed:?}"))
        }
    })
    .await
    .unwrap();
}
