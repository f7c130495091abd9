//! Which topics a run may write to, asked before anything is sent.

use std::time::Duration;

use axum::http::StatusCode;
use kafka_cluster::{
    ErrorKind, KafkaCluster, KafkaError, PartitionMetadata, TopicMetadata, is_internal_topic,
};
use service_kit::{Answer, Problem};

use crate::plan::{Keys, Plan};

/// All questions to Kafka before a run: with every broker down the caller knows after this time.
const DEADLINE: Duration = Duration::from_secs(3);

/// Refuses topics that load must not be produced into, whatever state they are in.
///
/// # Errors
/// 403: Kafka's own topics, and those protected by a setting (audit logs).
pub fn check_name(topic: &str, protected: &[String]) -> Answer<()> {
    let forbidden = |detail: String| Problem::new(StatusCode::FORBIDDEN, "forbidden", detail);
    if is_internal_topic(topic) || topic.starts_with("__") {
        return Err(forbidden(format!("topic {topic:?} is Kafka's own")));
    }
    if protected.iter().any(|name| name == topic) {
        return Err(forbidden(format!(
            "topic {topic:?} is protected: no load is produced into it"
        )));
    }
    Ok(())
}

/// The partitions of the plan's topic, as Kafka knows them now; at least one has a leader.
///
/// # Errors
/// 404 where there is no such topic; 422 for a compacted one, where records without keys are refused
/// and those of the same key do not stay; 503 where Kafka did not answer within 3 s, or no partition
/// has a leader.
pub async fn partitions(cluster: &KafkaCluster, plan: &Plan) -> Answer<Vec<PartitionMetadata>> {
    let topic = plan.topic.as_str();
    let checks = async {
        let metadata = cluster
            .topic(topic, DEADLINE)
            .await
            .map_err(|error| match error.kind {
                ErrorKind::NotFound => not_found(topic),
                _ => not_asked(error),
            })?;
        if let Some(why_not) = no_use_of_compaction(plan)
            && is_compacted(cluster, topic).await?
        {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "compacted_topic",
                format!("topic {topic:?} is compacted: {why_not}"),
            ));
        }
        with_a_leader(metadata)
    };
    tokio::time::timeout(DEADLINE, checks)
        .await
        .unwrap_or_else(|_| {
            Err(Problem::unavailable(
                "kafka_unreachable",
                format!(
                    "Kafka did not answer for topic {topic:?} within {} s",
                    DEADLINE.as_secs()
                ),
            ))
        })
}

fn not_found(topic: &str) -> Problem {
    let mut problem = Problem::not_found("topic_not_found", format!("topic {topic:?} not found"));
    problem.kafka_error = Some("UNKNOWN_TOPIC_OR_PARTITION".to_owned());
    problem
}

/// Nothing was sent, so that no answer means the same as no connection: try again later.
fn not_asked(error: KafkaError) -> Problem {
    let kind = error.kind;
    let problem = Problem::from(error);
    match kind {
        ErrorKind::TimedOut => {
            let mut unreachable = Problem::unavailable("kafka_unreachable", problem.detail.clone());
            unreachable.kafka_error.clone_from(&problem.kafka_error);
            unreachable
        }
        _ => problem,
    }
}

/// Where the settings may not be read, or a broker that has just started does not know the topic yet,
/// the answer is left to Kafka: it refuses each such record.
async fn is_compacted(cluster: &KafkaCluster, topic: &str) -> Answer<bool> {
    let answer = cluster.topic_configs(&[topic], DEADLINE).await;
    let settings = match answer.map(|mut topics| topics.pop()) {
        Ok(Some(Ok(settings))) => settings,
        Ok(None) => return Ok(false),
        Ok(Some(Err(error))) | Err(error)
            if matches!(error.kind, ErrorKind::Denied | ErrorKind::NotFound) =>
        {
            tracing::debug!(%error, topic, "whether the topic is compacted is not known");
            return Ok(false);
        }
        Ok(Some(Err(error))) | Err(error) => return Err(not_asked(error)),
    };
    Ok(settings
        .iter()
        .filter(|setting| setting.name == "cleanup.policy")
        .filter_map(|setting| setting.value.as_deref())
        .any(|policy| policy.split(',').any(|word| word.trim() == "compact")))
}

/// Why a plan cannot go to a compacted topic; `None` where it can.
fn no_use_of_compaction(plan: &Plan) -> Option<&'static str> {
    match plan.keys {
        Keys::None => Some("it takes no records without keys; give keys=unique"),
        Keys::Service if plan.verify => Some(
            "it keeps one record of each service, and the others would count as lost; give keys=unique",
        ),
        Keys::Service | Keys::Unique => None,
    }
}

fn with_a_leader(metadata: TopicMetadata) -> Answer<Vec<PartitionMetadata>> {
    if metadata
        .partitions
        .iter()
        .all(|partition| partition.leader.is_none())
    {
        return Err(Problem::unavailable(
            "no_leader",
            format!("no partition of topic {:?} has a leader", metadata.name),
        ));
    }
    Ok(metadata.partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafkas_own_topics_and_protected_ones_are_refused() {
        let protected = ["audit-logs".to_owned()];
        for topic in ["__consumer_offsets", "__anything", "audit-logs"] {
            let problem = check_name(topic, &protected).unwrap_err();
            assert_eq!(
                (problem.status, problem.code),
                (StatusCode::FORBIDDEN, "forbidden")
            );
        }
        assert!(check_name("log-events", &protected).is_ok());
    }

    #[test]
    fn a_topic_without_any_leader_cannot_be_written() {
        let partition = |leader| PartitionMetadata {
            id: 0,
            leader,
            replicas: vec![1],
            in_sync_replicas: Vec::new(),
        };
        let topic = |partitions| TopicMetadata {
            name: "log-events".to_owned(),
            internal: false,
            partitions,
        };
        let problem = with_a_leader(topic(vec![partition(None)])).unwrap_err();
        assert_eq!(problem.code, "no_leader");
        let all = vec![partition(None), partition(Some(2))];
        assert_eq!(with_a_leader(topic(all.clone())).unwrap(), all);
    }

    #[test]
    fn compaction_leaves_only_what_is_keyed_by_itself() {
        let of = |keys, verify| {
            let mut plan = Plan::new(1, "audit");
            plan.keys = keys;
            plan.verify = verify;
            no_use_of_compaction(&plan).is_some()
        };
        assert!(of(Keys::None, false) && of(Keys::Service, true));
        assert!(!of(Keys::Service, false) && !of(Keys::Unique, true));
    }
}
