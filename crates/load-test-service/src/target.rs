//! The topic of a run: whether it may be written to, and whether the disks hold what is written. Asked
//! before anything is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use kafka_cluster::{
    ErrorKind, KafkaCluster, KafkaError, LogDirectory, PartitionMetadata, TopicMetadata,
    is_internal_topic,
};
use service_kit::{Answer, Problem};
use tokio::task::JoinSet;

use crate::disk_space::{self, Room, Shortage};
use crate::plan::{Keys, Plan};
use crate::topic_settings::TopicSettings;

/// A question to Kafka before a run.
const DEADLINE: Duration = Duration::from_secs(3);
/// All of them: with every broker down the caller knows after this time. A question that fails ends up to a
/// second after its deadline, with why brokers refuse this service where they do.
const ALL: Duration = Duration::from_secs(4);
/// Each broker's answer about its disks; without it the run goes ahead.
const DISK_DEADLINE: Duration = Duration::from_secs(2);

/// A topic that a run may go to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// Its partitions; at least one has a leader.
    pub partitions: Vec<PartitionMetadata>,
    /// Its settings.
    pub settings: TopicSettings,
    /// What the report should say of it.
    pub notes: Vec<String>,
}

impl Target {
    /// A topic of which nothing but its partitions is known.
    #[must_use]
    pub fn of(partitions: Vec<PartitionMetadata>) -> Self {
        Self {
            partitions,
            ..Self::default()
        }
    }
}

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

/// The plan's topic as Kafka knows it now.
///
/// # Errors
/// 404 where there is no such topic; 422 for a compacted one, where records without keys are refused
/// and those of the same key do not stay, and where the brokers' disks do not hold what the plan
/// writes; 503 where Kafka did not answer within 4 s, or no partition has a leader.
pub async fn examine(cluster: &KafkaCluster, plan: &Plan) -> Answer<Target> {
    let topic = plan.topic.as_str();
    let checks = async {
        let metadata = cluster
            .topic(topic, DEADLINE)
            .await
            .map_err(|error| match error.kind {
                ErrorKind::NotFound => not_found(topic),
                _ => not_asked(error),
            })?;
        let settings = settings(cluster, topic).await?;
        if let Some(why_not) = no_use_of_compaction(plan)
            && settings.compacted
        {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "compacted_topic",
                format!("topic {topic:?} is compacted: {why_not}"),
            ));
        }
        Ok((with_a_leader(metadata)?, settings))
    };
    let (partitions, settings) = tokio::time::timeout(ALL, checks)
        .await
        .unwrap_or_else(|_| {
            Err(Problem::unavailable(
                "kafka_unreachable",
                format!(
                    "Kafka did not answer for topic {topic:?} within {} s",
                    ALL.as_secs()
                ),
            ))
        })?;
    let (directories, unread) = log_directories(cluster, topic, &partitions).await;
    let room = disk_space::judge(plan, &settings, &partitions, &directories);
    Ok(Target {
        notes: notes_on_room(plan, room, &unread)?,
        partitions,
        settings,
    })
}

/// What the report says of the brokers' disks.
fn notes_on_room(plan: &Plan, room: Room, unread: &BTreeMap<i32, String>) -> Answer<Vec<String>> {
    let mut notes = Vec::new();
    match room {
        Room::Enough => {}
        Room::TooLittle(shortage) if plan.force => {
            notes.push(format!(
                "forced onto disks that may not hold it: {}",
                shortage.sum
            ));
        }
        Room::TooLittle(shortage) => return Err(insufficient(plan, &shortage)),
    }
    // Brokers that could not be asked mostly have the same reason: the first stands for all.
    if let Some((broker, reason)) = unread.first_key_value() {
        let all: Vec<String> = unread.keys().map(ToString::to_string).collect();
        notes.push(format!(
            "free disk space of broker {} was not known before the run; of broker {broker}: {reason}",
            all.join(", ")
        ));
    }
    Ok(notes)
}

fn insufficient(plan: &Plan, shortage: &Shortage) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "insufficient_disk_space",
        format!(
            "the brokers' disks do not hold this run to topic {:?}: {}; send less, or run it all the \
             same with force=true",
            plan.topic, shortage.sum
        ),
    )
    .with("neededBytes", shortage.needed_bytes)
    .with("usableBytes", shortage.usable_bytes)
    .with("brokers", shortage.brokers.clone())
}

