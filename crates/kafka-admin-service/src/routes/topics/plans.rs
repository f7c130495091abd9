//! What creating or deleting a topic would do.

use kafka_cluster::ConfigSource;
use serde::Serialize;
use service_kit::Answer;
use utoipa::ToSchema;

use crate::any_broker;
use crate::change::{ChangePlan, Cost, FieldChange, Warning};
use crate::guard::{self, Surroundings};
use crate::problems;
use crate::state::AppState;
use crate::surroundings;
use crate::time_limits;
use crate::topic::view::{ConfigView, TopicDetail};
use crate::topic::{self, TopicName, TopicSpec, TopicUse};

/// What guard rails have to know; nothing is asked where nobody needs it.
pub(super) async fn surroundings(
    state: &AppState,
    name: &TopicName,
    needed: bool,
) -> Answer<Surroundings> {
    if !needed && !state.guard.looks_around() {
        return Ok(Surroundings::default());
    }
    let metadata = any_broker::metadata(&state.cluster).await?;
    state.roster.observe(&metadata);
    Ok(surroundings::of(&state.cluster, &metadata, name.as_str()).await)
}

/// What creating `topic` would do.
pub(super) fn of_creation(
    topic: &TopicSpec,
    warnings: Vec<Warning>,
    around: Surroundings,
) -> ChangePlan {
    let new = |field: String, value: String| FieldChange::new(field, None, Some(value));
    let mut changes = vec![
        new("partitions".to_owned(), topic.partitions.get().to_string()),
        new(
            "replicationFactor".to_owned(),
            topic.replication_factor.get().to_string(),
        ),
    ];
    let configs = topic.configs.iter();
    changes.extend(configs.map(|(name, value)| new(format!("configs.{name}"), value.clone())));
    ChangePlan {
        validate_only: true,
        action: "create_topic",
        topic_name: topic.name.to_string(),
        changes,
        warnings,
        cost: guard::cost(topic, around),
    }
}

/// What deleting a topic would do, and who would notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionPlan {
    /// What would change.
    #[serde(flatten)]
    pub plan: ChangePlan,
    /// Who uses the topic, and what is in it.
    pub topic_use: TopicUse,
}

/// What deleting the topic `name` would do.
pub(super) async fn of_deletion(state: &AppState, name: &TopicName) -> Answer<DeletionPlan> {
    let metadata = any_broker::topic(&state.cluster, name.as_str())
        .await
        .map_err(|error| problems::of_read(error, name))?;
    let (detail, topic_use) = tokio::join!(
        topic::describe(&state.cluster, &metadata, time_limits::DETAIL),
        TopicUse::of(&state.cluster, &metadata),
    );
    let topic_use = topic_use?;
    let mut warnings = vec![records_lost(topic_use.record_count)];
    warnings.extend(use_warning(&topic_use));
    Ok(DeletionPlan {
        plan: ChangePlan {
            validate_only: true,
            action: "delete_topic",
            topic_name: name.to_string(),
            changes: losses(&detail),
            warnings,
            cost: Cost::none(),
        },
        topic_use,
    })
}

/// Each field of a topic, and what it has of its own.
fn losses(detail: &TopicDetail) -> Vec<FieldChange> {
    let gone = |field: String, value: Option<String>| FieldChange::new(field, value, None);
    let mut changes = vec![
        gone(
            "partitions".to_owned(),
            Some(detail.partition_count.to_string()),
        ),
        gone(
            "replicationFactor".to_owned(),
            Some(detail.replication_factor.to_string()),
        ),
    ];
    let own = |config: &&ConfigView| config.source == ConfigSource::DynamicTopicConfig;
    let configs = detail.configs.iter().flatten().filter(own);
    changes.extend(
        configs.map(|config| gone(format!("configs.{}", config.name), config.value.clone())),
    );
    changes
}

/// Why the deletion itself would be refused.
fn use_warning(topic_use: &TopicUse) -> Option<Warning> {
    if topic_use.has_live_members() {
        let message = "groups with live members read it: it would be refused without force=true";
        return Some(Warning::new("topic_in_use", message));
    }
    topic_use.is_unknown().then(|| {
        let message = "who reads it is not known, since a broker does not say: it would be refused without \
                       force=true";
        Warning::new("topic_use_unknown", message)
    })
}

fn records_lost(count: Option<i64>) -> Warning {
    let message = match count {
        Some(0) => "it holds no records".to_owned(),
        Some(count) => format!("up to {count} records are lost; nothing brings them back"),
        None => "its records are lost; how many could not be found out".to_owned(),
    };
    Warning::new("records_lost", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::declared::Document;
    use crate::topic::TopicReader;

    #[test]
    fn a_deletion_that_would_be_refused_is_warned_of() {
        let warned = |members: Option<usize>, silent: &[i32]| {
            let topic_use = TopicUse {
                groups: vec![TopicReader {
                    group_id: "g".to_owned(),
                    members,
                    lag: 0,
                }],
                record_count: None,
                last_write_time: None,
                brokers_silent: silent.to_vec(),
            };
            use_warning(&topic_use).map(|warning| warning.code)
        };
        assert_eq!(warned(Some(0), &[]), None);
        assert_eq!(warned(Some(1), &[2]), Some("topic_in_use"));
        assert_eq!(warned(Some(0), &[2]), Some("topic_use_unknown"));
        assert_eq!(warned(None, &[]), Some("topic_use_unknown"));
    }

    #[test]
    fn a_creation_is_each_field_from_nothing_with_its_cost() {
        let text = "topics:\n  - {name: a, partitions: 2, replicationFactor: 3, \
                    configs: {retention.bytes: 100}}\n";
        let topic = Document::parse(text).unwrap().topics.remove(0);
        let plan = of_creation(&topic, Vec::new(), Surroundings::default());
        assert_eq!(
            serde_json::to_value(plan).unwrap(),
            json!({
                "validateOnly": true, "action": "create_topic", "topicName": "a",
                "changes": [
                    {"field": "partitions", "before": null, "after": "2"},
                    {"field": "replicationFactor", "before": null, "after": "3"},
                    {"field": "configs.retention.bytes", "before": null, "after": "100"},
                ],
                "warnings": [],
                "cost": {"partitions": 2, "replicas": 6, "worstCaseDiskBytes": 600},
            })
        );
    }
}
