//! Giving partitions back to their preferred leaders.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::native;
use crate::{KafkaCluster, KafkaError, TopicPartition, codes};

type Elections = BTreeMap<TopicPartition, Result<(), KafkaError>>;

impl KafkaCluster {
    /// Elects the preferred leader (the first replica) of each partition. A controller that moved is
    /// followed until the deadline: what the former one did is not needed again then.
    ///
    /// # Errors
    /// The outer error: no answer at all. An inner one: that partition's;
    /// [`codes::ELECTION_NOT_NEEDED`] where it leads already.
    pub async fn elect_preferred_leaders(
        &self,
        partitions: &[TopicPartition],
        deadline: Duration,
    ) -> Result<Elections, KafkaError> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.following_the_controller(deadline, |remaining| {
            let answer = native::elect_leaders(&self.native, partitions, remaining);
            async move { refused_by_a_former_controller(answer.await?) }
        })
        .await
    }
}

/// A broker that is not the controller says so of each partition.
fn refused_by_a_former_controller(answers: Elections) -> Result<Elections, KafkaError> {
    let refusals = answers.values().filter_map(|answer| answer.as_ref().err());
    let mut moved = refusals.filter(|error| error.code == codes::NOT_CONTROLLER);
    match moved.next().cloned() {
        Some(error) => Err(error),
        None => Ok(answers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_controller_refuses_the_whole_call() {
        let answer = |id, code| {
            let error = KafkaError::of_write("ElectLeaders", code, "");
            (TopicPartition::new("a", id), Err(error))
        };
        let other = Elections::from([answer(0, codes::ELECTION_NOT_NEEDED)]);
        assert!(refused_by_a_former_controller(other.clone()).is_ok());
        let mut moved = other;
        moved.extend([answer(1, codes::NOT_CONTROLLER)]);
        let error = refused_by_a_former_controller(moved).unwrap_err();
        assert_eq!(error.code, codes::NOT_CONTROLLER);
    }
}
