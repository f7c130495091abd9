//! Groups and what they committed, with Kafka's own tool as the witness.

use cluster_tests::names::unique;
use cluster_tests::records::{new_topic, produce};
use cluster_tests::{PATIENCE, kafka_tool, shared};
use kafka_cluster::{GroupState, Lag, OffsetSpec, TopicPartition};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

/// Commits `offset` on partition 0 for a group that has no members.
fn commit(connection: &kafka_cluster::Connection, group: &str, topic: &str, offset: i64) {
    let consumer: BaseConsumer = connection.consumer_config("test", group).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(topic, 0, Offset::Offset(offset))
        .unwrap();
    consumer.commit(&offsets, CommitMode::Sync).unwrap();
}

#[tokio::test]
async fn committed_offsets_and_lag_agree_with_kafkas_own_tool() {
    let (cluster, local) = shared().await;
    let (topic, group) = (new_topic(&cluster, 2).await, unique("group"));
    produce(&cluster, &topic, 0, 10).await;
    let connection = cluster.connection().clone();
    let names = (group.clone(), topic.clone());
    tokio::task::spawn_blocking(move || commit(&connection, &names.0, &names.1, 4))
        .await
        .unwrap();

    let listed = cluster.groups(PATIENCE).await.unwrap();
    assert!(listed.errors.is_empty(), "{:?}", listed.errors);
    let listing = listed
        .groups
        .iter()
        .find(|listing| listing.id == group)
        .unwrap();
    assert_eq!(listing.state, GroupState::Empty);

    let committed = cluster.committed_offsets(listing, PATIENCE).await.unwrap();
    let partition = TopicPartition::new(&topic, 0);
    assert_eq!(
        committed.len(),
        1,
        "partition 1 has no commit: {committed:?}"
    );
    let latest = cluster
        .offsets(
            std::slice::from_ref(&partition),
            OffsetSpec::Latest,
            PATIENCE,
        )
        .await
        .unwrap();
    let at = |offsets: &std::collections::BTreeMap<_, Result<i64, _>>| {
        offsets
            .get(&partition)
            .and_then(|offset| offset.clone().ok())
    };
    assert_eq!(
        Lag::between(at(&committed), Some(0), at(&latest)),
        Lag::Known(6)
    );

    let tool = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    let described = kafka_tool(tool, &local.bootstrap(), &["--describe", "--group", &group]).await;
    let row: Vec<&str> = described
        .lines()
        .find(|line| line.contains(&topic))
        .unwrap_or_else(|| panic!("no row of {topic}: {described}"))
        .split_whitespace()
        .collect();
    assert_eq!(
        &row[2..6],
        ["0", "4", "10", "6"],
        "partition, committed, end, lag: {described}"
    );
}

#[tokio::test]
async fn a_member_shows_with_the_partitions_it_reads() {
    let (cluster, _) = shared().await;
    let (topic, group) = (new_topic(&cluster, 2).await, unique("group"));
    let connection = cluster.connection().clone();
    let consumer: BaseConsumer = connection
        .consumer_config("reader-7", &group)
        .create()
        .unwrap();
    consumer.subscribe(&[&topic]).unwrap();
    let member = local_cluster::wait_for_condition("the group to be stable", PATIENCE, || async {
        consumer.poll(std::time::Duration::ZERO);
        let mut listed = cluster.groups(PATIENCE).await.unwrap().groups;
        listed.retain(|listing| listing.id == group);
        let mut described = cluster.describe_groups(&listed, PATIENCE).await;
        match described.remove(&group) {
            Some(Ok(mut found))
                if found.state == GroupState::Stable && !found.members.is_empty() =>
            {
                Ok(found.members.remove(0))
            }
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
    assert_eq!(member.client_id, "reader-7");
    let expected: Vec<_> = (0..2).map(|id| TopicPartition::new(&topic, id)).collect();
    let mut assignment = member.assignment;
    assignment.sort();
    assert_eq!(assignment, expected);
}
