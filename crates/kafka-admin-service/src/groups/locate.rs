//! Finding a group and its coordinator: each broker lists the groups that it coordinates.

use kafka_cluster::{GroupListing, GroupState, KafkaCluster, KafkaError};
use std::time::Duration;

/// Why a group could not be read or changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GroupError {
    /// No broker lists it, and all were asked.
    #[error("group not found")]
    NotFound,
    /// Members read it right now: they would go on from where they are, or commit over it.
    #[error("the group has {} members", members.len())]
    HasMembers {
        /// Their client ids, with where they connect from.
        members: Vec<String>,
    },
    /// Another change to the same group did not end in time; nothing was sent.
    #[error("another change to this group is still under way")]
    Busy,
    /// Nothing was kept that could be restored.
    #[error("no change to this group is kept")]
    NothingKept,
    /// What was there could not be kept, so nothing was changed.
    #[error("what is there could not be kept: {0}")]
    NotKept(String),
    /// Kafka, or the way to it, failed.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
}

/// The listing of the group `id`, as its coordinator gives it.
///
/// # Errors
/// `NotFound` only when every live broker was asked; what a silent one said otherwise.
pub async fn locate(
    cluster: &KafkaCluster,
    id: &str,
    deadline: Duration,
) -> Result<GroupListing, GroupError> {
    let mut listings = cluster.groups(deadline).await?;
    let found = listings.groups.into_iter().find(|group| group.id == id);
    match found.filter(|group| group.state != GroupState::Dead) {
        Some(group) => Ok(group),
        None => match listings.errors.pop_first() {
            Some((_, error)) => Err(error.into()),
            None => Err(GroupError::NotFound),
        },
    }
}
