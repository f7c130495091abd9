//! What a caller sends about a topic, read into types that cannot be wrong.

use std::collections::BTreeMap;

use serde_json::Value;
use service_kit::{FieldProblem, FieldValue, Fields, FromFields};
use utoipa::{IntoParams, ToSchema};

use crate::state::TopicDefaults;
use crate::topic::{
    MAX_PARTITIONS, MAX_REPLICATION_FACTOR, PartitionCount, ReplicationFactor, TopicName, TopicSpec,
};

/// Topics on one page at most; without a limit there is no page.
const LARGEST_PAGE: usize = 10_000;

impl FieldValue for TopicName {
    fn from_text(text: &str) -> Result<Self, FieldProblem> {
        Self::parse(text).map_err(|error| FieldProblem::new(error.code(), error.to_string()))
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        match value.as_str() {
            Some(text) => Self::from_text(text),
            None => Err(FieldProblem::new("wrong_type", "must be a text")),
        }
    }
}

/// Which topics are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListTopics {
    pub search: Option<String>,
    pub after: Option<String>,
    pub limit: Option<usize>,
}

impl FromFields for ListTopics {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let search = fields.optional("search");
        let after = fields.optional("cursor");
        let limit = fields.optional_in("limit", 1..=LARGEST_PAGE);
        Some(Self {
            search: search?,
            after: after?,
            limit: limit?,
        })
    }
}

/// How [`ListTopics`] shows in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct ListTopicsQuery {
    /// Only topics whose name contains this.
    #[param(example = "log")]
    search: Option<String>,
    /// `nextCursor` of the page before.
    #[param(example = "log-events")]
    cursor: Option<String>,
    /// Most topics in the answer; all when not given.
    #[param(example = 100, minimum = 1, maximum = 10_000)]
    limit: Option<u32>,
}

/// A topic to be made, as far as the caller said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTopic {
    name: TopicName,
    partitions: Option<PartitionCount>,
    replication_factor: Option<ReplicationFactor>,
    configs: BTreeMap<String, String>,
    /// Only say what would be done.
    pub validate_only: bool,
}

impl CreateTopic {
    /// The topic with what was left open filled in.
    pub fn into_spec(self, defaults: TopicDefaults) -> TopicSpec {
        TopicSpec {
            name: self.name,
            partitions: self.partitions.unwrap_or(defaults.partitions),
            replication_factor: self
                .replication_factor
                .unwrap_or(defaults.replication_factor),
            configs: self.configs,
        }
    }
}

impl FromFields for CreateTopic {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("topicName");
        let partitions = fields.optional_in("partitions", 1..=MAX_PARTITIONS);
        let replication_factor =
            fields.optional_in("replicationFactor", 1..=MAX_REPLICATION_FACTOR);
        let configs = fields.with_default("configs", BTreeMap::new());
        let validate_only = fields.with_default("validateOnly", false);
        Some(Self {
            name: name?,
            partitions: partitions?.and_then(|count| PartitionCount::new(count.into()).ok()),
            replication_factor: replication_factor?
                .and_then(|factor| ReplicationFactor::new(factor.into()).ok()),
            configs: configs?,
            validate_only: validate_only?,
        })
    }
}

/// How [`CreateTopic`] shows in the OpenAPI document as query parameters.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct CreateTopicQuery {
    /// 1 to 249 of `a-z A-Z 0-9 . _ -`, neither `.` nor `..`, not beginning with `__`. Required, here
    /// or in the body.
    #[param(
        example = "orders",
        min_length = 1,
        max_length = 249,
        pattern = "^[a-zA-Z0-9._-]+$"
    )]
    topic_name: Option<String>,
    /// Number of partitions; by default the setting DEFAULT_PARTITIONS, 12.
    #[param(example = 12, minimum = 1, maximum = 100_000)]
    partitions: Option<i32>,
    /// Copies of each partition; by default the setting DEFAULT_REPLICATION_FACTOR, 3.
    #[param(example = 3, minimum = 1, maximum = 32_767)]
    replication_factor: Option<i32>,
    /// Only answer with the plan; nothing is made.
    #[param(example = false)]
    validate_only: Option<bool>,
}

/// A topic to be made, as a JSON body instead of query parameters.
#[derive(ToSchema)]
#[schema(as = CreateTopic, rename_all = "camelCase", example = json!({
    "topicName": "orders", "partitions": 12, "replicationFactor": 3,
    "configs": {"retention.ms": "604800000", "min.insync.replicas": "2"}
}))]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct CreateTopicBody {
    /// 1 to 249 of `a-z A-Z 0-9 . _ -`, neither `.` nor `..`, not beginning with `__`.
    #[schema(min_length = 1, max_length = 249, pattern = "^[a-zA-Z0-9._-]+$")]
    topic_name: String,
    /// Number of partitions; by default the setting DEFAULT_PARTITIONS, 12.
    #[schema(minimum = 1, maximum = 100_000)]
    partitions: Option<i32>,
    /// Copies of each partition; by default the setting DEFAULT_REPLICATION_FACTOR, 3.
    #[schema(minimum = 1, maximum = 32_767)]
    replication_factor: Option<i32>,
    /// Topic settings by Kafka's names. Numbers and booleans are taken as their text.
    configs: Option<BTreeMap<String, String>>,
    /// Only answer with the plan; nothing is made.
    validate_only: Option<bool>,
}

/// What a caller says about a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteTopic {
    /// Only say what would be done.
    pub validate_only: bool,
    /// Whether to do it although it is in use; takes a reason.
    pub force: bool,
}

impl FromFields for DeleteTopic {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let validate_only = fields.with_default("validateOnly", false);
        let force = fields.with_default("force", false);
        Some(Self {
            validate_only: validate_only?,
            force: force?,
        })
    }
}

/// How [`DeleteTopic`] shows in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct DeleteTopicQuery {
    /// Only answer with the plan; nothing is deleted.
    #[param(example = false)]
    validate_only: Option<bool>,
    /// Delete it although groups with live members read it; takes a `reason`.
    #[param(example = false)]
    force: Option<bool>,
}
