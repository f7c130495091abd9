//! The JSON of consumer groups, as the API answers it.

use std::collections::{BTreeMap, BTreeSet};

use kafka_cluster::{GroupDescription, GroupListing, Lag, TopicPartition};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Became, Plan, Reading, Step};
use crate::change::Warning;

/// Some groups of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupList {
    /// By id.
    pub groups: Vec<GroupSummary>,
    /// For `cursor` in the next call; null on the last page.
    #[schema(example = "log-processor")]
    pub next_cursor: Option<String>,
    /// Brokers that did not list the groups that they coordinate: some may be missing here.
    #[schema(example = json!([]))]
    pub brokers_silent: Vec<i32>,
}

/// A group in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupSummary {
    /// `group.id`.
    #[schema(example = "log-processor")]
    pub group_id: String,
    /// In Kafka's words: `Stable`, `Empty`, `PreparingRebalance`, ...
    #[schema(example = "Stable")]
    pub state: String,
    /// Live members; null when the coordinator did not tell.
    #[schema(example = 3)]
    pub members: Option<usize>,
    /// The topics that it has committed on or reads.
    #[schema(example = json!(["log-events"]))]
    pub topics: Vec<String>,
    /// Records that it has still to read, where that is known.
    #[schema(example = 0)]
    pub total_lag: u64,
    /// Partitions whose lag is not known: without a commit, without a leader, or gone.
    #[schema(example = 0)]
    pub partitions_without_lag: usize,
    /// The broker that coordinates it.
    #[schema(example = 1)]
    pub coordinator: i32,
}

/// One group with its members and offsets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupDetail {
    /// The same as in a list.
    #[serde(flatten)]
    pub summary: GroupSummary,
    /// How partitions are assigned; empty without members.
    #[schema(example = "range")]
    pub assignor: String,
    /// Who reads.
    pub member_list: Vec<MemberView>,
    /// Every partition that it has committed on or reads.
    pub partitions: Vec<GroupPartition>,
}

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// Id given by the coordinator.
    pub member_id: String,
    /// `client.id`.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// Partitions that it reads, `topic:partition`.
    #[schema(example = json!(["log-events:0"]))]
    pub assignment: Vec<String>,
}

/// How far a group is on one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupPartition {
    /// Topic.
    #[schema(example = "log-events")]
    pub topic: String,
    /// Partition.
    #[schema(example = 0)]
    pub partition: i32,
    /// What it committed: the next record to read; null without a commit.
    #[schema(example = 900)]
    pub committed_offset: Option<i64>,
    /// The first record that is still there; null when not known.
    #[schema(example = 0)]
    pub earliest_offset: Option<i64>,
    /// One past the last record; null when not known.
    #[schema(example = 1000)]
    pub latest_offset: Option<i64>,
    /// Records still to read; null when not known.
    #[schema(example = 100)]
    pub lag: Option<u64>,
    /// `known`; `no_commit`; `records_lost`: some were deleted unread; `unknown`: the partition has no
    /// leader, or did not tell; `gone`: there is no such partition any more.
    #[schema(value_type = String, example = "known")]
    pub lag_state: &'static str,
}

/// A change to the commits of a group, planned or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OffsetChanges {
    /// The group.
    #[schema(example = "log-processor")]
    pub group_id: String,
    /// `reset`, `delete_offsets`, `delete_group`, `undo`.
    #[schema(value_type = String, example = "reset")]
    pub action: &'static str,
    /// False: nothing was changed, this is what would be.
    #[schema(example = false)]
    pub executed: bool,
    /// Each partition.
    pub partitions: Vec<OffsetChange>,
    /// What to think about.
    pub warnings: Vec<Warning>,
}

/// What happens, or happened, to one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OffsetChange {
    /// Topic.
    #[schema(example = "log-events")]
    pub topic: String,
    /// Partition.
    #[schema(example = 0)]
    pub partition: i32,
    /// The commit before; null where there was none.
    #[schema(example = 900)]
    pub old_offset: Option<i64>,
    /// The commit after; null where there is none.
    #[schema(example = 0)]
    pub new_offset: Option<i64>,
    /// Records that are passed over unread; null when not known.
    #[schema(example = 0)]
    pub records_skipped: Option<u64>,
    /// Records that are read again; null when not known.
    #[schema(example = 900)]
    pub records_replayed: Option<u64>,
    /// `planned`, `unchanged`, `impossible`; once executed `done` (read back), `failed`, or `unknown`: it
    /// was sent, and could not be read back.
    #[schema(value_type = String, example = "planned")]
    pub outcome: &'static str,
    /// Why it is impossible, failed or unknown; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The call that tells what became of it, where that is unknown; absent otherwise.
    #[schema(example = "GET /api/groups/old-reader")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
}

