//! Reading one topic: its offsets from each leader, its settings, and what could not be learned.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_cluster::{
    ConfigEntry, ErrorKind, KafkaCluster, KafkaError, OffsetSpec, TopicMetadata, TopicPartition,
};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::view::{Offsets, TopicDetail};

/// Pause before a leader is asked again: it may not know yet that it leads a new partition.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

type OffsetsBySpec = BTreeMap<i32, Result<i64, String>>;

/// Adds offsets and settings to what metadata says about a topic. Ends by `deadline`; what was not
/// learned by then is told as unknown, since the rest is still worth an answer.
pub async fn describe(
    cluster: &KafkaCluster,
    topic: &TopicMetadata,
    deadline: Duration,
) -> TopicDetail {
    let (offsets, configs) = tokio::join!(
        all_offsets(cluster, topic, deadline),
        configs(cluster, &topic.name, deadline)
    );
    TopicDetail::new(topic, &offsets, configs)
}

async fn configs(
    cluster: &KafkaCluster,
    name: &str,
    deadline: Duration,
) -> Result<Vec<ConfigEntry>, String> {
    let answer = cluster.topic_configs(&[name], deadline).await;
    let only = answer.and_then(|mut answers| answers.pop().unwrap_or_else(|| Ok(Vec::new())));
    only.map_err(|error| error.to_string())
}

/// Asks each leader by itself, so that one that hangs leaves only its own partitions unknown.
async fn all_offsets(
    cluster: &KafkaCluster,
    topic: &TopicMetadata,
    deadline: Duration,
) -> BTreeMap<i32, Offsets> {
    let mut led_by: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for partition in &topic.partitions {
        if let Some(leader) = partition.leader {
            led_by.entry(leader).or_default().push(partition.id);
        }
    }
    let mut questions = JoinSet::new();
    for partitions in led_by.into_values() {
        let (cluster, name) = (cluster.clone(), topic.name.clone());
        questions.spawn(async move {
            let ask = |spec| offsets_of_one_leader(&cluster, &name, &partitions, spec, deadline);
            tokio::join!(ask(OffsetSpec::Earliest), ask(OffsetSpec::Latest))
        });
    }
    let mut found = BTreeMap::new();
    while let Some(Ok((earliest, mut latest))) = questions.join_next().await {
        found.extend(earliest.into_iter().map(|(id, earliest)| {
            let latest = latest
                .remove(&id)
                .unwrap_or_else(|| Err("not answered".to_owned()));
            (id, Offsets { earliest, latest })
        }));
    }
    found
}

async fn offsets_of_one_leader(
    cluster: &KafkaCluster,
    topic: &str,
    partitions: &[i32],
    spec: OffsetSpec,
    deadline: Duration,
) -> OffsetsBySpec {
    let end = Instant::now() + deadline;
    let mut found = OffsetsBySpec::new();
    let mut open = partitions.to_vec();
    loop {
        let asked: Vec<_> = open
            .iter()
            .map(|&id| TopicPartition::new(topic, id))
            .collect();
        let remaining = end.saturating_duration_since(Instant::now());
        let answers = cluster.offsets(&asked, spec, remaining).await;
        let again_until = end.checked_sub(RETRY_PAUSE).unwrap_or(end);
        open.retain(|id| {
            let (text, again) = match offset_in(&answers, topic, *id) {
                Ok(offset) => (Ok(offset), false),
                Err(error) => (Err(error.to_string()), error.kind != ErrorKind::Denied),
            };
            found.insert(*id, text);
            again
        });
        if open.is_empty() || Instant::now() >= again_until {
            return found;
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

type Answers = Result<BTreeMap<TopicPartition, Result<i64, KafkaError>>, KafkaError>;

fn offset_in(answers: &Answers, topic: &str, partition: i32) -> Result<i64, KafkaError> {
    let answers = answers.as_ref().map_err(KafkaError::clone)?;
    let key = TopicPartition::new(topic, partition);
    answers.get(&key).cloned().unwrap_or_else(|| {
        // librdkafka leaves out the partitions of a leader that did not answer.
        let code = kafka_cluster::codes::LOCAL_TIMED_OUT;
        Err(KafkaError::of_read(
            "ListOffsets",
            code,
            "the leader did not answer in time",
        ))
    })
}
