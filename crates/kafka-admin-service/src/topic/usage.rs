//! Who uses a topic, and what is in it: what has to be known before it is deleted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kafka_cluster::{GroupDescription, GroupListing, KafkaCluster, KafkaError, Lag, TopicMetadata};
use serde::Serialize;
use utoipa::ToSchema;

use super::read;
use super::view::PartitionView;
use crate::groups::{Reading, read_groups};
use crate::time_limits;

/// The use of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicUse {
    /// Groups that read it or have committed on it.
    pub groups: Vec<TopicReader>,
    /// Offsets between its ends: as many records, or fewer where it is compacted; null when not known.
    #[schema(example = 1000)]
    pub record_count: Option<i64>,
    /// The latest time of any record; null when there is none, or it is not known.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    #[serde(with = "service_kit::time::millis::optional")]
    pub last_write_time: Option<Timestamp>,
    /// Brokers that did not say which groups they coordinate: others may read it.
    #[schema(example = json!([]))]
    pub brokers_silent: Vec<i32>,
}

/// A group that uses a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicReader {
    /// `group.id`.
    #[schema(example = "log-processor")]
    pub group_id: String,
    /// Members that read it right now; null when the coordinator did not tell.
    #[schema(example = 3)]
    pub members: Option<usize>,
    /// Records of it that the group has still to read, where that is known.
    #[schema(example = 0)]
    pub lag: u64,
}

impl TopicUse {
    /// Looks who uses `topic`.
    ///
    /// # Errors
    /// No broker lists its groups.
    pub async fn of(cluster: &KafkaCluster, topic: &TopicMetadata) -> Result<Self, KafkaError> {
        let listings = cluster.groups(time_limits::METADATA).await?;
        let limit = time_limits::DETAIL;
        let (reading, detail, last_write_time) = tokio::join!(
            read_groups(cluster, &listings.groups, limit),
            read::describe(cluster, topic, limit),
            last_write(cluster, topic),
        );
        let reading = reading?;
        let readers = listings.groups.iter();
        Ok(Self {
            groups: readers
                .filter_map(|group| TopicReader::of(group, &topic.name, &reading))
                .collect(),
            record_count: record_count(&detail.partitions),
            last_write_time,
            brokers_silent: listings.errors.into_keys().collect(),
        })
    }

    /// Whether a member reads it right now.
    #[must_use]
    pub fn has_live_members(&self) -> bool {
        self.groups.iter().any(|group| group.members > Some(0))
    }

    /// Whether somebody may read it of whom nothing is known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        !self.brokers_silent.is_empty() || self.groups.iter().any(|group| group.members.is_none())
    }
}

/// Offsets between the ends of all partitions; `None` when an end is not known.
#[must_use]
pub fn record_count(partitions: &[PartitionView]) -> Option<i64> {
    let counts = partitions.iter();
    counts
        .map(|partition| Some(partition.latest_offset? - partition.earliest_offset?))
        .sum()
}

async fn last_write(cluster: &KafkaCluster, topic: &TopicMetadata) -> Option<Timestamp> {
    let led: Vec<_> = topic.led_partitions().collect();
    let times = cluster
        .last_record_times(&led, time_limits::DETAIL)
        .await
        .ok()?;
    let latest = times.into_values().filter_map(Result::ok).max()?;
    Timestamp::from_millisecond(latest).ok()
}

impl TopicReader {
    fn of(group: &GroupListing, topic: &str, reading: &Reading) -> Option<Self> {
        let description = match reading.descriptions.get(&group.id) {
            Some(Ok(description)) => Some(description),
            _ => None,
        };
        let none = BTreeMap::new();
        let committed = match reading.committed.get(&group.id) {
            Some(Ok(committed)) => committed,
            _ => &none,
        };
        let commits: Vec<_> = committed
            .iter()
            .filter(|(partition, _)| partition.topic == topic)
            .collect();
        let members = description.map(|group| members_on(group, topic, !commits.is_empty()));
        if commits.is_empty() && members.is_none_or(|members| members == 0) {
            return None;
        }
        let known = |offset: Option<&Result<i64, KafkaError>>| {
            offset.and_then(|offset| offset.as_ref().ok()).copied()
        };
        let lags = commits.iter().filter_map(|(partition, offset)| {
            let (earliest, latest) = (
                reading.earliest.get(*partition),
                reading.latest.get(*partition),
            );
            Lag::between(known(Some(*offset)), known(earliest), known(latest)).records()
        });
        Some(Self {
            group_id: group.id.clone(),
            members,
            lag: lags.sum(),
        })
    }
}

/// Members that read the topic. While a group rebalances nobody is assigned anything: all of its members
/// count then where it has read the topic before.
fn members_on(group: &GroupDescription, topic: &str, has_commits: bool) -> usize {
    let assigned =
        |member: &&kafka_cluster::GroupMember| member.assignment.iter().any(|p| p.topic == topic);
    let reading = group.members.iter().filter(assigned).count();
    let rebalancing = group.members.iter().all(|m| m.assignment.is_empty());
    if rebalancing && has_commits {
        return group.members.len();
    }
    reading
}

#[cfg(test)]
mod tests {
    use kafka_cluster::{GroupMember, GroupState, TopicPartition};

    use super::*;

    fn group(assignments: &[&[&str]]) -> GroupDescription {
        GroupDescription {
            id: "g".to_owned(),
            state: GroupState::Stable,
            assignor: String::new(),
            coordinator: Some(1),
            members: assignments
                .iter()
                .map(|topics| GroupMember {
                    member_id: String::new(),
                    client_id: String::new(),
                    host: String::new(),
                    assignment: topics.iter().map(|t| TopicPartition::new(*t, 0)).collect(),
                })
                .collect(),
        }
    }

    #[test]
    fn members_that_read_something_else_do_not_count() {
        assert_eq!(members_on(&group(&[&["a"], &["b"]]), "a", true), 1);
        assert_eq!(members_on(&group(&[&["b"]]), "a", true), 0);
    }

    #[test]
    fn all_members_of_a_group_that_rebalances_count_if_it_has_read_the_topic() {
        assert_eq!(members_on(&group(&[&[], &[]]), "a", true), 2);
        assert_eq!(members_on(&group(&[&[], &[]]), "a", false), 0);
    }
}
