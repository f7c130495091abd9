//! What deserves attention, each with the call that mends it or tells more: pure over Kafka's answers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kafka_cluster::{ClusterMetadata, KafkaError, TopicMetadata, TopicPartition};
use serde::Serialize;
use utoipa::ToSchema;

use super::uneven::leaders_uneven;
use crate::groups::view::GroupSummary;

/// What deserves attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attention {
    /// The worst first; empty when there is nothing.
    pub items: Vec<Item>,
    /// What could not be looked at, and why; empty when all was.
    #[schema(example = json!([]))]
    pub not_looked_at: Vec<String>,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// `partitions_offline`, `partitions_under_replicated`, `replication_low`, `leaders_not_preferred`,
    /// `leaders_uneven`, `group_stopped`, `topic_idle`.
    #[schema(value_type = String, example = "group_stopped")]
    pub kind: &'static str,
    /// The topic or group; absent where it is about the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "old-reader")]
    pub subject: Option<String>,
    /// In words.
    #[schema(example = "no members, and 1200 records wait")]
    pub text: String,
    /// What mends it, or tells more: a call of this API, or a command.
    #[schema(example = "DELETE /api/groups/old-reader?validateOnly=true")]
    pub call: String,
}

/// What is looked at.
pub struct Seen<'a> {
    /// Topics and partitions.
    pub metadata: &'a ClusterMetadata,
    /// All groups.
    pub groups: &'a [GroupSummary],
    /// Latest time of any record, in milliseconds since 1970; a partition without records is left out.
    pub last_writes: Option<&'a BTreeMap<TopicPartition, Result<i64, KafkaError>>>,
    /// Copies that a topic ought to have.
    pub replication_factor: usize,
    /// A topic that was not written to for so long is idle.
    pub idle_after: SignedDuration,
    /// The present.
    pub now: Timestamp,
}

impl Seen<'_> {
    /// What deserves attention in it, the worst first.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        let topics = || self.metadata.topics.iter();
        let own = || topics().filter(|topic| !topic.internal);
        let mut items = Vec::new();
        items.extend(topics().filter_map(offline));
        items.extend(topics().filter_map(under_replicated));
        items.extend(own().filter_map(|topic| self.replication_low(topic)));
        items.extend(self.leaders_not_preferred());
        items.extend(leaders_uneven(self.metadata));
        items.extend(self.groups.iter().filter_map(stopped));
        items.extend(own().filter_map(|topic| self.idle(topic)));
        items
    }

    fn replication_low(&self, topic: &TopicMetadata) -> Option<Item> {
        let copies = topic.replication_factor();
        (copies < self.replication_factor).then(|| Item {
            kind: "replication_low",
            subject: Some(topic.name.clone()),
            text: format!(
                "{copies} of {} copies: fewer brokers may be down",
                self.replication_factor
            ),
            call: "kafka-reassign-partitions, with more replicas in its plan".to_owned(),
        })
    }

    fn leaders_not_preferred(&self) -> Option<Item> {
        let partitions = self.metadata.partitions();
        let led = partitions.filter(|partition| partition.led_by_another());
        // Where the preferred leader is not in sync an election changes nothing.
        let ready = led.filter(|partition| {
            let preferred = partition.replicas.first();
            preferred.is_some_and(|id| partition.in_sync_replicas.contains(id))
        });
        let count = ready.count();
        (count > 0).then(|| Item {
            kind: "leaders_not_preferred",
            subject: None,
            text: format!("{count} partitions are not led by their preferred leader"),
            call: "POST /api/elections?validateOnly=true".to_owned(),
        })
    }

    /// Unknown where a partition did not tell.
    fn idle(&self, topic: &TopicMetadata) -> Option<Item> {
        let last_writes = self.last_writes?;
        let mut latest: Option<i64> = None;
        for partition in &topic.partitions {
            match last_writes.get(&TopicPartition::new(&topic.name, partition.id)) {
                None => {}
                Some(Ok(at)) => latest = latest.max(Some(*at)),
                Some(Err(_)) => return None,
            }
        }
        let text = match latest.and_then(|at| Timestamp::from_millisecond(at).ok()) {
            None => "it has no records".to_owned(),
            Some(at) if self.now.duration_since(at) >= self.idle_after => {
                format!("its newest record is of {at:.0}")
            }
            Some(_) => return None,
        };
        Some(Item {
            kind: "topic_idle",
            subject: Some(topic.name.clone()),
            text,
            call: format!("DELETE /api/topics/{}?validateOnly=true", topic.name),
        })
    }
}

fn offline(topic: &TopicMetadata) -> Option<Item> {
    let count = topic
        .partitions
        .iter()
        .filter(|p| p.leader.is_none())
        .count();
    (count > 0).then(|| Item {
        kind: "partitions_offline",
        subject: Some(topic.name.clone()),
        text: format!("{count} partitions have no leader: start the brokers that hold them"),
        call: format!("GET /api/topics/{}", topic.name),
    })
}

