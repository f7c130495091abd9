//! Giving partitions back to their preferred leaders, and looking whether they took over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafka_cluster::{ClusterMetadata, ErrorKind, KafkaCluster, KafkaError, TopicPartition, codes};
use serde::Serialize;
use tracing::info;
use utoipa::ToSchema;

use crate::any_broker;
use crate::time_limits::{self, Deadline};
use crate::topic::TopicName;

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
    /// `failed`; `unknown`: it was sent, and does not show.
    #[schema(value_type = String, example = "elected")]
    pub outcome: &'static str,
    /// Why it failed or is unknown; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The call that tells what became of it, where that is unknown; absent otherwise.
    #[schema(example = "GET /api/topics/log-events")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
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
                check: None,
            });
        }
    }
    elections
}

/// Elects what is planned, and looks until the new leaders show. Ends by `deadline`. What lost its
/// answer is settled by looking; what does not show then is unknown.
///
/// # Errors
/// As Kafka answers, where nothing was elected.
pub async fn carry_out(
    cluster: &KafkaCluster,
    mut elections: Elections,
    deadline: Deadline,
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
    let limit = deadline
        .earlier_by(time_limits::LOOK)
        .at_most(time_limits::WRITE);
    let answers = match cluster.elect_preferred_leaders(&planned, limit).await {
        Ok(answers) => answers,
        Err(error) if error.kind == ErrorKind::OutcomeUnknown => BTreeMap::new(),
        Err(error) => return Err(error),
    };
    for election in &mut elections.partitions {
        if let Some(Err(error)) = answers.get(&election.key()) {
            election.refused(error);
        }
    }
    confirm(cluster, &mut elections, deadline).await;
    let elected = elections.partitions.iter();
    let elected = elected.filter(|e| e.outcome == "elected").count();
    info!(asked = planned.len(), elected, "preferred leaders elected");
    Ok(elections)
}

async fn confirm(cluster: &KafkaCluster, elections: &mut Elections, deadline: Deadline) {
    let end = tokio::time::Instant::now() + deadline.at_most(time_limits::SETTLE);
    loop {
        let leaders = match any_broker::metadata(cluster).await {
            Ok(metadata) => leaders(&metadata),
            Err(_) => BTreeMap::new(),
        };
        let late = tokio::time::Instant::now() + LOOK_PAUSE >= end;
        let open = elections.partitions.iter_mut();
        for election in open.filter(|election| election.outcome == "planned") {
            let leader = leaders.get(&election.key()).copied().flatten();
            election.seen(leader, late);
        }
        let mut outcomes = elections.partitions.iter().map(|e| e.outcome);
        if !outcomes.any(|outcome| outcome == "planned") {
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

    /// Takes note of what the controller said against it; one that lost its answer is looked for.
    fn refused(&mut self, error: &KafkaError) {
        let open = error.code == codes::ELECTION_NOT_NEEDED;
        if !open && error.kind != ErrorKind::OutcomeUnknown {
            self.outcome = "failed";
            self.reason = Some(error.to_string());
            self.new_leader = self.old_leader;
        }
    }

    /// Takes note of who leads by now; who does not when it is `late` may still.
    fn seen(&mut self, leader: Option<i32>, late: bool) {
        if leader == Some(self.preferred_leader) {
            self.outcome = "elected";
        } else if late {
            self.outcome = "unknown";
            self.new_leader = leader;
            self.reason = Some("the new leader did not show in time".to_owned());
            self.check = Some(format!("GET /api/topics/{}", self.topic));
        }
    }
}

impl Elections {
    /// Whether all that could be elected was.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let mut outcomes = self.partitions.iter().map(|election| election.outcome);
        outcomes.all(|outcome| !matches!(outcome, "failed" | "unknown"))
    }

    /// The topics that would be written to.
    #[must_use]
    pub fn topics(&self) -> BTreeSet<TopicName> {
        let planned = self.partitions.iter().filter(|e| e.outcome == "planned");
        planned
            .filter_map(|election| TopicName::parse(&election.topic).ok())
            .collect()
    }

    /// Leaves out what is planned for other topics than `topics`.
    pub fn keep_to(&mut self, topics: &BTreeSet<TopicName>) {
        let kept = |name: &str| topics.iter().any(|topic| topic.as_str() == name);
        self.partitions
            .retain(|election| election.outcome != "planned" || kept(&election.topic));
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

    #[test]
    fn only_topics_whose_turn_it_is_are_written_to() {
        let mut both = plan(&metadata(), None);
        let names: Vec<_> = both.topics().into_iter().collect();
        assert_eq!(names.len(), 2);
        both.keep_to(&names.into_iter().take(1).collect());
        let left: Vec<_> = both.topics().into_iter().collect();
        assert_eq!(left[0].as_str(), "a");
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn a_leader_that_does_not_show_is_unknown_with_the_call_that_tells() {
        let mut elections = plan(&metadata(), Some("a"));
        let election = &mut elections.partitions[0];
        let error = |code| KafkaError::of_write("ElectLeaders", code, "");
        election.refused(&error(codes::REQUEST_TIMED_OUT));
        election.seen(Some(2), false);
        assert_eq!(election.outcome, "planned", "it is still looked for");
        election.seen(Some(2), true);
        assert_eq!(election.outcome, "unknown");
        assert_eq!(election.check.as_deref(), Some("GET /api/topics/a"));
        assert!(!elections.is_complete());
    }

    #[test]
    fn a_lost_answer_does_not_matter_once_the_leader_shows() {
        let mut elections = plan(&metadata(), Some("a"));
        elections.partitions[0].seen(Some(1), true);
        assert_eq!(elections.partitions[0].outcome, "elected");
        assert!(elections.is_complete());
    }
}