impl GroupSummary {
    /// One group of a reading.
    #[must_use]
    pub fn new(listing: &GroupListing, reading: &Reading) -> Self {
        let partitions = partitions(&listing.id, reading);
        let description = described(&listing.id, reading);
        let topics: BTreeSet<_> = partitions.iter().map(|p| p.topic.clone()).collect();
        Self {
            group_id: listing.id.clone(),
            state: description
                .map_or(listing.state, |group| group.state)
                .name()
                .to_owned(),
            members: description.map(|group| group.members.len()),
            topics: topics.into_iter().collect(),
            total_lag: partitions.iter().filter_map(|p| p.lag).sum(),
            partitions_without_lag: partitions.iter().filter(|p| p.lag.is_none()).count(),
            coordinator: listing.coordinator,
        }
    }
}

impl GroupDetail {
    /// One group of a reading.
    #[must_use]
    pub fn new(listing: &GroupListing, reading: &Reading) -> Self {
        let description = described(&listing.id, reading);
        let members = description.map_or(&[][..], |group| &group.members);
        let name =
            |partition: &TopicPartition| format!("{}:{}", partition.topic, partition.partition);
        Self {
            summary: GroupSummary::new(listing, reading),
            assignor: description.map_or_else(String::new, |group| group.assignor.clone()),
            member_list: members
                .iter()
                .map(|member| MemberView {
                    member_id: member.member_id.clone(),
                    client_id: member.client_id.clone(),
                    host: member.host.clone(),
                    assignment: member.assignment.iter().map(name).collect(),
                })
                .collect(),
            partitions: partitions(&listing.id, reading),
        }
    }
}

fn described<'a>(id: &str, reading: &'a Reading) -> Option<&'a GroupDescription> {
    reading.descriptions.get(id)?.as_ref().ok()
}

fn partitions(id: &str, reading: &Reading) -> Vec<GroupPartition> {
    let nothing = BTreeMap::new();
    let committed = match reading.committed.get(id) {
        Some(Ok(committed)) => committed,
        _ => &nothing,
    };
    let members = described(id, reading).map_or(&[][..], |group| &group.members);
    let assigned = members.iter().flat_map(|member| &member.assignment);
    let all: BTreeSet<_> = committed.keys().chain(assigned).collect();
    let known = |offsets: &BTreeMap<TopicPartition, Result<i64, _>>, key| {
        let offset: Option<&Result<i64, kafka_cluster::KafkaError>> = offsets.get(key);
        offset.and_then(|offset| offset.as_ref().ok()).copied()
    };
    all.into_iter()
        .map(|key| {
            let commit = known(committed, key);
            let (earliest, latest) = (known(&reading.earliest, key), known(&reading.latest, key));
            let lag = Lag::between(commit, earliest, latest);
            let lag_state = match lag {
                Lag::Known(_) => "known",
                Lag::NoCommit => "no_commit",
                Lag::BeforeLogStart { .. } => "records_lost",
                Lag::Gone if reading.there.contains(key) => "unknown",
                Lag::Gone => "gone",
            };
            GroupPartition {
                topic: key.topic.clone(),
                partition: key.partition,
                committed_offset: commit,
                earliest_offset: earliest,
                latest_offset: latest,
                lag: lag.records(),
                lag_state,
            }
        })
        .collect()
}

