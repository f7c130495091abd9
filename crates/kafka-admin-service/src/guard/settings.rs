//! The guard rails as settings. Without any, everything that Kafka takes is taken.

use super::{NamePattern, Protected, RequiredConfig};
use crate::topic::{MAX_PARTITIONS, MAX_REPLICATION_FACTOR};

/// The topic that tells who did what in this cluster; nobody writes to it or deletes from it through this
/// service, whether or not the service keeps its audit there.
const AUDIT_LOG: &str = "audit-logs";

/// What topics must be like, for requests and applied documents alike.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Guard rails")]
pub struct GuardSettings {
    /// Regular expression that the whole name of a new topic must match
    #[arg(long, env = "GUARD_TOPIC_NAME", value_name = "REGEX")]
    pub guard_topic_name: Option<NamePattern>,

    /// Least replication factor of a new topic
    #[arg(
        long,
        env = "GUARD_MIN_REPLICATION_FACTOR",
        default_value_t = 1,
        value_parser = clap::value_parser!(i32).range(1..=i64::from(MAX_REPLICATION_FACTOR))
    )]
    pub guard_min_replication_factor: i32,

    /// Whether min.insync.replicas must be below the replication factor, so that one broker can be down
    #[arg(
        long,
        env = "GUARD_MIN_ISR_BELOW_REPLICATION",
        default_value_t = false,
        action = clap::ArgAction::Set
    )]
    pub guard_min_isr_below_replication: bool,

    /// Most partitions of one topic
    #[arg(
        long,
        env = "GUARD_MAX_TOPIC_PARTITIONS",
        default_value_t = MAX_PARTITIONS,
        value_parser = clap::value_parser!(i32).range(1..=i64::from(MAX_PARTITIONS))
    )]
    pub guard_max_topic_partitions: i32,

    /// Most partitions of all topics together, internal ones included
    #[arg(long, env = "GUARD_MAX_CLUSTER_PARTITIONS", value_name = "COUNT")]
    pub guard_max_cluster_partitions: Option<u64>,

    /// Settings that every new topic must name, such as retention.ms,cleanup.policy=delete
    #[arg(
        long,
        env = "GUARD_REQUIRED_CONFIGS",
        value_name = "NAMES",
        value_delimiter = ','
    )]
    pub guard_required_configs: Vec<RequiredConfig>,

    /// Topics that are not deleted by this service, such as billing-*,orders; the audit log never is
    #[arg(
        long,
        env = "GUARD_PROTECTED_TOPICS",
        value_name = "NAMES",
        value_delimiter = ','
    )]
    pub guard_protected_topics: Vec<Protected>,

    /// The topic that the service keeps its audit in; a setting of its own, `AUDIT_TOPIC`
    #[arg(skip)]
    pub audit_topic: Option<String>,
}

impl GuardSettings {
    /// Whether a judgement depends on the cluster around a topic.
    #[must_use]
    pub fn looks_around(&self) -> bool {
        self.guard_min_isr_below_replication || self.guard_max_cluster_partitions.is_some()
    }

    /// Whether `name` is an audit log.
    #[must_use]
    pub fn is_audit_log(&self, name: &str) -> bool {
        name == AUDIT_LOG || self.audit_topic.as_deref() == Some(name)
    }

    /// What protects `name` and its records from deletion, if something does.
    #[must_use]
    pub fn protection(&self, name: &str) -> Option<&str> {
        if self.is_audit_log(name) {
            return Some("its being the audit log");
        }
        let patterns = self.guard_protected_topics.iter();
        let mut covering = patterns.filter(|protected| protected.covers(name));
        covering.next().map(Protected::as_str)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct OnlyGuard {
        #[command(flatten)]
        guard: GuardSettings,
    }

    #[test]
    fn the_audit_log_is_protected_by_its_configured_name_and_by_its_usual_one() {
        let mut guard = OnlyGuard::parse_from(["test", "--guard-protected-topics=b*"]).guard;
        assert!(guard.is_audit_log("audit-logs") && !guard.is_audit_log("who-did-what"));
        guard.audit_topic = Some("who-did-what".to_owned());
        for name in ["audit-logs", "who-did-what"] {
            assert!(guard.is_audit_log(name), "{name}");
            assert!(guard.protection(name).is_some(), "{name}");
        }
        assert_eq!(guard.protection("billing"), Some("b*"));
        assert_eq!(guard.protection("orders"), None);
    }
}
