//! What applying a document would do to a cluster, field by field: a pure function of the two. Nothing
//! is deleted that the document does not name for deletion, and what it does not name at all is left
//! alone.

use std::collections::{BTreeMap, BTreeSet};

use kafka_cluster::{ConfigEntry, ConfigSource, TopicMetadata};
use serde::Serialize;
use service_kit::FieldError;
use utoipa::ToSchema;

use super::Document;
use crate::change::{Cost, FieldChange, Warning};
use crate::configs::{holds_no_secret, same_value};
use crate::fingerprint::Fingerprint;
use crate::guard::{self, GuardSettings, Surroundings};
use crate::topic::{TopicName, TopicSpec};

/// A topic as it is, with its settings.
pub type Present<'a> = (&'a TopicMetadata, &'a [ConfigEntry]);

/// What applying a document would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyPlan {
    /// Names the document and the state of the topics that it names: `hash` of `POST /api/apply`.
    #[schema(example = "6c62272e07bb014262b821756295c58d")]
    pub hash: String,
    /// Whether anything would change.
    #[schema(example = true)]
    pub changes: bool,
    /// Each topic that the document names.
    pub topics: Vec<TopicPlan>,
    /// Topics of the cluster that the document does not name; they are left alone.
    #[schema(example = json!(["payments"]))]
    pub topics_not_named: Vec<String>,
}

/// What applying would do to one topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicPlan {
    /// The topic's name.
    #[schema(example = "orders")]
    pub topic_name: String,
    /// What would be done.
    pub action: TopicAction,
    /// Each field that would change.
    pub changes: Vec<FieldChange>,
    /// What is left as it is although the document does not say it, or may not be what was meant.
    pub warnings: Vec<Warning>,
    /// What the topic takes afterwards; absent where nothing would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// What cannot be done, or guard rails forbid: the whole document is refused then.
    pub problems: Vec<FieldError>,
}

/// What applying does to one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TopicAction {
    /// It is as the document says.
    None,
    /// It is not there and would be made.
    Create,
    /// Partitions would be added, or settings changed.
    Change,
    /// The document names it for deletion, and it is there.
    Delete,
}

/// Compares a document with the topics that are there, by name. The partitions of `around` are those of the
/// whole cluster, internal topics included: `present` has not all of them.
///
/// What is added for one topic counts for those after it. What is deleted makes no room: that comes last.
#[must_use]
pub fn plan(
    document: &Document,
    present: &BTreeMap<&str, Present<'_>>,
    rails: &GuardSettings,
    around: Surroundings,
) -> ApplyPlan {
    let mut all = around.other_partitions;
    let mut hash = Fingerprint::default();
    let mut topics = Vec::new();
    for wanted in &document.topics {
        let there = present.get(wanted.name.as_str()).copied();
        note_wanted(&mut hash, wanted);
        note_present(&mut hash, there);
        let own = there.map_or(0, |(topic, _)| topic.partitions.len() as u64);
        let others = all.saturating_sub(own);
        let around = Surroundings {
            other_partitions: others,
            ..around
        };
        let after = u64::try_from(wanted.partitions.get()).unwrap_or(0);
        all = others + own.max(after);
        topics.push(match there {
            None => creation(wanted, rails, around),
            Some(there) => change(wanted, there, rails, around),
        });
    }
    for name in &document.deletes {
        let there = present.get(name.as_str()).copied();
        hash.add("delete");
        hash.add(name.as_str());
        note_present(&mut hash, there);
        topics.push(deletion(name, there, rails));
    }
    let named: BTreeSet<&str> = topics.iter().map(|plan| plan.topic_name.as_str()).collect();
    let not_named = present.keys().filter(|name| !named.contains(*name));
    let topics_not_named = not_named.map(|name| (*name).to_owned()).collect();
    ApplyPlan {
        hash: hash.to_text(),
        changes: topics.iter().any(|plan| plan.action != TopicAction::None),
        topics_not_named,
        topics,
    }
}

