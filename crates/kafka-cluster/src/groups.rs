//! Consumer groups: listing, describing, committed offsets.
//!
//! Each broker lists the groups that it coordinates, and every further question goes to that broker by
//! its id. librdkafka's own search for a coordinator is never used: when such a call times out and the
//! coordinator is found later, 2.12.1 uses memory that it has freed and aborts the process
//! (confluentinc/librdkafka issue 4605; seen here when all brokers came back).

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::native;
use crate::{KafkaCluster, KafkaError, TopicPartition};

/// State of a consumer group, in Kafka's words.
/// Source: Kafka, `org.apache.kafka.common.GroupState`; `rd_kafka_consumer_group_state_t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[expect(missing_docs, reason = "Kafka's own names")]
pub enum GroupState {
    Unknown,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
    Dead,
    Empty,
    Other,
}

impl GroupState {
    pub(crate) fn from_code(code: i32) -> Self {
        match code {
            0 => Self::Unknown,
            1 => Self::PreparingRebalance,
            2 => Self::CompletingRebalance,
            3 => Self::Stable,
            4 => Self::Dead,
            5 => Self::Empty,
            _ => Self::Other,
        }
    }

    /// Kafka's name of the state.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
            Self::Empty => "Empty",
            Self::Other => "Other",
        }
    }
}

/// A group by name and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupListing {
    /// `group.id`.
    pub id: String,
    /// State as listed.
    pub state: GroupState,
    /// Assigns partitions itself and only commits.
    pub simple: bool,
    /// The broker that listed it: its coordinator.
    pub coordinator: i32,
}

/// All groups that answered, and what the other brokers answered instead.
#[derive(Debug, Clone, Default)]
pub struct GroupListings {
    /// Groups by id.
    pub groups: Vec<GroupListing>,
    /// By broker that did not list its groups: the list is incomplete then.
    pub errors: BTreeMap<i32, KafkaError>,
}

/// A group with its members.
#[derive(Debug, Clone)]
pub struct GroupDescription {
    /// `group.id`.
    pub id: String,
    /// Current state.
    pub state: GroupState,
    /// Partition assignor, empty when there are no members.
    pub assignor: String,
    /// Coordinating broker, if known.
    pub coordinator: Option<i32>,
    /// Live members.
    pub members: Vec<GroupMember>,
}

/// One member of a group.
#[derive(Debug, Clone)]
pub struct GroupMember {
    /// Id given by the coordinator.
    pub member_id: String,
    /// `client.id` of the member.
    pub client_id: String,
    /// Host it connects from.
    pub host: String,
    /// Partitions it reads.
    pub assignment: Vec<TopicPartition>,
}

impl KafkaCluster {
    /// All groups, asked of every live broker at once.
    ///
    /// # Errors
    /// The outer error: no broker answered. Those that did not answer while others did are in
    /// [`GroupListings::errors`].
    pub async fn groups(&self, deadline: Duration) -> Result<GroupListings, KafkaError> {
        let end = Instant::now() + deadline;
        let brokers = self.brokers(deadline).await?;
        let remaining = end.saturating_duration_since(Instant::now());
        let mut questions = JoinSet::new();
        for id in brokers.iter().map(|broker| broker.id) {
            let answer = native::list_groups(&self.native, id, remaining);
            questions.spawn(async move { (id, answer.await) });
        }
        let mut all = GroupListings::default();
        while let Some(Ok((broker, answer))) = questions.join_next().await {
            match answer {
                Ok(groups) => all.groups.extend(groups),
                Err(error) => {
                    all.errors.insert(broker, error);
                }
            }
        }
        if all.errors.len() == brokers.len()
            && let Some((_, error)) = all.errors.pop_first()
        {
            return Err(error);
        }
        // A group that moves right now is listed by both of its coordinators.
        all.groups
            .sort_by(|a, b| (&a.id, a.coordinator).cmp(&(&b.id, b.coordinator)));
        all.groups.dedup_by(|later, earlier| later.id == earlier.id);
        Ok(all)
    }

    /// Describes listed groups: one call for each coordinator. A group that is gone meanwhile comes
    /// back `Dead` without members; one that moved is an error, and right in the next list.
    pub async fn describe_groups(
        &self,
        groups: &[GroupListing],
        deadline: Duration,
    ) -> BTreeMap<String, Result<GroupDescription, KafkaError>> {
        let mut by_coordinator: BTreeMap<i32, Vec<&str>> = BTreeMap::new();
        for group in groups {
            by_coordinator
                .entry(group.coordinator)
                .or_default()
                .push(&group.id);
        }
        let mut questions = JoinSet::new();
        for (coordinator, ids) in by_coordinator {
            let answer = native::describe_groups(&self.native, coordinator, &ids, deadline);
            let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
            questions.spawn(async move {
                answer.await.unwrap_or_else(|error| {
                    ids.into_iter().map(|id| (id, Err(error.clone()))).collect()
                })
            });
        }
        let mut all = BTreeMap::new();
        while let Some(Ok(answer)) = questions.join_next().await {
            all.extend(answer);
        }
        all
    }

    /// What a group committed, for every partition that it committed on.
    /// Partitions without a commit are absent.
    ///
    /// # Errors
    /// As the coordinator answers; a partition's own error is that partition's value.
    pub async fn committed_offsets(
        &self,
        group: &GroupListing,
        deadline: Duration,
    ) -> Result<BTreeMap<TopicPartition, Result<i64, KafkaError>>, KafkaError> {
        native::group_offsets(&self.native, group.coordinator, &group.id, deadline).await
    }

    /// Commits `offsets` for a group that has no members; partitions that are not named keep theirs.
    ///
    /// # Errors
    /// The outer error: nothing was committed, or `OutcomeUnknown`. An inner one: that partition's;
    /// [`codes::UNKNOWN_MEMBER_ID`](crate::codes::UNKNOWN_MEMBER_ID) where the group has members.
    pub async fn alter_group_offsets(
        &self,
        group: &GroupListing,
        offsets: &BTreeMap<TopicPartition, i64>,
        deadline: Duration,
    ) -> Result<BTreeMap<TopicPartition, Result<(), KafkaError>>, KafkaError> {
        native::alter_group_offsets(
            &self.native,
            group.coordinator,
            &group.id,
            offsets,
            deadline,
        )
        .await
    }

    /// Removes what a group committed on `partitions`.
    ///
    /// # Errors
    /// As [`KafkaCluster::alter_group_offsets`]; `GROUP_SUBSCRIBED_TO_TOPIC` where members read it.
    pub async fn delete_group_offsets(
        &self,
        group: &GroupListing,
        partitions: &[TopicPartition],
        deadline: Duration,
    ) -> Result<BTreeMap<TopicPartition, Result<(), KafkaError>>, KafkaError> {
        native::delete_group_offsets(
            &self.native,
            group.coordinator,
            &group.id,
            partitions,
            deadline,
        )
        .await
    }

    /// Deletes a group without members, and all that it committed.
    ///
    /// # Errors
    /// As the coordinator answers: `NON_EMPTY_GROUP`, `GROUP_ID_NOT_FOUND`, and `OutcomeUnknown`.
    pub async fn delete_group(
        &self,
        group: &GroupListing,
        deadline: Duration,
    ) -> Result<(), KafkaError> {
        native::delete_group(&self.native, group.coordinator, &group.id, deadline).await
    }
}
