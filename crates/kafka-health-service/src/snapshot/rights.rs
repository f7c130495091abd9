//! What this service may look at. Kafka leaves out of its lists what a principal may not see, without
//! a word; only where it is asked by name it says so.

use std::collections::BTreeMap;

/// A right that watching takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Without it topics are missing from metadata.
    DescribeTopics,
    /// Without it `min.insync.replicas` is not known.
    DescribeTopicConfigs,
    /// Without it groups are missing from the list.
    DescribeGroups,
    /// Without it a broker answers a probe with a refusal, and its rack is not known.
    DescribeBrokerConfigs,
}

/// How Kafka answered when it was asked by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// The rights that are missing, each with Kafka's words.
    pub missing: BTreeMap<Right, String>,
    /// Topics that metadata had at that time: fewer may mean that a right is gone.
    pub topics: usize,
    /// Groups that were listed at that time.
    pub groups: usize,
}

impl Right {
    /// The operation and its resources, in Kafka's words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DescribeTopics => "Describe topics",
            Self::DescribeTopicConfigs => "DescribeConfigs of topics",
            Self::DescribeGroups => "Describe groups",
            Self::DescribeBrokerConfigs => "DescribeConfigs of the cluster",
        }
    }
}
