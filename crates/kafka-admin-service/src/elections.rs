//! Giving partitions back to their preferred leaders, and looking whether they took over.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_cluster::{ClusterMetadata, KafkaCluster, KafkaError, TopicPartition, codes};
use serde::Serialize;
use tracing::info;
use utoipa::ToSchema;

use crate::any_broker;
use crate::time_limits;

/// Pause between two looks at who leads.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// What an election did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Elections {
    /// True: nothing was changed, this is what would be.
    #[schema(example = false)]
    pub validate_only: bool,
    /// Partitions that their preferred leader leads already.
    #[schema(example = 10)]
    pub already_preferred: usize,
    /// The others.
    pub partitions: Vec<Election>,
}

/// One partition that another broker led.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Election {
    /// Topic.
    #[schema(example = "log-events")]
    pub topic: String,
    /// Partition.
    #[schema(example = 0)]
    pub partition: i32,
    /// Its first replica.
    #[schema(example = 1)]
    pub preferred_leader: i32,
    /// Who led it before; null while it was offline.
    #[schema(example = 2)]
    pub old_leader: Option<i32>,
    /// Who leads it now, or would.
    #[schema(example = 1)]
    pub new_leader: Option<i32>,
    /// `planned`; `elected`, as metadata shows; `not_in_sync`: the preferred leader is down or behind;
    /// `failed`.
    #[schema(value_type = String, example = "elected")]
    pub outcome: &'static str,
    /// Why it failed; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What electing preferred leaders would do, of one topic or all.
#[must_use]
pub fn plan(metadata: &ClusterMetadata, topic: Option<&str>) -> Elections {
    let mut elections = Elections {
        validate_only: true,
        already_preferred: 0,
        partitions: Vec::new(),
    };
    let wanted = |name: &str| topic.is_none_or(|topic| topic == name);
    for topic in metadata.topics.iter().filter(|topic| wanted(&topic.name)) {
        for partition in &topic.partitions {
            let Some(&preferred_leader) = partition.replicas.first() else {
                continue;
            };
            if partition.leader == Some(preferred_leader) {
                elections.already_preferred += 1;
                continue;
            }
            let in_sync = partition.in_sync_replicas.contains(&preferred_leader);
            elections.partitions.push(Election {
                topic: topic.name.clone(),
                partition: partition.id,
                preferred_leader,
                old_leader: partition.leader,
                new_leader: if in_sync {
                    Some(preferred_leader)
                } else {
                    partition.leader
                },
                outcome: if in_sync { "planned" } else { "not_in_sync" },
                reason: None,
            });
        }
    }
    elections
}

/// Elects what is planned, and looks until the new leaders show, up to
/// [`SETTLE`](time_limits::SETTLE).
///
/// # Errors
/// Nothing was answered at all.
pub async fn carry_out(
    cluster: &KafkaCluster,
    mut elections: Elections,
) -> Result<Elections, KafkaError> {
    elections.validate_only = false;
    let planned: Vec<TopicPartition> = elections
        .partitions
        .iter()
        .filter(|election| election.outcome == "planned")
        .map(Election::key)
        .collect();
    if planned.is_empty() {
        return Ok(elections);
    }
    let answers = cluster
        .elect_preferred_leaders(&planned, time_limits::WRITE)
        .await?;
    for election in &mut elections.partitions {
        match answers.get(&election.key()) {
            Some(Err(error)) if error.code != codes::ELECTION_NOT_NEEDED => {
                election.outcome = "failed";
                election.reason = Some(error.to_string());
            }
            _ => {}
        }
    }
    confirm(cluster, &mut elections).await;
    let elected = elections.partitions.iter();
    let elected = elected.filter(|e| e.outcome == "elected").count();
    info!(asked = planned.len(), elected, "preferred leaders elected");
    Ok(elections)
}

async fn confirm(cluster: &KafkaCluster, elections: &mut Elections) {
    let end = tokio::time::Instant::now() + time_limits::SETTLE;
    loop {
        let leaders = match any_broker::metadata(cluster).await {
            Ok(metadata) => leaders(&metadata),
            Err(_) => BTreeMap::new(),
        };
        let mut waiting = false;
        let late = tokio::time::Instant::now() + LOOK_PAUSE >= end;
        for election in &mut elections.partitions {
            if election.outcome != "planned" {
                continue;
            }
            let leader = leaders.get(&election.key()).copied().flatten();
            if leader == Some(election.preferred_leader) {
                election.outcome = "elected";
            } else if late {
                election.outcome = "failed";
                election.new_leader = leader;
                election.reason = Some("the new leader did not show in time".to_owned());
            } else {
                waiting = true;
            }
        }
        if !waiting {
            return;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

fn leaders(metadata: &ClusterMetadata) -> BTreeMap<TopicPartition, Option<i32>> {
    let topics = metadata.topics.iter();
    topics
        .flat_map(|topic| {
            topic.partitions.iter().map(|partition| {
                let key = TopicPartition::new(&topic.name, partition.id);
                (key, partition.leader)
            })
        })
        .collect()
}

impl Election {
    fn key(&self) -> TopicPartition {
        TopicPartition::new(&self.topic, self.partition)
    }
}

impl Elections {
    /// Whether all that could be elected was.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.partitions.iter().all(|e| e.outcome != "failed")
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::{PartitionMetadata, TopicMetadata};

    use super::*;

    fn metadata() -> ClusterMetadata {
        let partition = |id, leader, in_sync: &[i32]| PartitionMetadata {
            id,
            leader,
            replicas: vec![1, 2],
            in_sync_replicas: in_sync.to_vec(),
        };
        let topic = |name: &str| TopicMetadata {
            name: name.to_owned(),
            internal: false,
            partitions: vec![
                partition(0, Some(1), &[1, 2]),
                partition(1, Some(2), &[1, 2]),
                partition(2, Some(2), &[2]),
            ],
        };
        ClusterMetadata {
            answered_by: 1,
            brokers: Vec::new(),
            topics: vec![topic("a"), topic("b")],
        }
    }

    #[test]
    fn only_partitions_that_another_broker_leads_are_elected_and_only_in_sync_leaders() {
        let plan = plan(&metadata(), Some("a"));
        assert_eq!(plan.already_preferred, 1);
        let told: Vec<_> = plan
            .partitions
            .iter()
            .map(|e| (e.partition, e.outcome, e.new_leader))
            .collect();
        assert_eq!(told, [(1, "planned", Some(1)), (2, "not_in_sync", Some(2))]);
    }

    #[test]
    fn without_a_topic_all_are_meant() {
        assert_eq!(plan(&metadata(), None).partitions.len(), 4);
    }
}
