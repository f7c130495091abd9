//! The judgement on one topic: a pure function of the rails, the topic and the cluster around it.

use kafka_cluster::{ConfigEntry, ConfigSource};
use service_kit::FieldError;

use super::GuardSettings;
use crate::change::{Cost, Warning};
use crate::topic::TopicSpec;

/// What the judgement has to know about the cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Partitions of all other topics.
    pub other_partitions: u64,
    /// `min.insync.replicas` of a topic that does not say; `None` when not known.
    pub min_insync_replicas: Option<i64>,
    /// `retention.bytes` of a topic that does not say; `None` when not known.
    pub retention_bytes: Option<i64>,
}

impl Surroundings {
    /// What the settings of a topic itself tell: the value that applies where it has none of its own is
    /// known for each that it does not override.
    #[must_use]
    pub fn of_topic(configs: &[ConfigEntry]) -> Self {
        let inherited = |name: &str| {
            let entry = configs.iter().find(|entry| entry.name == name)?;
            let own = entry.source == ConfigSource::DynamicTopicConfig;
            let value = if own { &entry.default } else { &entry.value };
            value.as_deref()?.parse().ok()
        };
        Self {
            other_partitions: 0,
            min_insync_replicas: inherited("min.insync.replicas"),
            retention_bytes: inherited("retention.bytes"),
        }
    }
}

/// What there is to say about a topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The rails that it breaks, by field.
    pub violations: Vec<FieldError>,
    /// What is allowed and unusual.
    pub warnings: Vec<Warning>,
}

impl Verdict {
    fn refuse(&mut self, field: impl Into<String>, code: &str, message: impl Into<String>) {
        self.violations.push(FieldError {
            field: field.into(),
            code: code.to_owned(),
            message: message.into(),
        });
    }

    fn warn(&mut self, code: &'static str, message: impl Into<String>) {
        self.warnings.push(Warning::new(code, message));
    }
}

/// Judges a topic as it would be.
#[must_use]
pub fn judge(rails: &GuardSettings, topic: &TopicSpec, around: Surroundings) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(pattern) = &rails.guard_topic_name
        && !pattern.matches(topic.name.as_str())
    {
        let message = format!("must match {}", pattern.as_str());
        verdict.refuse("topicName", "name_pattern", message);
    }
    partitions(rails, topic, around, &mut verdict);
    replication(rails, topic, &mut verdict);
    min_insync_replicas(rails, topic, around, &mut verdict);
    required(rails, topic, &mut verdict);
    retention(topic, around, &mut verdict);
    verdict
}

/// What the topic takes at most.
#[must_use]
pub fn cost(topic: &TopicSpec, around: Surroundings) -> Cost {
    let count = |number: i32| u64::try_from(number).unwrap_or(0);
    Cost::of(
        count(topic.partitions.get()),
        count(topic.replication_factor.get()),
        number(topic, "retention.bytes").or(around.retention_bytes),
    )
}

fn partitions(rails: &GuardSettings, topic: &TopicSpec, around: Surroundings, to: &mut Verdict) {
    let wanted = topic.partitions.get();
    let most = rails.guard_max_topic_partitions;
    if wanted > most {
        let message = format!("must be at most {most} for one topic");
        to.refuse("partitions", "topic_ceiling", message);
    }
    let all = around.other_partitions + u64::try_from(wanted).unwrap_or(0);
    if let Some(most) = rails.guard_max_cluster_partitions
        && all > most
    {
        let message = format!("would make {all} in the cluster, where {most} are the most");
        to.refuse("partitions", "cluster_ceiling", message);
    }
}

fn replication(rails: &GuardSettings, topic: &TopicSpec, to: &mut Verdict) {
    let (factor, least) = (
        topic.replication_factor.get(),
        rails.guard_min_replication_factor,
    );
    if factor < least {
        let message = format!("must be at least {least}");
        to.refuse("replicationFactor", "below_minimum", message);
    } else if factor == 1 {
        let message = "records are lost with the one broker that holds them";
        to.warn("single_replica", message);
    }
}

fn min_insync_replicas(
    rails: &GuardSettings,
    topic: &TopicSpec,
    around: Surroundings,
    to: &mut Verdict,
) {
    const NAME: &str = "min.insync.replicas";
    let factor = i64::from(topic.replication_factor.get());
    let Some(least) = number(topic, NAME).or(around.min_insync_replicas) else {
        return;
    };
    if least < factor {
        return;
    }
    if rails.guard_min_isr_below_replication {
        let message = format!("is {least} and must be below the replication factor {factor}");
        to.refuse(format!("configs.{NAME}"), "not_below_replication", message);
    } else if least > factor {
        // Source: Kafka 3.9, `Partition.effectiveMinIsr`.
        let message =
            format!("{NAME} is {least}, Kafka takes it as {factor}: it has no more copies");
        to.warn("min_isr_above_replication", message);
    } else if factor > 1 {
        let message = format!("with {NAME} {least} of {factor} one broker down stops all writes");
        to.warn("min_isr_equals_replication", message);
    }
}

