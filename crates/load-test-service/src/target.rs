//! Which topics a run may write to, asked before anything is sent.

use std::time::Duration;

use axum::http::StatusCode;
use kafka_cluster::{
    ErrorKind, KafkaCluster, KafkaError, PartitionMetadata, TopicMetadata, is_internal_topic,
};
use service_kit::{Answer, Problem};

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

/// The partitions of a topic that can take a run, as Kafka knows them now.
///
/// # Errors
/// 404 where there is no such topic; 422 for a compacted one, since records without keys are refused
/// there; 503 where Kafka did not answer within 3 s, or no partition has a leader.
pub async fn writable_partitions(
    cluster: &KafkaCluster,
    topic: &str,
) -> Answer<Vec<PartitionMetadata>> {
    let checks = async {
        let metadata = cluster
            .topic(topic, DEADLINE)
            .await
            .map_err(|error| match error.kind {
                ErrorKind::NotFound => not_found(topic),
                _ => not_asked(error),
            })?;
        if is_compacted(cluster, topic).await? {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "compacted_topic",
                format!("topic {topic:?} is compacted: it takes no records without keys"),
            ));
        }
        with_leaders(metadata)
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

fn with_leaders(metadata: TopicMetadata) -> Answer<Vec<PartitionMetadata>> {
    let partitions: Vec<_> = metadata
        .partitions
        .into_iter()
        .filter(|partition| partition.leader.is_some())
        .collect();
    if partitions.is_empty() {
        return Err(Problem::unavailable(
            "no_leader",
            format!("no partition of topic {:?} has a leader", metadata.name),
        ));
    }
    Ok(partitions)
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
        let problem = with_leaders(topic(vec![partition(None)])).unwrap_err();
        assert_eq!(problem.code, "no_leader");
        let writable = with_leaders(topic(vec![partition(None), partition(Some(2))])).unwrap();
        assert_eq!(writable, [partition(Some(2))]);
    }
}