impl ApplyPlan {
    /// All that keeps it from being applied; not the protection of what the audit log keeps, where somebody
    /// `breaks_glass`.
    #[must_use]
    pub fn problems(&self, breaks_glass: bool) -> Vec<FieldError> {
        let topics = self.topics.iter();
        let holds = |problem: &&FieldError| !(breaks_glass && problem.code == guard::PROTECTED);
        topics
            .flat_map(|plan| {
                let problems = plan.problems.iter().filter(holds);
                problems.map(|problem| FieldError {
                    field: format!("{}.{}", plan.topic_name, problem.field),
                    ..problem.clone()
                })
            })
            .collect()
    }
}

fn creation(wanted: &TopicSpec, rails: &GuardSettings, around: Surroundings) -> TopicPlan {
    let verdict = guard::judge(rails, wanted, around);
    let new = |field: String, value: String| FieldChange::new(field, None, Some(value));
    let factor = wanted.replication_factor.get().to_string();
    let mut changes = vec![
        new("partitions".to_owned(), wanted.partitions.get().to_string()),
        new("replicationFactor".to_owned(), factor),
    ];
    // Of a setting that nobody documents it is not known whether it is a secret.
    let configs = wanted.configs.iter().map(|(name, value)| {
        let after = holds_no_secret(name).then(|| value.clone());
        FieldChange::new(format!("configs.{name}"), None, after)
    });
    changes.extend(configs);
    TopicPlan {
        topic_name: wanted.name.to_string(),
        action: TopicAction::Create,
        changes,
        warnings: verdict.warnings,
        cost: Some(guard::cost(wanted, around)),
        problems: verdict.violations,
    }
}

fn change(
    wanted: &TopicSpec,
    (topic, configs): Present<'_>,
    rails: &GuardSettings,
    around: Surroundings,
) -> TopicPlan {
    let mut plan = TopicPlan {
        topic_name: wanted.name.to_string(),
        action: TopicAction::None,
        changes: Vec::new(),
        warnings: Vec::new(),
        cost: None,
        problems: Vec::new(),
    };
    shape(wanted, topic, &mut plan);
    settings(wanted, configs, &mut plan);
    if plan.changes.is_empty() {
        return plan;
    }
    plan.action = TopicAction::Change;
    if rails.is_audit_log(&plan.topic_name) {
        plan.problems.extend(guard::shortenings(&plan.changes));
    }
    let before = TopicSpec::of(topic, configs).map(|now| guard::judge(rails, &now, around));
    let mut after = wanted.clone();
    after.configs.extend(undeclared(wanted, configs));
    let verdict = guard::judge(rails, &after, around);
    plan.cost = Some(guard::cost(&after, around));
    let known = before.unwrap_or_default();
    // A topic that breaks a rail already is not kept from other changes.
    let violations = verdict.violations.into_iter();
    plan.problems
        .extend(violations.filter(|violation| !known.violations.contains(violation)));
    let warnings = verdict.warnings.into_iter();
    plan.warnings
        .extend(warnings.filter(|warning| !known.warnings.contains(warning)));
    plan
}

fn shape(wanted: &TopicSpec, topic: &TopicMetadata, plan: &mut TopicPlan) {
    let (have, want) = (topic.partitions.len(), wanted.partitions.get());
    let more = usize::try_from(want).is_ok_and(|want| want > have);
    if more {
        let change = FieldChange::new("partitions", Some(have.to_string()), Some(want.to_string()));
        plan.changes.push(change);
        let message = "records of one key may go to another partition from now on";
        plan.warnings.push(Warning::new("keys_move", message));
    } else if usize::try_from(want) != Ok(have) {
        plan.refuse(
            "partitions",
            format!("is {have}: Kafka takes no partition away"),
        );
    }
    let (have, want) = (topic.replication_factor(), wanted.replication_factor.get());
    if usize::try_from(want) != Ok(have) {
        plan.refuse(
            "replicationFactor",
            format!("is {have}: replicas are not moved by applying a document"),
        );
    }
}

