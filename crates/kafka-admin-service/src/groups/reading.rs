//! Reading groups with few requests: commits of some groups at a time, then the ends of all their
//! partitions in one call. Commits come first, or the lag of a busy group would be negative.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use kafka_cluster::{
    ClusterMetadata, GroupDescription, GroupListing, KafkaCluster, KafkaError, OffsetSpec,
    TopicPartition,
};

use crate::any_broker;

/// One request each; more at a time did not get faster in the health service.
const GROUPS_AT_A_TIME: usize = 16;

/// Something about each partition, or why it is not known.
pub type Partitions<T> = BTreeMap<TopicPartition, Result<T, KafkaError>>;

/// All that is known about some groups.
#[derive(Debug, Default)]
pub struct Reading {
    /// Members and state by group.
    pub descriptions: BTreeMap<String, Result<GroupDescription, KafkaError>>,
    /// Commits by group.
    pub committed: BTreeMap<String, Result<Partitions<i64>, KafkaError>>,
    /// The first record of each partition that a group committed on and that has a leader.
    pub earliest: Partitions<i64>,
    /// One past its last record.
    pub latest: Partitions<i64>,
    /// Partitions that are there, with or without a leader.
    pub there: BTreeSet<TopicPartition>,
}

/// Reads all about `groups`. Ends after about three times `deadline`.
///
/// # Errors
/// No broker answered; what one group's coordinator said is that group's value.
pub async fn read_groups(
    cluster: &KafkaCluster,
    groups: &[GroupListing],
    deadline: Duration,
) -> Result<Reading, KafkaError> {
    let (descriptions, committed) = tokio::join!(
        cluster.describe_groups(groups, deadline),
        committed(cluster, groups, deadline),
    );
    let metadata = any_broker::metadata(cluster).await?;
    let commits = committed.values().flatten().flat_map(BTreeMap::keys);
    let assigned = descriptions.values().flatten();
    let assigned = assigned.flat_map(|group| &group.members);
    let assigned = assigned.flat_map(|member| &member.assignment);
    let asked: BTreeSet<TopicPartition> = commits.chain(assigned).cloned().collect();
    let (there, led) = there_and_led(&metadata, &asked);
    let (earliest, latest) = tokio::join!(
        cluster.offsets(&led, OffsetSpec::Earliest, deadline),
        cluster.offsets(&led, OffsetSpec::Latest, deadline),
    );
    Ok(Reading {
        descriptions,
        committed,
        earliest: earliest?,
        latest: latest?,
        there,
    })
}

/// One kind of offset of all `partitions` that have a leader; the others are left out.
///
/// # Errors
/// As Kafka answers.
pub async fn read_offsets(
    cluster: &KafkaCluster,
    metadata: &ClusterMetadata,
    partitions: &BTreeSet<TopicPartition>,
    spec: OffsetSpec,
    deadline: Duration,
) -> Result<Partitions<i64>, KafkaError> {
    let (_, led) = there_and_led(metadata, partitions);
    cluster.offsets(&led, spec, deadline).await
}

async fn committed(
    cluster: &KafkaCluster,
    groups: &[GroupListing],
    deadline: Duration,
) -> BTreeMap<String, Result<Partitions<i64>, KafkaError>> {
    let of_group = |group: GroupListing| async move {
        let committed = cluster.committed_offsets(&group, deadline).await;
        (group.id, committed)
    };
    // Collected first: a lazy iterator of futures that borrow cannot be sent between threads.
    let requests: Vec<_> = groups.iter().cloned().map(of_group).collect();
    stream::iter(requests)
        .buffer_unordered(GROUPS_AT_A_TIME)
        .collect()
        .await
}

/// librdkafka waits for all leaders until the deadline, so those without one are not asked for.
fn there_and_led(
    metadata: &ClusterMetadata,
    asked: &BTreeSet<TopicPartition>,
) -> (BTreeSet<TopicPartition>, Vec<TopicPartition>) {
    let mut there = BTreeSet::new();
    let mut led = Vec::new();
    for topic in &metadata.topics {
        for partition in &topic.partitions {
            let key = TopicPartition::new(&topic.name, partition.id);
            if asked.contains(&key) {
                if partition.leader.is_some() {
                    led.push(key.clone());
                }
                there.insert(key);
            }
        }
    }
    (there, led)
}
