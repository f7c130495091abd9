//! The guard rails as settings. Without any, everything that Kafka takes is taken.

use super::{NamePattern, Protected, RequiredConfig};
use crate::topic::{MAX_PARTITIONS, MAX_REPLICATION_FACTOR};

/// The topic that tells who did what; nobody writes to it or deletes from it through this service.
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

    /// Topics that are not deleted by this service, such as audit-logs,billing-*
    #[arg(
        long,
        env = "GUARD_PROTECTED_TOPICS",
        value_name = "NAMES",
        value_delimiter = ','
    )]
    pub guard_protected_topics: Vec<Protected>,
}

impl GuardSettings {
    /// Whether a judgement depends on the cluster around a topic.
    #[must_use]
    pub fn looks_around(&self) -> bool {
        self.guard_min_isr_below_replication || self.guard_max_cluster_partitions.is_some()
    }

    /// Whether `name` is the audit log.
    #[must_use]
    pub fn is_audit_log(&self, name: &str) -> bool {
        name == AUDIT_LOG
    }

    /// What protects the records of `name` from deletion, if something does.
    #[must_use]
    pub fn record_protection(&self, name: &str) -> Option<&str> {
        let pattern = self.protection(name).map(Protected::as_str);
        pattern.or(self.is_audit_log(name).then_some(AUDIT_LOG))
    }

    /// The pattern that protects `name` from deletion, if one does.
    #[must_use]
    pub fn protection(&self, name: &str) -> Option<&Protected> {
        self.guard_protected_topics
            .iter()
            .find(|protected| protected.covers(name))
    }
}
