//! A change to what a group committed, as plain data: what each partition has, what it is to have, and
//! whether that was done.

use std::collections::{BTreeMap, BTreeSet};

use kafka_cluster::{ClusterMetadata, KafkaError, TopicPartition};

use super::{Ends, GroupError, Partitions, Scope};

/// Where one partition's commit goes: to an offset, or away (`None`).
pub type Target = Option<i64>;

/// What happens to one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The commit as it is; `None` where there is none.
    pub old: Option<i64>,
    /// What it becomes, or why it stays.
    pub new: Result<Target, String>,
    /// What the partition holds, where that is known.
    pub ends: Option<Ends>,
    /// Whether it was done: `None` before, else done or why not.
    pub done: Option<Result<(), String>>,
}

/// A change to the commits of a group, planned or done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The group.
    pub group_id: String,
    /// `reset`, `delete_offsets`, `undo`, `delete_group`.
    pub action: &'static str,
    /// By partition.
    pub steps: BTreeMap<TopicPartition, Step>,
    /// Members that are there right now: they keep it from being done.
    pub members: Vec<String>,
    /// Whether it was done, as each step tells.
    pub executed: bool,
    /// The change that is taken back, of an `undo`.
    pub(super) undoes: Option<u64>,
}

impl Plan {
    /// Whether every step was done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let mut steps = self.steps.values();
        steps.all(|step| matches!(step.done, None | Some(Ok(()))))
    }

    /// Tells each step done or not, by what is there now.
    pub(super) fn settle(
        &mut self,
        after: &BTreeMap<TopicPartition, i64>,
        unknown: Option<&KafkaError>,
    ) {
        for (partition, step) in &mut self.steps {
            let Ok(wanted) = &step.new else { continue };
            let present = after.get(partition).copied();
            step.done = Some(match unknown {
                _ if *wanted == step.old => Ok(()),
                Some(error) => Err(format!("not known, it could not be read back: {error}")),
                None if present == *wanted => Ok(()),
                None => Err(match present {
                    Some(offset) => format!("it is {offset} after the change"),
                    None => "there is no commit after the change".to_owned(),
                }),
            });
        }
    }

    /// Partitions whose commit changes: where to, and from where.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&TopicPartition, Target, Option<i64>)> {
        self.steps.iter().filter_map(|(partition, step)| {
            let new = step.new.as_ref().ok()?;
            (*new != step.old).then_some((partition, *new, step.old))
        })
    }
}

impl Step {
    pub(super) fn planned(
        old: Option<i64>,
        new: Result<Target, String>,
        ends: Option<Ends>,
    ) -> Self {
        Self {
            old,
            new,
            ends,
            done: None,
        }
    }
}

/// Refuses a group that is read right now.
pub(super) fn refuse_members(plan: &Plan) -> Result<(), GroupError> {
    if plan.members.is_empty() {
        return Ok(());
    }
    Err(GroupError::HasMembers {
        members: plan.members.clone(),
    })
}

/// The commits that are known.
pub(super) fn commits(answer: Partitions<i64>) -> BTreeMap<TopicPartition, i64> {
    let known = answer.into_iter();
    known
        .filter_map(|(partition, offset)| Some((partition, offset.ok()?)))
        .collect()
}

/// The partitions that are meant; those that are not there come along, to be told.
pub(super) fn in_scope(
    scope: &Scope,
    metadata: &ClusterMetadata,
    committed: &BTreeMap<TopicPartition, i64>,
) -> BTreeSet<TopicPartition> {
    let Scope::Items(items) = scope else {
        return committed.keys().cloned().collect();
    };
    let mut partitions = BTreeSet::new();
    for item in items {
        let name = item.topic.as_str();
        let topic = metadata.topics.iter().find(|topic| topic.name == name);
        match (item.partition, topic) {
            (Some(id), _) => {
                partitions.insert(TopicPartition::new(name, id));
            }
            (None, Some(topic)) => {
                let ids = topic.partitions.iter().map(|partition| partition.id);
                partitions.extend(ids.map(|id| TopicPartition::new(name, id)));
            }
            // Told as a partition that is not there.
            (None, None) => {
                partitions.insert(TopicPartition::new(name, 0));
            }
        }
    }
    partitions
}

/// Why the ends of a partition are not known.
pub(super) fn why_no_ends(metadata: &ClusterMetadata, partition: &TopicPartition) -> String {
    let topic = metadata
        .topics
        .iter()
        .find(|topic| topic.name == partition.topic);
    let found = topic.map(|topic| {
        topic
            .partitions
            .iter()
            .find(|there| there.id == partition.partition)
    });
    match found {
        None => "there is no such topic".to_owned(),
        Some(None) => "the topic has no such partition".to_owned(),
        Some(Some(there)) if there.leader.is_none() => "the partition has no leader".to_owned(),
        Some(Some(_)) => "the leader did not tell its offsets".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::codes;

    use super::*;

    fn plan(steps: &[(Option<i64>, Option<i64>)]) -> Plan {
        let steps = steps.iter().zip(0..);
        let steps = steps.map(|((old, new), partition)| {
            let key = TopicPartition::new("a", partition);
            (key, Step::planned(*old, Ok(*new), None))
        });
        Plan {
            group_id: "g".to_owned(),
            action: "reset",
            steps: steps.collect(),
            members: Vec::new(),
            executed: true,
            undoes: None,
        }
    }

    fn outcomes(plan: &Plan) -> Vec<bool> {
        let steps = plan.steps.values();
        steps.map(|step| step.done == Some(Ok(()))).collect()
    }

    #[test]
    fn a_step_is_done_when_it_is_read_back_and_not_before() {
        let mut plan = plan(&[(Some(5), Some(0)), (Some(5), Some(0)), (Some(5), None)]);
        assert!(plan.is_complete(), "nothing has failed yet");
        let after = BTreeMap::from([
            (TopicPartition::new("a", 0), 0),
            (TopicPartition::new("a", 1), 5),
        ]);
        plan.settle(&after, None);
        assert_eq!(outcomes(&plan), [true, false, true]);
        assert!(!plan.is_complete());
    }

    #[test]
    fn what_could_not_be_read_back_is_not_told_done_unless_nothing_had_to_change() {
        let mut plan = plan(&[(Some(5), Some(0)), (Some(5), Some(5))]);
        let error = KafkaError::of_read("ListConsumerGroupOffsets", codes::LOCAL_TIMED_OUT, "");
        plan.settle(&BTreeMap::new(), Some(&error));
        assert_eq!(outcomes(&plan), [false, true]);
    }
}