fn under_replicated(topic: &TopicMetadata) -> Option<Item> {
    let short = topic.partitions.iter().filter(|p| p.under_replicated());
    let count = short.count();
    (count > 0).then(|| Item {
        kind: "partitions_under_replicated",
        subject: Some(topic.name.clone()),
        text: format!("{count} partitions have fewer replicas in sync than assigned"),
        call: format!("GET /api/topics/{}", topic.name),
    })
}

fn stopped(group: &GroupSummary) -> Option<Item> {
    (group.members == Some(0) && group.total_lag > 0).then(|| Item {
        kind: "group_stopped",
        subject: Some(group.group_id.clone()),
        text: format!("no members, and {} records wait", group.total_lag),
        call: format!("DELETE /api/groups/{}?validateOnly=true", group.group_id),
    })
}

#[cfg(test)]
mod tests {
    use kafka_cluster::{PartitionMetadata, codes};

    use super::*;

    fn topic(name: &str, partition: (Option<i32>, &[i32], &[i32])) -> TopicMetadata {
        let (leader, replicas, in_sync) = partition;
        TopicMetadata {
            name: name.to_owned(),
            internal: name.starts_with("__"),
            partitions: vec![PartitionMetadata {
                id: 0,
                leader,
                replicas: replicas.to_vec(),
                in_sync_replicas: in_sync.to_vec(),
            }],
        }
    }

    fn group(members: Option<usize>, total_lag: u64) -> GroupSummary {
        GroupSummary {
            group_id: "reader".to_owned(),
            state: "Empty".to_owned(),
            members,
            topics: Vec::new(),
            total_lag,
            partitions_without_lag: 0,
            coordinator: 1,
        }
    }

    fn kinds(
        topics: &[TopicMetadata],
        groups: &[GroupSummary],
        writes: &[(&str, i64)],
    ) -> Vec<&'static str> {
        let metadata = ClusterMetadata {
            answered_by: 1,
            brokers: Vec::new(),
            topics: topics.to_vec(),
        };
        let write = |(name, at): &(&str, i64)| (TopicPartition::new(*name, 0), Ok(*at));
        let last_writes = writes.iter().map(write).collect();
        let seen = Seen {
            metadata: &metadata,
            groups,
            last_writes: Some(&last_writes),
            replication_factor: 3,
            idle_after: SignedDuration::from_hours(1),
            now: Timestamp::from_millisecond(10_000_000).unwrap(),
        };
        seen.items().iter().map(|item| item.kind).collect()
    }

    const FULL: (Option<i32>, &[i32], &[i32]) = (Some(1), &[1, 2, 3], &[1, 2, 3]);

    #[test]
    fn a_cluster_in_order_needs_no_attention() {
        let topics = [topic("orders", FULL), topic("__internal", FULL)];
        let groups = [group(Some(1), 100), group(Some(0), 0), group(None, 100)];
        assert_eq!(kinds(&topics, &groups, &[("orders", 9_000_000)]), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_told_the_worst_first() {
        let topics = [
            topic("idle", FULL),
            topic("low", (Some(1), &[1], &[1])),
            topic("short", (Some(2), &[1, 2, 3], &[2, 3])),
            topic("moved", (Some(2), &[1, 2, 3], &[1, 2, 3])),
            topic("off", (None, &[1, 2, 3], &[1])),
        ];
        let now = 10_000_000;
        let writes = ["low", "short", "moved", "off"].map(|name| (name, now));
        assert_eq!(
            kinds(&topics, &[group(Some(0), 7)], &writes),
            [
                "partitions_offline",
                "partitions_under_replicated",
                "partitions_under_replicated",
                "replication_low",
                "leaders_not_preferred",
                "group_stopped",
                "topic_idle",
            ]
        );
    }

    #[test]
    fn a_topic_is_idle_after_a_while_and_not_when_a_partition_did_not_tell() {
        let topics = [topic("orders", FULL)];
        assert_eq!(
            kinds(&topics, &[], &[("orders", 6_400_000)]),
            ["topic_idle"]
        );
        assert_eq!(kinds(&topics, &[], &[("orders", 6_400_001)]), [""; 0]);
        let metadata = ClusterMetadata {
            answered_by: 1,
            brokers: Vec::new(),
            topics: topics.to_vec(),
        };
        let error = KafkaError::of_read("ListOffsets", codes::LOCAL_TIMED_OUT, "");
        let last_writes = BTreeMap::from([(TopicPartition::new("orders", 0), Err(error))]);
        let seen = Seen {
            metadata: &metadata,
            groups: &[],
            last_writes: Some(&last_writes),
            replication_factor: 3,
            idle_after: SignedDuration::ZERO,
            now: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(seen.items(), []);
    }
}
