//! Moving and removing what a group committed. What was there is kept first, members are refused, and
//! nothing is told done that was not read back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafka_cluster::{
    ClusterMetadata, GroupListing, KafkaCluster, KafkaError, OffsetSpec, TopicPartition,
};
use tracing::{info, warn};

use super::deletion::has_moved;
use super::plan::{commits, in_scope, refuse_members, why_no_ends};
use super::{
    Became, Ends, GroupError, History, Kept, Partitions, Plan, ResetTo, Scope, Step, locate,
    read_offsets, target_offset,
};
use crate::any_broker;
use crate::locks::Locks;
use crate::time_limits::{self, Deadline};

/// Each of the questions that a change asks.
pub(super) const ASK: Duration = Duration::from_secs(3);
/// A coordinator that moved is looked for this often.
pub(super) const ATTEMPTS: usize = 3;

/// Changes groups. Cheap to clone.
#[derive(Clone)]
pub struct GroupWriter {
    pub(super) cluster: KafkaCluster,
    locks: Locks<String>,
    history: History,
}

impl GroupWriter {
    /// Changes through `cluster`, keeps in `history`.
    #[must_use]
    pub fn new(cluster: KafkaCluster, history: History) -> Self {
        Self {
            cluster,
            locks: Locks::default(),
            history,
        }
    }

    /// Whether what is kept outlives the service.
    #[must_use]
    pub fn keeps_on_disk(&self) -> bool {
        self.history.is_durable()
    }

    /// Moves the commits in `scope`; only plans it unless `execute`.
    ///
    /// # Errors
    /// See [`GroupError`]; nothing was changed then, unless it is an `OutcomeUnknown`.
    pub async fn reset(
        &self,
        id: &str,
        to: ResetTo,
        scope: &Scope,
        execute: bool,
    ) -> Result<Plan, GroupError> {
        let _lock = self.lock(id).await?;
        let group = locate(&self.cluster, id, ASK).await?;
        let committed = commits(self.cluster.committed_offsets(&group, ASK).await?);
        let metadata = any_broker::metadata(&self.cluster).await?;
        let partitions = in_scope(scope, &metadata, &committed);
        let ends = self.ends(&metadata, &partitions, Some(to)).await?;
        let steps = partitions.into_iter().map(|partition| {
            let old = committed.get(&partition).copied();
            let ends = ends.get(&partition).copied();
            let new = match ends {
                Some(ends) => target_offset(to, old, ends)
                    .map(Some)
                    .map_err(str::to_owned),
                None => Err(why_no_ends(&metadata, &partition)),
            };
            (partition, Step::planned(old, new, ends))
        });
        let plan = self.plan(&group, "reset", steps.collect(), None).await?;
        self.carry_out(group, plan, execute).await
    }

    /// Removes the commits in `scope`; only plans it unless `execute`.
    ///
    /// # Errors
    /// As [`GroupWriter::reset`].
    pub async fn delete_offsets(
        &self,
        id: &str,
        scope: &Scope,
        execute: bool,
    ) -> Result<Plan, GroupError> {
        let _lock = self.lock(id).await?;
        let group = locate(&self.cluster, id, ASK).await?;
        let steps = self.removal(&group, scope).await?;
        let plan = self.plan(&group, "delete_offsets", steps, None).await?;
        self.carry_out(group, plan, execute).await
    }

    /// Restores what was there before the newest change to the group that was not taken back; only
    /// plans it unless `execute`.
    ///
    /// # Errors
    /// `NothingKept`, and as [`GroupWriter::reset`].
    pub async fn undo(&self, id: &str, execute: bool) -> Result<Plan, GroupError> {
        let _lock = self.lock(id).await?;
        let kept: Kept = self.history.last(id).ok_or(GroupError::NothingKept)?;
        let group = locate(&self.cluster, id, ASK).await?;
        let committed = commits(self.cluster.committed_offsets(&group, ASK).await?);
        let metadata = any_broker::metadata(&self.cluster).await?;
        let wanted = kept.offsets();
        let partitions = wanted.keys().cloned().collect();
        let ends = self.ends(&metadata, &partitions, None).await?;
        let steps = wanted.into_iter().map(|(partition, before)| {
            let old = committed.get(&partition).copied();
            let ends = ends.get(&partition).copied();
            (partition, Step::planned(old, Ok(before), ends))
        });
        let plan = self
            .plan(&group, "undo", steps.collect(), Some(kept.id))
            .await?;
        self.carry_out(group, plan, execute).await
    }

