//! Reads what is set of every topic: all of them at each full check, new ones at once.

use std::time::Duration;

use kafka_cluster::{ConfigEntry, ErrorKind, KafkaError};

use super::Context;
use super::pace::{Outcome, Pace};
use crate::moment::Moment;
use crate::snapshot::{Right, Snapshot, TopicSetting, TopicSettings};

const DEADLINE: Duration = Duration::from_secs(5);
/// It looks this often whether there is anything to read: what a new topic needs is asked for soon.
const PACE: Pace = Pace {
    at_first: Duration::from_millis(250),
    after_failure: Duration::from_secs(1),
    shortest: Duration::from_millis(250),
    longest: Duration::from_secs(1),
};
/// Topics asked about in one call; each has some thirty settings.
const BATCH: usize = 100;

const MIN_IN_SYNC: &str = "min.insync.replicas";

/// Which topics to ask about.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    topics: Vec<String>,
    /// These are all there are: the time of the reading counts for the whole part.
    all: bool,
}

/// Why settings were not read.
#[derive(Debug, PartialEq, Eq)]
struct Failed {
    message: String,
    /// This service may not read them.
    denied: bool,
}

pub(super) async fn run(context: Context) {
    PACE.repeat(&context.stop, || collect(&context)).await;
}

async fn collect(context: &Context) -> Outcome {
    let began = Moment::now();
    let due = due(
        &context.store.read(),
        began,
        context.settings.check_interval,
    );
    let Some(due) = due else {
        return Outcome::Success;
    };
    let result = read(context, &due.topics).await;
    let ended = Moment::now();
    let outcome = if result.is_ok() {
        Outcome::Success
    } else {
        Outcome::Failure
    };
    context.store.update(|snapshot| {
        let denied = result.as_ref().err().filter(|failed| failed.denied);
        let denied = denied.map(|failed| (Right::DescribeTopicConfigs, failed.message.clone()));
        snapshot.note_denials(
            &[Right::DescribeTopicConfigs],
            denied.into_iter().collect(),
            ended,
        );
        let part = &mut snapshot.topic_settings;
        let noted = result.map_err(|failed| failed.message).map(|read| {
            let previous = part.seen.as_ref().map(|seen| (&*seen.value, seen.at));
            let (value, at) = merged(previous, read, &due, began);
            part.publish(value, at);
        });
        part.attempts.note(began, ended, noted);
    });
    outcome
}

fn due(snapshot: &Snapshot, now: Moment, interval: Duration) -> Option<Due> {
    let topics = &snapshot.topics.seen.as_ref()?.value.by_name;
    let all = || topics.keys().cloned().collect();
    let Some(seen) = &snapshot.topic_settings.seen else {
        return Some(Due {
            topics: all(),
            all: true,
        });
    };
    if seen.at.age(now) >= interval {
        return Some(Due {
            topics: all(),
            all: true,
        });
    }
    let new = topics
        .keys()
        .filter(|name| !seen.value.by_topic.contains_key(*name));
    let topics: Vec<_> = new.cloned().collect();
    (!topics.is_empty()).then_some(Due { topics, all: false })
}

async fn read(context: &Context, topics: &[String]) -> Result<TopicSettings, Failed> {
    let mut read = TopicSettings::default();
    for batch in topics.chunks(BATCH) {
        let names: Vec<_> = batch.iter().map(String::as_str).collect();
        let answers = context.cluster.topic_configs(&names, DEADLINE).await;
        let answers = answers.map_err(|error| Failed::of(error.to_string(), &error))?;
        for (name, answer) in batch.iter().zip(answers) {
            if let Some(value) = setting(name, answer)? {
                read.by_topic.insert(name.clone(), value);
            }
        }
    }
    Ok(read)
}

/// `None` for a topic that was deleted meanwhile.
fn setting(
    topic: &str,
    answer: Result<Vec<ConfigEntry>, KafkaError>,
) -> Result<Option<TopicSetting>, Failed> {
    let entries = match answer {
        Ok(entries) => entries,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failed::of(format!("topic {topic:?}: {error}"), &error)),
    };
    let value = |name: &str| {
        let entry = entries.iter().find(|entry| entry.name == name);
        entry.and_then(|entry| entry.value.as_deref())
    };
    let Some(min_in_sync) = value(MIN_IN_SYNC).and_then(|value| value.parse().ok()) else {
        return Err(Failed {
            message: format!("topic {topic:?}: no {MIN_IN_SYNC} in its settings"),
            denied: false,
        });
    };
    let deletes = value("cleanup.policy").is_some_and(|policy| policy.contains("delete"));
    // -1 is for ever.
    let retention = value("retention.ms").and_then(|value| value.parse().ok());
    Ok(Some(TopicSetting {
        min_in_sync,
        retention: retention.filter(|_| deletes).map(Duration::from_millis),
    }))
}