impl OffsetChanges {
    /// A plan, done or not; `durable` is whether what was there outlives the service.
    #[must_use]
    pub fn new(plan: &Plan, durable: bool) -> Self {
        let mut warnings = Vec::new();
        if !plan.executed && !plan.members.is_empty() {
            let message = format!(
                "the group has members, and it would be refused: {}",
                plan.members.join(", ")
            );
            warnings.push(Warning::new("group_has_members", message));
        }
        if plan.action == "delete_group" {
            let message = "the group and its commits are gone for good; the answer names them";
            warnings.push(Warning::new("not_restorable", message));
        } else if !durable {
            let message = "what was there is kept until this service restarts: it has no DATA_DIR";
            warnings.push(Warning::new("kept_in_memory", message));
        }
        Self {
            group_id: plan.group_id.clone(),
            action: plan.action,
            executed: plan.executed,
            partitions: plan
                .steps
                .iter()
                .map(|(partition, step)| OffsetChange::new(&plan.group_id, partition, step))
                .collect(),
            warnings,
        }
    }
}

impl OffsetChange {
    fn new(group_id: &str, partition: &TopicPartition, step: &Step) -> Self {
        let (outcome, reason) = match (&step.new, &step.became) {
            (Err(reason), _) => ("impossible", Some(reason.clone())),
            (Ok(_), Some(Became::Failed(reason))) => ("failed", Some(reason.clone())),
            (Ok(_), Some(Became::Unknown(reason))) => ("unknown", Some(reason.clone())),
            (Ok(new), _) if *new == step.old => ("unchanged", None),
            (Ok(_), None) => ("planned", None),
            (Ok(_), Some(Became::Done)) => ("done", None),
        };
        let check = (outcome == "unknown").then(|| format!("GET /api/groups/{group_id}"));
        let (skipped, replayed) = match &step.new {
            Ok(Some(new)) => distance(step, *new).unzip(),
            _ => (None, None),
        };
        Self {
            topic: partition.topic.clone(),
            partition: partition.partition,
            old_offset: step.old,
            new_offset: match &step.new {
                Ok(new) => *new,
                Err(_) => step.old,
            },
            records_skipped: skipped,
            records_replayed: replayed,
            outcome,
            reason,
            check,
        }
    }
}

/// Records skipped and replayed between the old commit and the new, counting those that are there.
fn distance(step: &Step, new: i64) -> Option<(u64, u64)> {
    let (old, ends) = (step.old?, step.ends?);
    let there = |offset: i64| offset.clamp(ends.earliest, ends.latest.max(ends.earliest));
    let (old, new) = (there(old), there(new));
    let count = |records: i64| u64::try_from(records).unwrap_or(0);
    Some((count(new - old), count(old - new)))
}

#[cfg(test)]
mod tests {
    use super::super::Ends;
    use super::*;

    fn step(old: Option<i64>, new: Option<i64>) -> Step {
        Step {
            old,
            new: Ok(new),
            ends: Some(Ends {
                earliest: 10,
                latest: 100,
                at_time: None,
            }),
            became: None,
        }
    }

    fn change(step: &Step) -> OffsetChange {
        OffsetChange::new("g", &TopicPartition::new("a", 0), step)
    }

    #[test]
    fn records_that_are_not_there_any_more_count_neither_way() {
        let back = change(&step(Some(50), Some(10)));
        assert_eq!(
            (back.records_skipped, back.records_replayed),
            (Some(0), Some(40))
        );
        let on = change(&step(Some(5), Some(20)));
        assert_eq!(
            (on.records_skipped, on.records_replayed),
            (Some(10), Some(0))
        );
        let first = change(&step(None, Some(20)));
        assert_eq!(
            (first.records_skipped, first.records_replayed),
            (None, None)
        );
    }

    #[test]
    fn an_outcome_is_told_by_what_was_read_back() {
        assert_eq!(change(&step(Some(50), Some(50))).outcome, "unchanged");
        let mut moved = step(Some(50), Some(60));
        assert_eq!(change(&moved).outcome, "planned");
        moved.became = Some(Became::Done);
        assert_eq!(change(&moved).outcome, "done");
        moved.became = Some(Became::Unknown("silent".to_owned()));
        let unknown = change(&moved);
        assert_eq!(
            (unknown.outcome, unknown.check.as_deref()),
            ("unknown", Some("GET /api/groups/g"))
        );
        moved.became = Some(Became::Failed("no".to_owned()));
        let failed = change(&moved);
        assert_eq!(
            (failed.outcome, failed.reason.as_deref()),
            ("failed", Some("no"))
        );
    }
}
