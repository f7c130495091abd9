//! Questions about groups while their coordinator hangs. librdkafka's own search for a coordinator
//! aborts the process when it ends after the question has timed out; ours never uses it.

use std::time::Duration;

use cluster_tests::names::unique;
use cluster_tests::records::new_topic;
use cluster_tests::{PATIENCE, client};
use local_cluster::{NodeId, lease_for_faults, wait_for_condition};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

#[tokio::test]
async fn questions_that_time_out_at_a_hanging_coordinator_do_no_harm_when_it_is_back() {
    let local = lease_for_faults().await.unwrap();
    let cluster = client(&local.bootstrap());
    let (topic, group) = (new_topic(&cluster, 1).await, unique("group"));
    let connection = cluster.connection().clone();
    let (group_id, topic_name) = (group.clone(), topic.clone());
    let commit = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = connection
            .consumer_config("test", &group_id)
            .create()
            .unwrap();
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(&topic_name, 0, Offset::Offset(7))
            .unwrap();
        consumer.commit(&offsets, CommitMode::Sync).unwrap();
    });
    commit.await.unwrap();
    // A broker that has just learned of its peers may not name all of them yet.
    let listing = wait_for_condition("the group to be listed", PATIENCE, || async {
        let listed = cluster.groups(PATIENCE).await.unwrap();
        let mut groups = listed.groups.iter();
        let found = groups.find(|listing| listing.id == group).cloned();
        found.ok_or_else(|| format!("{listed:?}"))
    })
    .await
    .unwrap();
    let node = NodeId::broker(u16::try_from(listing.coordinator).unwrap());

    local.pause(node).await.unwrap();
    let short = Duration::from_millis(300);
    for _ in 0..5 {
        assert!(cluster.committed_offsets(&listing, short).await.is_err());
        let described = cluster
            .describe_groups(std::slice::from_ref(&listing), short)
            .await;
        assert!(described.values().all(Result::is_err), "{described:?}");
    }
    let partly = cluster.groups(Duration::from_secs(5)).await.unwrap();
    assert!(
        partly.errors.contains_key(&listing.coordinator),
        "{partly:?}"
    );
    local.resume(node).unwrap();

    wait_for_condition("the commit to be read again", PATIENCE, || async {
        let listed = cluster
            .groups(PATIENCE)
            .await
            .map_err(|error| error.to_string())?
            .groups;
        let listing = listed
            .iter()
            .find(|listing| listing.id == group)
            .ok_or("not listed")?;
        let committed = cluster.committed_offsets(listing, PATIENCE).await;
        let committed = committed.map_err(|error| error.to_string())?;
        if committed.values().eq([&Ok(7)]) {
            Ok(())
        } else {
            Err(format!("{committed:?}"))
        }
    })
    .await
    .unwrap();
}