fn required(rails: &GuardSettings, topic: &TopicSpec, to: &mut Verdict) {
    for required in &rails.guard_required_configs {
        let field = format!("configs.{}", required.name);
        match (topic.configs.get(&required.name), &required.value) {
            (None, None) => to.refuse(field, "required", "must be given"),
            (given, Some(wanted)) if given != Some(wanted) => {
                to.refuse(field, "required", format!("must be {wanted}"));
            }
            _ => {}
        }
    }
}

fn retention(topic: &TopicSpec, around: Surroundings, to: &mut Verdict) {
    let policy = topic.configs.get("cleanup.policy");
    let deletes = policy.is_none_or(|policy| policy.contains("delete"));
    if !deletes {
        let retention = ["retention.ms", "retention.bytes"];
        if retention
            .iter()
            .any(|name| topic.configs.contains_key(*name))
        {
            let message =
                "retention means nothing to a topic whose cleanup.policy is compact alone";
            to.warn("retention_without_delete", message);
        }
    }
    let limit = number(topic, "retention.bytes").or(around.retention_bytes);
    if !deletes || limit.is_some_and(|bytes| bytes < 0) {
        let message = "nothing limits the bytes that it takes on disk (retention.bytes is -1)";
        to.warn("disk_unbounded", message);
    }
}

fn number(topic: &TopicSpec, name: &str) -> Option<i64> {
    topic.configs.get(name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::declared::Document;

    #[derive(Parser)]
    struct OnlyGuard {
        #[command(flatten)]
        guard: GuardSettings,
    }

    fn rails(arguments: &[&str]) -> GuardSettings {
        OnlyGuard::parse_from([&["test"], arguments].concat()).guard
    }

    fn topic(replication_factor: i32, configs: &str) -> TopicSpec {
        let text = format!(
            "topics:\n  - {{name: orders, partitions: 12, replicationFactor: {replication_factor}, \
             configs: {{{configs}}}}}\n"
        );
        Document::parse(&text).unwrap().topics.remove(0)
    }

    fn fields(verdict: &Verdict) -> Vec<(&str, &str)> {
        let violations = verdict.violations.iter();
        violations
            .map(|error| (error.field.as_str(), error.code.as_str()))
            .collect()
    }

    fn codes(verdict: &Verdict) -> Vec<&str> {
        verdict.warnings.iter().map(|w| w.code).collect()
    }

    const AROUND: Surroundings = Surroundings {
        other_partitions: 100,
        min_insync_replicas: Some(2),
        retention_bytes: Some(-1),
    };

    #[test]
    fn without_rails_a_usual_topic_has_nothing_against_it() {
        let verdict = judge(&rails(&[]), &topic(3, "retention.bytes: 1000"), AROUND);
        assert_eq!(verdict, Verdict::default());
    }

    #[test]
    fn each_broken_rail_names_its_field() {
        let strict = rails(&[
            "--guard-topic-name=team-.*",
            "--guard-min-replication-factor=3",
            "--guard-min-isr-below-replication=true",
            "--guard-max-topic-partitions=10",
            "--guard-max-cluster-partitions=111",
            "--guard-required-configs=retention.ms,cleanup.policy=delete",
        ]);
        let verdict = judge(&strict, &topic(2, "cleanup.policy: compact"), AROUND);
        assert_eq!(
            fields(&verdict),
            [
                ("topicName", "name_pattern"),
                ("partitions", "topic_ceiling"),
                ("partitions", "cluster_ceiling"),
                ("replicationFactor", "below_minimum"),
                ("configs.min.insync.replicas", "not_below_replication"),
                ("configs.retention.ms", "required"),
                ("configs.cleanup.policy", "required"),
            ]
        );
        let fits = "retention.ms: 1, cleanup.policy: delete, retention.bytes: 1";
        let mut fitting = topic(3, fits);
        fitting.name = crate::topic::TopicName::parse("team-orders").unwrap();
        fitting.partitions = crate::topic::PartitionCount::new(10).unwrap();
        assert_eq!(judge(&strict, &fitting, AROUND), Verdict::default());
    }

    #[test]
    fn what_is_allowed_and_unusual_is_a_warning() {
        let none = rails(&[]);
        let verdict = judge(&none, &topic(1, ""), AROUND);
        assert_eq!(
            codes(&verdict),
            [
                "single_replica",
                "min_isr_above_replication",
                "disk_unbounded"
            ]
        );
        let equal = topic(3, "min.insync.replicas: 3, retention.bytes: 1");
        assert_eq!(
            codes(&judge(&none, &equal, AROUND)),
            ["min_isr_equals_replication"]
        );
        let compacted = topic(3, "cleanup.policy: compact, retention.ms: 1");
        assert_eq!(
            codes(&judge(&none, &compacted, AROUND)),
            ["retention_without_delete", "disk_unbounded"]
        );
    }

    #[test]
    fn what_is_not_known_about_the_cluster_is_not_judged() {
        let verdict = judge(&rails(&[]), &topic(3, ""), Surroundings::default());
        assert_eq!(verdict, Verdict::default());
        let cost = cost(&topic(3, ""), Surroundings::default());
        assert_eq!((cost.replicas, cost.worst_case_disk_bytes), (36, None));
    }
}
