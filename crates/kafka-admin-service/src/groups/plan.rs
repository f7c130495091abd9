//! A change to what a group committed, as plain data: what each partition has, what it is to have, and
//! whether that was done.

use std::collections::{BTreeMap, BTreeSet};

use kafka_cluster::{ClusterMetadata, ErrorKind, KafkaError, TopicPartition};

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
    /// What became of it; `None` before.
    pub became: Option<Became>,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It is so, as it was read back.
    Done,
    /// It is not so, and why.
    Failed(String),
    /// It may be so or not, and why that is not known.
    Unknown(String),
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
    /// Whether every step was done, the impossible ones included; true of what is only planned.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let mut steps = self.steps.values();
        !self.executed || steps.all(|step| step.became == Some(Became::Done))
    }

    /// Tells what became of each step, by what is there now and what was not acknowledged.
    pub(super) fn settle(
        &mut self,
        after: &Result<BTreeMap<TopicPartition, i64>, KafkaError>,
        refusals: &BTreeMap<TopicPartition, KafkaError>,
    ) {
        for (partition, step) in &mut self.steps {
            let Ok(wanted) = &step.new else { continue };
            step.became = Some(if *wanted == step.old {
                Became::Done
            } else {
                let present = after.as_ref().map(|after| after.get(partition).copied());
                settled(*wanted, present, refusals.get(partition))
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
            became: None,
        }
    }
}

/// What became of a commit that was to be `wanted`: what is `present` tells, and else whether the
/// coordinator refused. One whose answer was lost may still happen.
fn settled(
    wanted: Target,
    present: Result<Target, &KafkaError>,
    refusal: Option<&KafkaError>,
) -> Became {
    match (present, refusal) {
        (Ok(present), _) if present == wanted => Became::Done,
        (_, Some(error)) if error.kind != ErrorKind::OutcomeUnknown => {
            Became::Failed(error.to_string())
        }
        (Err(error), _) => Became::Unknown(format!("it could not be read back: {error}")),
        (Ok(_), Some(error)) => Became::Unknown(format!("it does not show so far: {error}")),
        (Ok(Some(offset)), None) => Became::Failed(format!("it is {offset} after the change")),
        (Ok(None), None) => Became::Failed("there is no commit after the change".to_owned()),
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

    fn outcomes(plan: &Plan) -> Vec<&'static str> {
        let steps = plan.steps.values();
        steps
            .map(|step| match step.became {
                None => "impossible",
                Some(Became::Done) => "done",
                Some(Became::Failed(_)) => "failed",
                Some(Became::Unknown(_)) => "unknown",
            })
            .collect()
    }

    fn error(code: i32) -> KafkaError {
        KafkaError::of_write("AlterConsumerGroupOffsets", code, "")
    }

    fn refusals(partition: i32, code: i32) -> BTreeMap<TopicPartition, KafkaError> {
        BTreeMap::from([(TopicPartition::new("a", partition), error(code))])
    }

    #[test]
    fn a_step_is_done_when_it_is_read_back_and_not_before() {
        let mut plan = plan(&[(Some(5), Some(0)), (Some(5), Some(0)), (Some(5), None)]);
        assert!(!plan.is_complete(), "nothing is done yet");
        let after = Ok(BTreeMap::from([
            (TopicPartition::new("a", 0), 0),
            (TopicPartition::new("a", 1), 5),
        ]));
        plan.settle(&after, &BTreeMap::new());
        assert_eq!(outcomes(&plan), ["done", "failed", "done"]);
        assert!(!plan.is_complete());
    }

    #[test]
    fn what_could_not_be_read_back_is_unknown_unless_nothing_had_to_change_or_it_was_refused() {
        let mut plan = plan(&[(Some(5), Some(0)), (Some(5), Some(5)), (Some(5), Some(0))]);
        let silent = Err(error(codes::LOCAL_TIMED_OUT));
        plan.settle(&silent, &refusals(2, codes::UNKNOWN_MEMBER_ID));
        assert_eq!(outcomes(&plan), ["unknown", "done", "failed"]);
        assert!(!plan.is_complete());
    }

    #[test]
    fn a_lost_answer_is_settled_by_what_is_there_and_else_unknown() {
        let lost = refusals(0, codes::LOCAL_TIMED_OUT);
        let mut plan = plan(&[(Some(5), Some(0))]);
        plan.settle(
            &Ok(BTreeMap::from([(TopicPartition::new("a", 0), 5)])),
            &lost,
        );
        assert_eq!(outcomes(&plan), ["unknown"], "it may still happen");
        plan.settle(
            &Ok(BTreeMap::from([(TopicPartition::new("a", 0), 0)])),
            &lost,
        );
        assert_eq!(outcomes(&plan), ["done"]);
    }

    #[test]
    fn an_executed_change_with_an_impossible_part_is_not_complete_and_its_dry_run_is() {
        let mut plan = plan(&[(Some(5), Some(5))]);
        let key = TopicPartition::new("a", 1);
        let impossible = Step::planned(Some(5), Err("no leader".to_owned()), None);
        plan.steps.insert(key, impossible);
        plan.settle(&Ok(BTreeMap::new()), &BTreeMap::new());
        assert!(!plan.is_complete());
        plan.executed = false;
        assert!(plan.is_complete());
    }
}