fn settings(wanted: &TopicSpec, configs: &[ConfigEntry], plan: &mut TopicPlan) {
    for (name, value) in &wanted.configs {
        let entry = configs.iter().find(|entry| entry.name == *name);
        let Some(entry) = entry else {
            plan.refuse(format!("configs.{name}"), "is no setting of a topic");
            continue;
        };
        let present = entry.value.as_deref();
        if !present.is_some_and(|present| same_value(value, present)) {
            plan.changes.push(FieldChange::new(
                format!("configs.{name}"),
                entry.value.clone(),
                Some(value.clone()),
            ));
        }
    }
    for (name, value) in undeclared(wanted, configs) {
        let message = format!("{name}={value} is not in the document and is left as it is");
        plan.warnings
            .push(Warning::new("undeclared_setting", message));
    }
}

fn deletion(name: &TopicName, there: Option<Present<'_>>, rails: &GuardSettings) -> TopicPlan {
    let mut plan = TopicPlan {
        topic_name: name.to_string(),
        action: TopicAction::None,
        changes: Vec::new(),
        warnings: Vec::new(),
        cost: None,
        problems: Vec::new(),
    };
    if let Some((topic, configs)) = there {
        plan.action = TopicAction::Delete;
        let gone = |field: String, value| FieldChange::new(field, Some(value), None);
        let (count, factor) = (topic.partitions.len(), topic.replication_factor());
        plan.changes = vec![
            gone("partitions".to_owned(), count.to_string()),
            gone("replicationFactor".to_owned(), factor.to_string()),
        ];
        let own = own_settings(configs);
        let own = own.map(|(name, value)| gone(format!("configs.{name}"), value));
        plan.changes.extend(own);
        plan.cost = Some(Cost::none());
        let message = "its records are lost; nothing brings them back";
        plan.warnings.push(Warning::new("records_lost", message));
        if let Some(pattern) = rails.protection(name.as_str()) {
            let message = format!("is protected from deletion by {pattern}");
            plan.refuse("topicName", message);
        }
    }
    plan
}

impl TopicPlan {
    fn refuse(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.problems.push(FieldError {
            field: field.into(),
            code: "cannot_apply".to_owned(),
            message: message.into(),
        });
    }
}

/// What a topic overrides itself that the document does not name.
fn undeclared(wanted: &TopicSpec, configs: &[ConfigEntry]) -> BTreeMap<String, String> {
    let own = own_settings(configs);
    own.filter(|(name, _)| !wanted.configs.contains_key(name))
        .collect()
}

fn own_settings(configs: &[ConfigEntry]) -> impl Iterator<Item = (String, String)> {
    let own = configs
        .iter()
        .filter(|entry| entry.source == ConfigSource::DynamicTopicConfig);
    own.filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?)))
}

fn note_wanted(hash: &mut Fingerprint, topic: &TopicSpec) {
    hash.add(topic.name.as_str());
    hash.add(&topic.partitions.get().to_string());
    hash.add(&topic.replication_factor.get().to_string());
    for (name, value) in &topic.configs {
        hash.add(name);
        hash.add(value);
    }
}

