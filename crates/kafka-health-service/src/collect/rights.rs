//! Asks whether this service may look at everything. Metadata and lists of groups leave out what it may
//! not see, so that an empty view would look like an empty cluster; asked by name Kafka has to answer.
//!
//! `DescribeTopics` of librdkafka never makes a topic, nor does looking at a group.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_cluster::{ErrorKind, GroupListing, GroupState, KafkaError};

use super::Context;
use super::pace::{Outcome, Pace};
use crate::moment::Moment;
use crate::snapshot::{Right, Rights, Snapshot};

/// Rights change seldom, and three small requests are asked.
const INTERVAL: Duration = Duration::from_secs(60);
/// As soon as this again where a right is missing or may be.
const SOON: Duration = Duration::from_secs(5);
/// It looks this often whether it is time.
const LOOK: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(3);
/// A topic that every cluster has or gets. Whether it is there yet makes no difference: Kafka looks at
/// the right first.
const TOPIC: &str = "__consumer_offsets";
/// Nobody's group. A broker that is not its coordinator looks at the right first, too.
const GROUP: &str = "kafka-health-service-looks-for-its-rights";

pub(super) async fn run(context: Context) {
    Pace::every(LOOK, LOOK)
        .repeat(&context.stop, || collect(&context))
        .await;
}

async fn collect(context: &Context) -> Outcome {
    let began = Moment::now();
    let snapshot = context.store.read();
    if !is_due(&snapshot, began) {
        return Outcome::Success;
    }
    let Some(broker) = super::answering(&snapshot).first().copied() else {
        // Nobody to ask: the probes say so.
        return Outcome::Failure;
    };
    let (topics, groups) = extent(&snapshot);
    drop(snapshot);
    let missing = ask(context, broker).await;
    let ended = Moment::now();
    let mut outcome = Outcome::Failure;
    context.store.update(|snapshot| {
        let noted = missing.map_err(|error| error.to_string()).map(|missing| {
            outcome = Outcome::Success;
            let rights = Rights {
                missing,
                topics,
                groups,
            };
            snapshot.rights.publish(rights, began);
        });
        snapshot.rights.attempts.note(began, ended, noted);
    });
    outcome
}

/// Whether it is time to ask: a missing right may be there again, and one that is gone shows as topics
/// or groups that are, or as a refusal that another collector met.
fn is_due(snapshot: &Snapshot, now: Moment) -> bool {
    let Some(seen) = &snapshot.rights.seen else {
        return true;
    };
    let (topics, groups) = extent(snapshot);
    let suspect = !seen.value.missing.is_empty()
        || !snapshot.denials.is_empty()
        || topics < seen.value.topics
        || groups < seen.value.groups;
    let period = if suspect { SOON } else { INTERVAL };
    seen.at.age(now) >= period
}

/// How many topics and groups are seen.
fn extent(snapshot: &Snapshot) -> (usize, usize) {
    let topics = snapshot.topics.seen.as_ref();
    let groups = snapshot.groups.seen.as_ref();
    (
        topics.map_or(0, |seen| seen.value.by_name.len()),
        groups.map_or(0, |seen| seen.value.by_id.len()),
    )
}

/// The rights that are missing. What probes need they ask for themselves.
async fn ask(context: &Context, broker: i32) -> Result<BTreeMap<Right, String>, KafkaError> {
    let cluster = &context.cluster;
    let group = GroupListing {
        id: GROUP.to_owned(),
        state: GroupState::Unknown,
        simple: false,
        coordinator: broker,
    };
    let groups = [group];
    let (topics, configs, groups) = tokio::join!(
        cluster.topics_at(broker, &[TOPIC], DEADLINE),
        cluster.topic_configs(&[TOPIC], DEADLINE),
        cluster.describe_groups(&groups, DEADLINE),
    );
    let topic = topics.and_then(|mut answers| answers.pop().map_or(Ok(()), |one| one.map(drop)));
    let configs = configs.and_then(|mut answers| answers.pop().map_or(Ok(()), |one| one.map(drop)));
    let group = groups.into_values().next();
    let group = group.map_or(Ok(()), |described| described.map(drop));
    of_answers([
        (Right::DescribeTopics, topic),
        (Right::DescribeTopicConfigs, configs),
        (Right::DescribeGroups, group),
    ])
}

/// Any other answer of a broker than a refusal for want of a right (no such topic, another coordinator)
/// was given to somebody who may ask.
fn of_answers(
    answers: [(Right, Result<(), KafkaError>); 3],
) -> Result<BTreeMap<Right, String>, KafkaError> {
    let mut missing = BTreeMap::new();
    for (right, answer) in answers {
        match answer {
            Err(error) if error.kind == ErrorKind::Denied => {
                missing.insert(right, error.message);
            }
            Err(error) if error.code < 0 => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use kafka_cluster::codes;

    use super::*;
    use crate::fixtures::Cluster;

    fn after(cluster: &Cluster, seconds: u64) -> bool {
        let later = cluster.now.plus(Duration::from_secs(seconds));
        is_due(&cluster.snapshot, later)
    }

    #[test]
    fn it_asks_at_once_at_first_and_once_a_minute_while_all_is_well() {
        assert!(is_due(&Snapshot::default(), Moment::now()));
        let cluster = Cluster::healthy();
        assert!(!after(&cluster, 59));
        assert!(after(&cluster, 60));
    }

    #[test]
    fn topics_or_groups_that_are_gone_and_refusals_are_looked_into_soon() {
        let mut fewer_topics = Cluster::healthy();
        fewer_topics.show(&[]);
        let mut fewer_groups = Cluster::healthy();
        let now = fewer_groups.now;
        fewer_groups
            .snapshot
            .groups
            .publish(crate::snapshot::Groups::default(), now);
        let mut denied = Cluster::healthy();
        let needed = [Right::DescribeTopicConfigs];
        let refusal = BTreeMap::from([(Right::DescribeTopicConfigs, "no".to_owned())]);
        denied.snapshot.note_denials(&needed, refusal, now);
        for cluster in [fewer_topics, fewer_groups, denied] {
            assert!(!after(&cluster, 4));
            assert!(after(&cluster, 5));
        }
    }

    #[test]
    fn a_missing_right_is_asked_for_again_soon() {
        let mut cluster = Cluster::healthy();
        let rights = Rights {
            missing: BTreeMap::from([(Right::DescribeGroups, "no".to_owned())]),
            ..Rights::default()
        };
        let now = cluster.now;
        cluster.snapshot.rights.publish(rights, now);
        assert!(!after(&cluster, 4));
        assert!(after(&cluster, 5));
    }

    #[test]
    fn only_a_refusal_is_a_missing_right_and_silence_is_no_answer() {
        let error = |code| Err(KafkaError::of_read("DescribeTopics", code, ""));
        let answers = |topics, configs, group| {
            of_answers([
                (Right::DescribeTopics, topics),
                (Right::DescribeTopicConfigs, configs),
                (Right::DescribeGroups, group),
            ])
        };
        let allowed = answers(
            error(codes::UNKNOWN_TOPIC_OR_PARTITION),
            Ok(()),
            error(codes::NOT_COORDINATOR),
        );
        assert_eq!(allowed, Ok(BTreeMap::new()));
        let missing = answers(
            error(codes::TOPIC_AUTHORIZATION_FAILED),
            error(codes::TOPIC_AUTHORIZATION_FAILED),
            error(codes::GROUP_AUTHORIZATION_FAILED),
        );
        assert_eq!(missing.unwrap().len(), 3);
        assert!(answers(Ok(()), Ok(()), error(codes::LOCAL_TIMED_OUT)).is_err());
    }
}