/// The log directories that keep the topic's replicas, and for which brokers they could not be read.
async fn log_directories(
    cluster: &KafkaCluster,
    topic: &str,
    partitions: &[PartitionMetadata],
) -> (Vec<LogDirectory>, BTreeMap<i32, String>) {
    let mut replicas: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for partition in partitions {
        for broker in &partition.replicas {
            replicas.entry(*broker).or_default().push(partition.id);
        }
    }
    let brokers = match cluster.brokers(DISK_DEADLINE).await {
        Ok(brokers) => brokers,
        Err(error) => {
            let all = replicas.into_keys();
            return (Vec::new(), all.map(|id| (id, error.to_string())).collect());
        }
    };
    let mut unread: BTreeMap<i32, String> = BTreeMap::new();
    let mut questions = JoinSet::new();
    for (id, partitions) in replicas {
        let Some(broker) = brokers.iter().find(|broker| broker.id == id).cloned() else {
            unread.insert(id, "it is not up".to_owned());
            continue;
        };
        let (cluster, topic) = (cluster.clone(), topic.to_owned());
        questions.spawn(async move {
            let asked = cluster.log_directories(&broker, &topic, &partitions, DISK_DEADLINE);
            (id, asked.await)
        });
    }
    let mut directories = Vec::new();
    while let Some(answer) = questions.join_next().await {
        match answer {
            Ok((id, Ok(found))) if found.is_empty() => {
                unread.insert(id, "it does not know it itself".to_owned());
            }
            Ok((_, Ok(found))) => directories.extend(found),
            Ok((id, Err(error))) => {
                unread.insert(id, error.to_string());
            }
            // The question itself panicked, which is in the log.
            Err(_) => {}
        }
    }
    directories.sort_by_key(|directory| directory.broker);
    (directories, unread)
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
/// nothing is known of them: Kafka refuses each record that it does not take.
async fn settings(cluster: &KafkaCluster, topic: &str) -> Answer<TopicSettings> {
    let answer = cluster.topic_configs(&[topic], DEADLINE).await;
    match answer.map(|mut topics| topics.pop()) {
        Ok(Some(Ok(entries))) => Ok(TopicSettings::of(&entries)),
        Ok(None) => Ok(TopicSettings::default()),
        Ok(Some(Err(error))) | Err(error)
            if matches!(error.kind, ErrorKind::Denied | ErrorKind::NotFound) =>
        {
            tracing::debug!(%error, topic, "the topic's settings are not known");
            Ok(TopicSettings::default())
        }
        Ok(Some(Err(error))) | Err(error) => Err(not_asked(error)),
    }
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

    #[test]
    fn too_little_room_is_refused_with_the_sum_unless_forced() {
        let too_little = || {
            Room::TooLittle(Shortage {
                needed_bytes: 5,
                usable_bytes: 3,
                brokers: vec![1, 2],
                sum: "5 and 3".to_owned(),
            })
        };
        let mut plan = Plan::new(1, "log-events");
        let problem = notes_on_room(&plan, too_little(), &BTreeMap::new()).unwrap_err();
        assert_eq!(
            (problem.status, problem.code),
            (StatusCode::UNPROCESSABLE_ENTITY, "insufficient_disk_space")
        );
        assert!(problem.detail.contains("5 and 3"), "{}", problem.detail);
        plan.force = true;
        let notes = notes_on_room(&plan, too_little(), &BTreeMap::new()).unwrap();
        assert!(notes[0].contains("5 and 3"), "{notes:?}");
    }

    #[test]
    fn room_that_is_not_known_is_a_warning() {
        let plan = Plan::new(1, "log-events");
        let unread = BTreeMap::from([(2, "it is not up".to_owned()), (3, "b".to_owned())]);
        let notes = notes_on_room(&plan, Room::Enough, &unread).unwrap();
        assert_eq!(
            notes,
            [
                "free disk space of broker 2, 3 was not known before the run; of broker 2: it is not up"
            ]
        );
    }
}