fn note_present(hash: &mut Fingerprint, there: Option<Present<'_>>) {
    let Some((topic, configs)) = there else {
        hash.add("absent");
        return;
    };
    hash.add("present");
    hash.add(&topic.partitions.len().to_string());
    hash.add(&topic.replication_factor().to_string());
    for entry in configs {
        if entry.source == ConfigSource::DynamicTopicConfig {
            hash.add(&entry.name);
            hash.add(entry.value.as_deref().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use kafka_cluster::PartitionMetadata;

    use super::*;

    #[derive(Parser)]
    struct OnlyGuard {
        #[command(flatten)]
        guard: GuardSettings,
    }

    fn topic(name: &str, partitions: i32) -> TopicMetadata {
        TopicMetadata {
            name: name.to_owned(),
            internal: false,
            partitions: (0..partitions)
                .map(|id| PartitionMetadata {
                    id,
                    leader: Some(1),
                    replicas: vec![1, 2, 3],
                    in_sync_replicas: vec![1, 2, 3],
                })
                .collect(),
        }
    }

    fn own(name: &str, value: &str) -> ConfigEntry {
        ConfigEntry {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            source: ConfigSource::DynamicTopicConfig,
            default: None,
            read_only: false,
            sensitive: false,
        }
    }

    /// Partitions of topics that no document can name.
    const INTERNAL: u64 = 50;

    /// The plan for `text` in a cluster of `a` (2 partitions, two settings) and `b`.
    fn planned(text: &str, arguments: &[&str]) -> ApplyPlan {
        let document = Document::parse(text).unwrap();
        let rails = OnlyGuard::parse_from([&["test"], arguments].concat()).guard;
        let (a, b) = (topic("a", 2), topic("b", 1));
        let configs = [own("retention.ms", "1000"), own("segment.ms", "60000")];
        let present = BTreeMap::from([("a", (&a, &configs[..])), ("b", (&b, &[][..]))]);
        let around = Surroundings {
            other_partitions: 2 + 1 + INTERNAL,
            ..Surroundings::default()
        };
        plan(&document, &present, &rails, around)
    }

    const SAME: &str = "topics:\n  - {name: a, partitions: 2, replicationFactor: 3, \
                        configs: {retention.ms: 01000}}\n";

    #[test]
    fn a_document_that_says_what_is_there_changes_nothing() {
        let plan = planned(SAME, &[]);
        assert!(!plan.changes, "{plan:?}");
        assert_eq!(plan.topics[0].action, TopicAction::None);
        assert_eq!(plan.topics[0].warnings[0].code, "undeclared_setting");
        assert_eq!(plan.topics_not_named, ["b"]);
        assert!(plan.problems(false).is_empty());
    }

    #[test]
    fn each_field_that_differs_is_told() {
        let text = "topics:\n  - {name: a, partitions: 4, replicationFactor: 3, \
                    configs: {retention.ms: 5}}\n  - {name: c, partitions: 1, replicationFactor: 3}\n";
        let plan = planned(text, &[]);
        let fields: Vec<_> = plan.topics[0]
            .changes
            .iter()
            .map(|c| (c.field.as_str(), c.before.as_deref(), c.after.as_deref()))
            .collect();
        assert_eq!(
            fields,
            [
                ("partitions", Some("2"), Some("4")),
                ("configs.retention.ms", Some("1000"), Some("5")),
            ]
        );
        assert_eq!(plan.topics[1].action, TopicAction::Create);
    }

    #[test]
    fn what_would_change_tells_what_it_takes_afterwards() {
        let text = "topics:\n  - {name: a, partitions: 4, replicationFactor: 3, \
                    configs: {retention.bytes: 10}}\n  - {name: c, partitions: 1, replicationFactor: 3}\n\
                    deletes: [b]\n";
        let plan = planned(text, &[]);
        let costs = plan.topics.iter().map(|topic| topic.cost);
        let limited = Some(Cost::of(4, 3, Some(10)));
        let of_brokers = Some(Cost::of(1, 3, None));
        let all = [limited, of_brokers, Some(Cost::none())];
        assert_eq!(costs.collect::<Vec<_>>(), all);
        assert_eq!(planned(SAME, &[]).topics[0].cost, None);
    }

    #[test]
    fn what_cannot_be_done_is_a_problem_and_not_a_change() {
        let text = "topics:\n  - {name: a, partitions: 1, replicationFactor: 2, \
                    configs: {retention.mss: 5}}\n";
        let problems = planned(text, &[]).problems(false);
        let fields: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "a.partitions",
                "a.replicationFactor",
                "a.configs.retention.mss"
            ]
        );
    }

    #[test]
    fn nothing_is_deleted_but_by_name_and_nothing_protected() {
        let text = "topics: []\ndeletes: [b, c]\n";
        let plan = planned(text, &[]);
        let actions: Vec<_> = plan.topics.iter().map(|t| t.action).collect();
        assert_eq!(actions, [TopicAction::Delete, TopicAction::None]);
        assert_eq!(plan.topics_not_named, ["a"]);
        let protected = planned(text, &["--guard-protected-topics=b"]);
        assert_eq!(protected.problems(false)[0].field, "b.topicName");
    }

    #[test]
    fn guard_rails_hold_for_documents_too() {
        let text = "topics:\n  - {name: c, partitions: 1, replicationFactor: 1}\n";
        let strict = ["--guard-min-replication-factor=3"];
        assert_eq!(
            planned(text, &strict).problems(false)[0].code,
            "below_minimum"
        );
    }

    #[test]
    fn a_document_does_not_shorten_the_audit_log_unless_the_glass_is_broken() {
        let text = "topics:\n  - {name: a, partitions: 4, replicationFactor: 3, \
                    configs: {retention.ms: 1, compression.type: zstd}}\n";
        let document = Document::parse(text).unwrap();
        let mut rails = OnlyGuard::parse_from(["test"]).guard;
        rails.audit_topic = Some("a".to_owned());
        let configs = [own("retention.ms", "1000"), own("compression.type", "lz4")];
        let a = topic("a", 2);
        let present = BTreeMap::from([("a", (&a, &configs[..]))]);
        let shortened = plan(&document, &present, &rails, Surroundings::default());
        let problems = shortened.problems(false);
        let fields: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["a.partitions", "a.configs.retention.ms"]);
        assert!(shortened.problems(true).is_empty());
        // What is there already is no change.
        let same = "topics:\n  - {name: a, partitions: 2, replicationFactor: 3, \
                    configs: {retention.ms: 1000, compression.type: lz4}}\n";
        let same = Document::parse(same).unwrap();
        let same = plan(&same, &present, &rails, Surroundings::default());
        assert!(!same.changes && same.problems(false).is_empty(), "{same:?}");
    }

    #[test]
    fn the_ceiling_of_the_cluster_holds_for_all_topics_of_a_document_together() {
        let text = "topics:\n  - {name: a, partitions: 4, replicationFactor: 3}\n  \
                    - {name: c, partitions: 3, replicationFactor: 3}\n";
        // 53 are there; a adds 2 and c 3.
        let told = |most: u64| {
            let rail = format!("--guard-max-cluster-partitions={most}");
            let problems = planned(text, &[&rail]).problems(false);
            let fields = problems.into_iter().map(|problem| problem.field);
            fields.collect::<Vec<_>>()
        };
        assert_eq!(told(58), [""; 0]);
        assert_eq!(told(57), ["c.partitions"], "each of them alone would fit");
        assert_eq!(told(54), ["a.partitions", "c.partitions"]);
    }

    #[test]
    fn what_breaks_the_ceiling_keeps_no_other_topic_from_its_settings() {
        let text = "topics:\n  - {name: c, partitions: 9, replicationFactor: 3}\n  \
                    - {name: a, partitions: 2, replicationFactor: 3, configs: {retention.ms: 5}}\n";
        let problems = planned(text, &["--guard-max-cluster-partitions=53"]).problems(false);
        let fields: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["c.partitions"]);
    }

    #[test]
    fn the_hash_names_the_document_and_the_topics_that_it_names() {
        let hash = planned(SAME, &[]).hash;
        assert_eq!(planned(SAME, &[]).hash, hash);
        let other = SAME.replace("01000", "1001");
        assert_ne!(planned(&other, &[]).hash, hash);
        let document = Document::parse(SAME).unwrap();
        let rails = OnlyGuard::parse_from(["test"]).guard;
        let of = |a: &TopicMetadata, value: &str| {
            let configs = [own("retention.ms", "1000"), own("segment.ms", value)];
            let present = BTreeMap::from([("a", (a, &configs[..]))]);
            plan(&document, &present, &rails, Surroundings::default()).hash
        };
        assert_eq!(
            of(&topic("a", 2), "60000"),
            hash,
            "topics not named do not count"
        );
        assert_ne!(of(&topic("a", 2), "60001"), hash, "the cluster moved");
        assert_ne!(of(&topic("a", 3), "60000"), hash, "the cluster moved");
    }
}
