//! What creating or deleting a topic would do.

use kafka_cluster::ConfigSource;
use service_kit::Answer;

use crate::any_broker;
use crate::change::{ChangePlan, Cost, FieldChange, Warning};
use crate::guard::{self, Surroundings};
use crate::problems;
use crate::state::AppState;
use crate::surroundings;
use crate::time_limits;
use crate::topic::view::{ConfigView, TopicDetail};
use crate::topic::{self, TopicName, TopicSpec};

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

/// What deleting the topic `name` would do.
pub(super) async fn of_deletion(state: &AppState, name: &TopicName) -> Answer<ChangePlan> {
    let metadata = any_broker::topic(&state.cluster, name.as_str())
        .await
        .map_err(|error| problems::of_read(error, name))?;
    let detail = topic::describe(&state.cluster, &metadata, time_limits::DETAIL).await;
    Ok(ChangePlan {
        validate_only: true,
        action: "delete_topic",
        topic_name: name.to_string(),
        changes: losses(&detail),
        warnings: vec![records_lost(&detail)],
        cost: Cost::none(),
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

fn records_lost(detail: &TopicDetail) -> Warning {
    let message = match record_count(detail) {
        Some(0) => "it holds no records".to_owned(),
        Some(count) => format!("up to {count} records are lost; nothing brings them back"),
        None => "its records are lost; how many could not be found out".to_owned(),
    };
    Warning::new("records_lost", message)
}

/// Offsets between the ends of all partitions: records, and what compaction or transactions left of
/// them. `None` when an end is not known.
fn record_count(detail: &TopicDetail) -> Option<i64> {
    let partitions = detail.partitions.iter();
    partitions
        .map(|partition| Some(partition.latest_offset? - partition.earliest_offset?))
        .sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::declared::Document;

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
