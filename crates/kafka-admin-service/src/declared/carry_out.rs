//! Doing what a plan says, some topics at a time; each topic tells what became of it.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use serde::Serialize;
use service_kit::Problem;
use utoipa::ToSchema;

use super::Document;
use super::plan::{ApplyPlan, TopicAction, TopicPlan};
use crate::audit::Evidence;
use crate::change::FieldChange;
use crate::configs::{ConfigTarget, ConfigWrite, Extent, IfMatch};
use crate::deletion::{self, Consent};
use crate::problems;
use crate::state::AppState;
use crate::topic::{Created, Deleted, Grown, PartitionCount, TopicName, TopicSpec};

/// Writes at once: the controller makes topics one after the other, and each is then waited for.
const AT_A_TIME: usize = 8;

/// What applying a document did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// Whether anything changed.
    #[schema(example = true)]
    pub changed: bool,
    /// Each topic that the document names.
    pub topics: Vec<TopicApplied>,
    /// Topics of the cluster that the document does not name; they were left alone.
    pub topics_not_named: Vec<String>,
}

/// What became of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicApplied {
    /// The topic's name.
    #[schema(example = "orders")]
    pub topic_name: String,
    /// What was to be done.
    pub action: TopicAction,
    /// `unchanged`; `done`, as every live broker shows; `pending`: taken on, and some brokers are
    /// awaited; `failed`.
    #[schema(value_type = String, example = "done")]
    pub outcome: &'static str,
    /// The problem code of a failure; absent otherwise.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Why it failed, or whom it waits for; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Each field that changed, or was to change; absent where none was.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
}

/// How far a write came.
enum Reached {
    Done,
    Pending(Vec<i32>),
}

/// Does what `plan` says for `document`.
pub async fn carry_out(state: &AppState, document: &Document, plan: ApplyPlan) -> Applied {
    let specs: BTreeMap<&str, &TopicSpec> = document
        .topics
        .iter()
        .map(|topic| (topic.name.as_str(), topic))
        .collect();
    let one = |plan: TopicPlan| {
        let spec = specs.get(plan.topic_name.as_str()).copied();
        async move {
            let reached = carry_out_one(state, spec, &plan).await;
            TopicApplied::new(plan, reached)
        }
    };
    // Collected first: a lazy iterator of futures that borrow cannot be sent between threads.
    let writes: Vec<_> = plan.topics.into_iter().map(one).collect();
    let topics: Vec<_> = stream::iter(writes).buffered(AT_A_TIME).collect().await;
    Applied {
        changed: topics
            .iter()
            .any(|topic| matches!(topic.outcome, "done" | "pending")),
        topics,
        topics_not_named: plan.topics_not_named,
    }
}

async fn carry_out_one(
    state: &AppState,
    spec: Option<&TopicSpec>,
    plan: &TopicPlan,
) -> Result<Reached, Problem> {
    match (plan.action, spec) {
        (TopicAction::Create, Some(spec)) => create(state, spec).await,
        (TopicAction::Change, Some(spec)) => change(state, spec, plan).await,
        (TopicAction::Delete, _) => delete(state, &plan.topic_name).await,
        (TopicAction::None | TopicAction::Create | TopicAction::Change, _) => Ok(Reached::Done),
    }
}

async fn create(state: &AppState, spec: &TopicSpec) -> Result<Reached, Problem> {
    let created = state.writer.create(spec).await;
    match created.map_err(|error| problems::of_create(error, spec, &state.roster))? {
        Created::Everywhere(_) => Ok(Reached::Done),
        Created::Pending { brokers } => Ok(Reached::Pending(brokers)),
    }
}

async fn change(state: &AppState, spec: &TopicSpec, plan: &TopicPlan) -> Result<Reached, Problem> {
    let named = |field: &str| plan.changes.iter().any(|change| change.field == field);
    let mut reached = Reached::Done;
    if named("partitions") {
        reached = grow(state, &spec.name, spec.partitions).await?;
    }
    let configs: BTreeMap<_, _> = spec
        .configs
        .iter()
        .filter(|(name, _)| named(&format!("configs.{name}")))
        .map(|(name, value)| (name.clone(), Some(value.clone())))
        .collect();
    if !configs.is_empty() {
        let target = ConfigTarget::Topic(spec.name.clone());
        let write = ConfigWrite {
            configs,
            validate_only: false,
        };
        let judge = |_: &[_], _: &mut _| Vec::new();
        let writer = &state.configs;
        writer
            .write(&target, &write, Extent::Merge, &IfMatch::Any, judge)
            .await
            .map_err(|error| problems::of_config_write(error, &target))?;
    }
    Ok(reached)
}

async fn grow(
    state: &AppState,
    name: &TopicName,
    total: PartitionCount,
) -> Result<Reached, Problem> {
    let grown = state.writer.grow(name, total).await;
    match grown.map_err(|error| problems::of_growth(error, name))? {
        Grown::Everywhere(_) => Ok(Reached::Done),
        Grown::Pending { brokers } => Ok(Reached::Pending(brokers)),
    }
}

async fn delete(state: &AppState, name: &str) -> Result<Reached, Problem> {
    let name = TopicName::parse(name).map_err(Problem::internal)?;
    let deletion = deletion::delete(state, &name, &Consent::default()).await?;
    match deletion.deleted {
        Deleted::Everywhere => Ok(Reached::Done),
        Deleted::Pending { brokers } => Ok(Reached::Pending(brokers)),
    }
}

impl TopicApplied {
    fn new(plan: TopicPlan, reached: Result<Reached, Problem>) -> Self {
        let (outcome, code, reason) = match reached {
            Ok(_) if plan.action == TopicAction::None => ("unchanged", None, None),
            Ok(Reached::Done) => ("done", None, None),
            Ok(Reached::Pending(brokers)) => {
                let reason = format!("waits for brokers {brokers:?}");
                ("pending", None, Some(reason))
            }
            Err(problem) => ("failed", Some(problem.code), Some(problem.detail.clone())),
        };
        Self {
            topic_name: plan.topic_name,
            action: plan.action,
            outcome,
            code,
            reason,
            changes: plan.changes,
        }
    }
}

impl Applied {
    /// Whether nothing failed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.topics.iter().all(|topic| topic.outcome != "failed")
    }

    /// What the audit keeps of it: the topics that were to change.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let changed = |topic: &&TopicApplied| topic.action != TopicAction::None;
        Evidence::of_items("topics", self.topics.iter().filter(changed))
    }
}