    /// Deletes a group with all that it committed; only plans it unless `execute`. It is done once all
    /// brokers were asked and none lists it.
    ///
    /// # Errors
    /// As [`GroupWriter::reset`].
    pub async fn delete(&self, id: &str, execute: bool) -> Result<Plan, GroupError> {
        let deadline = Deadline::within(time_limits::WHOLE_WRITE);
        let _lock = self.lock(id).await?;
        let group = locate(&self.cluster, id, ASK).await?;
        let steps = self.removal(&group, &Scope::Committed).await?;
        let mut plan = self.plan(&group, "delete_group", steps, None).await?;
        if !execute {
            return Ok(plan);
        }
        refuse_members(&plan)?;
        self.delete_to_the_end(group, deadline).await?;
        for step in plan.steps.values_mut() {
            step.became = Some(Became::Done);
        }
        plan.executed = true;
        info!(group = id, "consumer group deleted");
        Ok(plan)
    }

    async fn lock(&self, id: &str) -> Result<crate::locks::Lock<String>, GroupError> {
        let patience = time_limits::TOPIC_LOCK;
        let lock = self.locks.acquire(&id.to_owned(), patience).await;
        lock.ok_or(GroupError::Busy)
    }

    async fn removal(
        &self,
        group: &GroupListing,
        scope: &Scope,
    ) -> Result<BTreeMap<TopicPartition, Step>, GroupError> {
        let committed = commits(self.cluster.committed_offsets(group, ASK).await?);
        let of_scope = |partition: &TopicPartition| match scope {
            Scope::Committed => true,
            Scope::Items(items) => items.iter().any(|item| {
                item.topic.as_str() == partition.topic
                    && item.partition.is_none_or(|id| id == partition.partition)
            }),
        };
        let in_scope = committed.into_iter().filter(|(key, _)| of_scope(key));
        Ok(in_scope
            .map(|(partition, old)| (partition, Step::planned(Some(old), Ok(None), None)))
            .collect())
    }

    async fn plan(
        &self,
        group: &GroupListing,
        action: &'static str,
        steps: BTreeMap<TopicPartition, Step>,
        undoes: Option<u64>,
    ) -> Result<Plan, GroupError> {
        Ok(Plan {
            group_id: group.id.clone(),
            action,
            steps,
            members: self.members(group).await?,
            executed: false,
            undoes,
        })
    }

    async fn members(&self, group: &GroupListing) -> Result<Vec<String>, GroupError> {
        let listed = std::slice::from_ref(group);
        let mut described = self.cluster.describe_groups(listed, ASK).await;
        let members = match described.remove(&group.id) {
            Some(description) => description?.members,
            None => Vec::new(),
        };
        let named = members.into_iter();
        Ok(named
            .map(|member| format!("{} at {}", member.client_id, member.host))
            .collect())
    }

    async fn ends(
        &self,
        metadata: &ClusterMetadata,
        partitions: &BTreeSet<TopicPartition>,
        to: Option<ResetTo>,
    ) -> Result<BTreeMap<TopicPartition, Ends>, GroupError> {
        let ask = |spec| read_offsets(&self.cluster, metadata, partitions, spec, ASK);
        let at_time = async {
            match to {
                Some(ResetTo::Time(time)) => {
                    let time = OffsetSpec::AtTimestampMs(time.as_millisecond());
                    ask(time).await
                }
                _ => Ok(BTreeMap::new()),
            }
        };
        let (earliest, latest, at_time) =
            tokio::join!(ask(OffsetSpec::Earliest), ask(OffsetSpec::Latest), at_time);
        let (earliest, latest, at_time) = (earliest?, latest?, at_time?);
        let known = |offsets: &Partitions<i64>, partition| {
            offsets
                .get(partition)
                .and_then(|offset| offset.as_ref().ok())
                .copied()
        };
        let both = partitions.iter().filter_map(|partition| {
            // One that could not be asked for its time must not pass for one without such a record.
            if matches!(at_time.get(partition), Some(Err(_))) {
                return None;
            }
            let ends = Ends {
                earliest: known(&earliest, partition)?,
                latest: known(&latest, partition)?,
                at_time: known(&at_time, partition),
            };
            Some((partition.clone(), ends))
        });
        Ok(both.collect())
    }

