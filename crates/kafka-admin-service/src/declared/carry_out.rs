//! Doing what a plan says, some topics at a time; each topic tells what became of it.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use serde::Serialize;
use serde_json::Value;
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
/// The problem code of a write that lost its answer and does not show.
const OUTCOME_UNKNOWN: &str = "outcome_unknown";

/// What applying a document did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// Whether anything changed, or may have.
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
    /// awaited; `partial`: some of it was done, as `done` tells, before the rest went wrong; `unknown`: it
    /// was sent, and does not show; `failed`: nothing was done.
    #[schema(value_type = String, example = "done")]
    pub outcome: &'static str,
    /// The fields that were changed, of a topic that is `partial`; absent otherwise.
    #[schema(value_type = Vec<String>, required = false, example = json!(["partitions"]))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<&'static str>,
    /// The problem code of what went wrong; absent otherwise.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Why it went wrong, or whom it waits for; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Each field that changed, or was to change; absent where none was.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// The call that tells what became of it, where that is unknown; absent otherwise.
    #[schema(example = "GET /api/topics/orders")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
}

/// How far a write came.
enum Reached {
    Done,
    Pending(Vec<i32>),
}

/// A write that did not come to its end.
struct Stopped {
    /// The fields that were changed before.
    done: Vec<&'static str>,
    problem: Problem,
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
    Applied::new(topics, plan.topics_not_named)
}

async fn carry_out_one(
    state: &AppState,
    spec: Option<&TopicSpec>,
    plan: &TopicPlan,
) -> Result<Reached, Stopped> {
    match (plan.action, spec) {
        (TopicAction::Create, Some(spec)) => Ok(create(state, spec).await?),
        (TopicAction::Change, Some(spec)) => change(state, spec, plan).await,
        (TopicAction::Delete, _) => Ok(delete(state, &plan.topic_name).await?),
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

async fn change(state: &AppState, spec: &TopicSpec, plan: &TopicPlan) -> Result<Reached, Stopped> {
    let named = |field: &str| plan.changes.iter().any(|change| change.field == field);
    let (mut reached, mut done) = (Reached::Done, Vec::new());
    if named("partitions") {
        reached = grow(state, &spec.name, spec.partitions).await?;
        done.push("partitions");
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
            .map_err(|error| Stopped {
                done,
                problem: problems::of_config_write(error, &target),
            })?;
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

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        Self {
            done: Vec::new(),
            problem,
        }
    }
}

impl TopicApplied {
    fn new(plan: TopicPlan, reached: Result<Reached, Stopped>) -> Self {
        let applied = Self {
            topic_name: plan.topic_name,
            action: plan.action,
            outcome: "done",
            changes: plan.changes,
            done: Vec::new(),
            code: None,
            reason: None,
            check: None,
        };
        match reached {
            Ok(_) if plan.action == TopicAction::None => Self {
                outcome: "unchanged",
                ..applied
            },
            Ok(Reached::Done) => applied,
            Ok(Reached::Pending(brokers)) => Self {
                outcome: "pending",
                reason: Some(format!("waits for brokers {brokers:?}")),
                ..applied
            },
            Err(Stopped { done, problem }) => {
                let check = problem.extra.get("check").and_then(Value::as_str);
                Self {
                    outcome: match (done.is_empty(), problem.code) {
                        (false, _) => "partial",
                        (true, OUTCOME_UNKNOWN) => "unknown",
                        (true, _) => "failed",
                    },
                    done,
                    code: Some(problem.code),
                    check: check.map(str::to_owned),
                    reason: Some(problem.detail.clone()),
                    ..applied
                }
            }
        }
    }
}

impl Applied {
    fn new(topics: Vec<TopicApplied>, topics_not_named: Vec<String>) -> Self {
        let mut outcomes = topics.iter().map(|topic| topic.outcome);
        Self {
            changed: outcomes.any(|outcome| !matches!(outcome, "unchanged" | "failed")),
            topics,
            topics_not_named,
        }
    }

    /// Whether all was done, or taken on.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let mut outcomes = self.topics.iter().map(|topic| topic.outcome);
        outcomes.all(|outcome| matches!(outcome, "unchanged" | "done" | "pending"))
    }

    /// What the audit keeps of it: the topics that were to change.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let changed = |topic: &&TopicApplied| topic.action != TopicAction::None;
        Evidence::of_items("topics", self.topics.iter().filter(changed))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    fn applied(reached: Result<Reached, Stopped>) -> Applied {
        let plan = TopicPlan {
            topic_name: "a".to_owned(),
            action: TopicAction::Change,
            changes: Vec::new(),
            warnings: Vec::new(),
            cost: None,
            problems: Vec::new(),
        };
        Applied::new(vec![TopicApplied::new(plan, reached)], Vec::new())
    }

    fn problem(code: &'static str) -> Problem {
        Problem::new(StatusCode::GATEWAY_TIMEOUT, code, "no")
    }

    #[test]
    fn a_topic_that_grew_before_its_settings_failed_is_partial_and_something_changed() {
        let applied = applied(Err(Stopped {
            done: vec!["partitions"],
            problem: problem("kafka_refused"),
        }));
        let topic = &applied.topics[0];
        assert_eq!(
            (topic.outcome, &topic.done[..]),
            ("partial", &["partitions"][..])
        );
        assert_eq!(topic.code, Some("kafka_refused"));
        assert!(applied.changed && !applied.is_complete());
    }

    #[test]
    fn a_lost_answer_is_unknown_with_the_call_that_tells_and_may_have_changed_something() {
        let check = "GET /api/topics/a";
        let lost = problem(OUTCOME_UNKNOWN).with("check", check);
        let applied = applied(Err(lost.into()));
        let topic = &applied.topics[0];
        assert_eq!(
            (topic.outcome, topic.check.as_deref()),
            ("unknown", Some(check))
        );
        assert!(applied.changed && !applied.is_complete());
    }

    #[test]
    fn a_failure_changed_nothing_and_what_is_taken_on_is_complete() {
        let failed = applied(Err(problem("kafka_refused").into()));
        assert_eq!(failed.topics[0].outcome, "failed");
        assert!(!failed.changed && !failed.is_complete());
        let pending = applied(Ok(Reached::Pending(vec![1])));
        assert!(pending.changed && pending.is_complete());
    }
}