impl Failed {
    fn of(message: String, error: &KafkaError) -> Self {
        let denied = error.kind == ErrorKind::Denied;
        Self { message, denied }
    }
}

fn merged(
    previous: Option<(&TopicSettings, Moment)>,
    mut read: TopicSettings,
    due: &Due,
    began: Moment,
) -> (TopicSettings, Moment) {
    match previous {
        Some((previous, at)) if !due.all => {
            let mut value = previous.clone();
            value.by_topic.append(&mut read.by_topic);
            (value, at)
        }
        _ => (read, began),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kafka_cluster::{ConfigSource, codes};

    use super::*;
    use crate::fixtures::{Cluster, metadata, topic};

    const INTERVAL: Duration = Duration::from_secs(30);

    fn entries(values: [(&str, &str); 3]) -> Vec<ConfigEntry> {
        let entry = |(name, value): (&str, &str)| ConfigEntry {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            source: ConfigSource::StaticBrokerConfig,
            default: None,
            read_only: false,
            sensitive: false,
        };
        values.map(entry).into()
    }

    fn of(policy: &str, retention: &str) -> TopicSetting {
        let values = [
            (MIN_IN_SYNC, "2"),
            ("cleanup.policy", policy),
            ("retention.ms", retention),
        ];
        setting("orders", Ok(entries(values))).unwrap().unwrap()
    }

    #[test]
    fn records_grow_too_old_where_the_policy_deletes_and_not_for_ever() {
        assert_eq!(of("delete", "1000").retention, Some(Duration::from_secs(1)));
        assert_eq!(
            of("compact,delete", "1000").retention,
            Some(Duration::from_secs(1))
        );
        assert_eq!(of("compact", "1000").retention, None);
        assert_eq!(of("delete", "-1").retention, None);
    }

    #[test]
    fn nothing_is_due_before_topics_are_known_nor_while_all_is_read_and_recent() {
        let cluster = Cluster::healthy();
        assert_eq!(due(&Snapshot::default(), cluster.now, INTERVAL), None);
        assert_eq!(due(&cluster.snapshot, cluster.now, INTERVAL), None);
    }

    #[test]
    fn all_topics_are_due_after_the_interval_and_a_new_one_at_once() {
        let mut cluster = Cluster::healthy();
        let all = due(&cluster.snapshot, cluster.now.plus(INTERVAL), INTERVAL).unwrap();
        assert_eq!(
            all,
            Due {
                topics: vec!["log-events".to_owned()],
                all: true
            }
        );

        let topics = [topic("log-events", &[]), topic("orders", &[])];
        cluster
            .snapshot
            .take_in(&metadata(&[1], &topics), cluster.now);
        let new = due(&cluster.snapshot, cluster.now, INTERVAL).unwrap();
        assert_eq!(
            new,
            Due {
                topics: vec!["orders".to_owned()],
                all: false
            }
        );
    }

    #[test]
    fn a_deleted_topic_is_passed_over_and_any_other_error_is_told() {
        let gone = KafkaError::of_read("DescribeConfigs", codes::UNKNOWN_TOPIC_OR_PARTITION, "");
        assert_eq!(setting("orders", Err(gone)), Ok(None));
        assert_eq!(of("delete", "1000").min_in_sync, 2);
        let incomplete = setting("orders", Ok(Vec::new())).unwrap_err();
        assert!(!incomplete.denied);
        let denied = KafkaError::of_read("DescribeConfigs", codes::TOPIC_AUTHORIZATION_FAILED, "");
        let denied = setting("orders", Err(denied)).unwrap_err();
        assert!(denied.denied);
        assert!(denied.message.contains("\"orders\""), "{denied:?}");
    }

    #[test]
    fn reading_a_new_topic_does_not_make_the_others_look_fresh() {
        let at = Moment::now();
        let began = at.plus(Duration::from_secs(10));
        let known = |name: &str| TopicSettings {
            by_topic: BTreeMap::from([(name.to_owned(), of("delete", "1000"))]),
        };
        let some = Due {
            topics: Vec::new(),
            all: false,
        };
        let (value, time) = merged(Some((&known("a"), at)), known("b"), &some, began);
        assert_eq!((value.by_topic.len(), time), (2, at));
        let all = Due {
            topics: Vec::new(),
            all: true,
        };
        let (value, time) = merged(Some((&known("a"), at)), known("b"), &all, began);
        assert_eq!((value, time), (known("b"), began));
    }
}