    /// Does what is planned, unless it is to be looked at only.
    async fn carry_out(
        &self,
        group: GroupListing,
        mut plan: Plan,
        execute: bool,
    ) -> Result<Plan, GroupError> {
        if !execute {
            return Ok(plan);
        }
        refuse_members(&plan)?;
        let before: BTreeMap<_, _> = plan
            .changes()
            .map(|(partition, _, old)| (partition.clone(), old))
            .collect();
        plan.executed = true;
        if before.is_empty() {
            plan.settle(&Ok(BTreeMap::new()), &BTreeMap::new());
            return Ok(plan);
        }
        let kept = match plan.undoes {
            Some(_) => None,
            None => Some(self.keep(&plan, before).await?),
        };
        let refusals = self.send(group.clone(), &plan).await;
        let after = self.read_back(&group).await;
        plan.settle(&after, &refusals);
        let failed = |became: &Option<Became>| matches!(became, Some(Became::Failed(_)));
        let nothing_done = plan
            .changes()
            .all(|(partition, ..)| failed(&plan.steps[partition].became));
        let forget = match (plan.undoes, kept) {
            (Some(undone), _) if plan.is_complete() => Some(undone),
            // Nothing to take back; but where it is not known, something may be.
            (None, Some(kept)) if nothing_done => Some(kept),
            _ => None,
        };
        if let Some(id) = forget {
            self.forget(id).await;
        }
        info!(
            group = plan.group_id,
            action = plan.action,
            complete = plan.is_complete(),
            "offsets changed"
        );
        Ok(plan)
    }

    /// Sends all changes; returns what was not acknowledged, by partition. A coordinator that moved is
    /// followed.
    async fn send(
        &self,
        mut group: GroupListing,
        plan: &Plan,
    ) -> BTreeMap<TopicPartition, KafkaError> {
        let mut refusals = BTreeMap::new();
        for attempt in 1..=ATTEMPTS {
            refusals.clear();
            let moved = self.send_once(&group, plan, &mut refusals).await;
            if !moved || attempt == ATTEMPTS {
                break;
            }
            match locate(&self.cluster, &group.id, ASK).await {
                Ok(found) => group = found,
                Err(_) => break,
            }
        }
        refusals
    }

    /// Whether it has to be sent again, to another coordinator.
    async fn send_once(
        &self,
        group: &GroupListing,
        plan: &Plan,
        refusals: &mut BTreeMap<TopicPartition, KafkaError>,
    ) -> bool {
        let mut moved = false;
        let mut note = |asked: Vec<TopicPartition>, answer: Result<Partitions<()>, KafkaError>| {
            let outcomes = match answer {
                Ok(outcomes) => outcomes,
                Err(error) => {
                    let all = asked.into_iter();
                    all.map(|partition| (partition, Err(error.clone())))
                        .collect()
                }
            };
            for (partition, outcome) in outcomes {
                if let Err(error) = outcome {
                    moved |= has_moved(&error);
                    refusals.insert(partition, error);
                }
            }
        };
        let set: BTreeMap<TopicPartition, i64> = plan
            .changes()
            .filter_map(|(partition, new, _)| Some((partition.clone(), new?)))
            .collect();
        if !set.is_empty() {
            let answer = self.cluster.alter_group_offsets(group, &set, ASK).await;
            note(set.into_keys().collect(), answer);
        }
        let removed: Vec<TopicPartition> = plan
            .changes()
            .filter(|(_, new, _)| new.is_none())
            .map(|(partition, ..)| partition.clone())
            .collect();
        if !removed.is_empty() {
            let answer = self
                .cluster
                .delete_group_offsets(group, &removed, ASK)
                .await;
            note(removed, answer);
        }
        moved
    }

    async fn read_back(
        &self,
        group: &GroupListing,
    ) -> Result<BTreeMap<TopicPartition, i64>, KafkaError> {
        let mut answer = self.cluster.committed_offsets(group, ASK).await;
        if answer.is_err()
            && let Ok(found) = locate(&self.cluster, &group.id, ASK).await
        {
            answer = self.cluster.committed_offsets(&found, ASK).await;
        }
        answer.map(commits)
    }

    async fn keep(
        &self,
        plan: &Plan,
        before: BTreeMap<TopicPartition, Option<i64>>,
    ) -> Result<u64, GroupError> {
        let (history, group, action) = (self.history.clone(), plan.group_id.clone(), plan.action);
        let kept = tokio::task::spawn_blocking(move || history.keep(&group, action, &before)).await;
        match kept {
            Ok(Ok(id)) => Ok(id),
            Ok(Err(error)) => Err(GroupError::NotKept(error.to_string())),
            Err(error) => Err(GroupError::NotKept(error.to_string())),
        }
    }

    async fn forget(&self, id: u64) {
        let history = self.history.clone();
        let forgotten = tokio::task::spawn_blocking(move || history.forget(id)).await;
        if !matches!(forgotten, Ok(Ok(()))) {
            warn!(id, "a change that was taken back stays in the history");
        }
    }
}
