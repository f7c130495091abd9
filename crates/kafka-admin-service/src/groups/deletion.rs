//! Deleting a group to the end: a coordinator that moved is followed, and the group is gone only when no
//! broker lists it any more.

use std::time::Duration;

use kafka_cluster::{ErrorKind, GroupListing, KafkaError, codes};

use super::writer::{ASK, ATTEMPTS};
use super::{GroupError, GroupWriter, locate};
use crate::time_limits::{self, Deadline};

/// Pause between two looks at who lists the group.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

impl GroupWriter {
    /// Deletes `group` and looks until it is gone. Ends by `deadline`, or a look after it.
    ///
    /// # Errors
    /// As the coordinator answers; `OutcomeUnknown` where it took the deletion on, or may have, and the
    /// group is not known to be gone.
    pub(super) async fn delete_to_the_end(
        &self,
        group: GroupListing,
        deadline: Deadline,
    ) -> Result<(), GroupError> {
        let id = group.id.clone();
        let lost = match self.send_deletion(group, deadline).await {
            Ok(()) => None,
            Err(error) if error.kind == ErrorKind::OutcomeUnknown => Some(error),
            Err(error) => return Err(error.into()),
        };
        let end = tokio::time::Instant::now() + deadline.at_most(time_limits::SETTLE);
        loop {
            let seen = locate(&self.cluster, &id, ASK).await.map(drop);
            if matches!(seen, Err(GroupError::NotFound)) {
                return Ok(());
            }
            if tokio::time::Instant::now() + LOOK_PAUSE >= end {
                return Err(lost.unwrap_or_else(|| not_gone(&seen)).into());
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    async fn send_deletion(
        &self,
        mut group: GroupListing,
        deadline: Deadline,
    ) -> Result<(), KafkaError> {
        let write = deadline.earlier_by(time_limits::LOOK);
        for _ in 1..ATTEMPTS {
            let limit = write.at_most(time_limits::SETTLE);
            match self.cluster.delete_group(&group, limit).await {
                Err(error) if has_moved(&error) => {
                    let Ok(found) = locate(&self.cluster, &group.id, ASK).await else {
                        return Err(error);
                    };
                    group = found;
                }
                answer => return answer,
            }
        }
        let limit = write.at_most(time_limits::SETTLE);
        self.cluster.delete_group(&group, limit).await
    }
}

/// Whether the group has another coordinator by now, which has to be asked.
pub(super) fn has_moved(error: &KafkaError) -> bool {
    matches!(
        error.code,
        codes::NOT_COORDINATOR
            | codes::COORDINATOR_LOAD_IN_PROGRESS
            | codes::COORDINATOR_NOT_AVAILABLE
    )
}

/// The error of a deletion that the coordinator took on and that did not show.
fn not_gone(seen: &Result<(), GroupError>) -> KafkaError {
    let message = match seen {
        Ok(()) => "the coordinator took it on, and the group is still listed".to_owned(),
        Err(error) => format!("the coordinator took it on, and it could not be read back: {error}"),
    };
    KafkaError {
        kind: ErrorKind::OutcomeUnknown,
        ..KafkaError::of_read("DeleteGroups", codes::REQUEST_TIMED_OUT, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_still_listed_is_not_known_to_be_deleted() {
        let silent = KafkaError::of_read("ListConsumerGroups", codes::LOCAL_TIMED_OUT, "");
        for seen in [Ok(()), Err(GroupError::Kafka(silent))] {
            assert_eq!(not_gone(&seen).kind, ErrorKind::OutcomeUnknown);
        }
    }

    #[test]
    fn only_another_coordinator_is_asked_again() {
        let answered = |code| KafkaError::of_write("DeleteGroups", code, "");
        assert!(has_moved(&answered(codes::NOT_COORDINATOR)));
        assert!(!has_moved(&answered(codes::NON_EMPTY_GROUP)));
        assert!(!has_moved(&answered(codes::LOCAL_TIMED_OUT)));
    }
}
