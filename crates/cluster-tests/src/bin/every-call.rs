//! Makes every call of `kafka-cluster` once against a real cluster, good answers and refused ones,
//! so that all its FFI can be run under valgrind.
//!
//! Usage: `every-call BOOTSTRAP_SERVERS`. Prints a line for each call; exits 1 at the first surprise.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use kafka_cluster::{
    ConfigChange, Connection, Deletion, Delivery, DeliveryObserver, ErrorKind, GroupListing,
    GroupState, KafkaCluster, NewTopic, OffsetSpec, PartitionRange, ReadEnd, ReadLimits,
    RecordProducer, TopicPartition, Visibility, codes, read_ranges,
};

/// Generous: valgrind makes everything some twenty times slower.
const DEADLINE: Duration = Duration::from_secs(30);
const RECORDS: usize = 20;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bootstrap = std::env::args()
        .nth(1)
        .context("usage: every-call BOOTSTRAP_SERVERS")?;
    let connection = Connection::new(bootstrap);
    let cluster = KafkaCluster::connect(connection.clone())?;
    let topic = format!("every-call-{}", std::process::id());

    describe(&cluster).await?;
    create(&cluster, &topic).await?;
    configure(&cluster, &topic).await?;
    produce(&connection, &topic).await?;
    offsets(&cluster, &topic).await?;
    read(&connection, &topic).await?;
    elect(&cluster, &topic).await?;
    groups(&cluster).await?;
    change_group(&cluster, &topic).await?;
    delete_records(&cluster, &topic).await?;
    delete(&cluster, &topic).await?;
    println!("every call made");
    Ok(())
}

async fn describe(cluster: &KafkaCluster) -> anyhow::Result<()> {
    let description = cluster.describe(DEADLINE).await?;
    println!("cluster: {description:?}");
    let broker = description.brokers.first().context("a live broker")?.id;
    println!("probe: {:?}", cluster.probe(broker, DEADLINE).await?);
    let brokers = cluster.brokers(DEADLINE).await?;
    ensure!(brokers.len() == description.brokers.len(), "{brokers:?}");
    let metadata = cluster.metadata(DEADLINE).await?;
    println!(
        "Metadata: {} topics from broker {}",
        metadata.topics.len(),
        metadata.answered_by
    );
    let absent = cluster
        .probe(99, Duration::from_millis(300))
        .await
        .expect_err("no broker 99");
    ensure!(absent.kind == ErrorKind::Unreachable, "{absent:?}");
    Ok(())
}

async fn create(cluster: &KafkaCluster, topic: &str) -> anyhow::Result<()> {
    let new = |partitions, configs| NewTopic {
        name: topic.to_owned(),
        partitions,
        replication_factor: 1,
        configs,
    };
    let bad = BTreeMap::from([("no.such.setting".to_owned(), "1".to_owned())]);
    let refused = cluster
        .create_topic(&new(1, bad), DEADLINE)
        .await
        .expect_err("a bad setting");
    ensure!(refused.kind == ErrorKind::Refused, "{refused:?}");
    println!("CreateTopics refused: {refused}");
    let good = BTreeMap::from([("retention.ms".to_owned(), "3600000".to_owned())]);
    cluster
        .validate_topic(&new(2, good.clone()), DEADLINE)
        .await?;
    cluster
        .create_topic(&new(2, good.clone()), DEADLINE)
        .await?;
    let seen = cluster.await_visible(topic, 2, DEADLINE).await?;
    ensure!(matches!(seen, Visibility::Everywhere(_)), "{seen:?}");
    let exists = cluster
        .create_topic(&new(2, good), DEADLINE)
        .await
        .expect_err("it exists");
    ensure!(exists.kind == ErrorKind::AlreadyExists, "{exists:?}");
    cluster.validate_growth(topic, 3, DEADLINE).await?;
    let same = cluster.topic(topic, DEADLINE).await?;
    ensure!(same.partitions.len() == 2, "it was only asked: {same:?}");
    cluster.grow_topic(topic, 3, DEADLINE).await?;
    let grown = cluster.await_visible(topic, 3, DEADLINE).await?;
    ensure!(matches!(grown, Visibility::Everywhere(_)), "{grown:?}");
    let shrunk = cluster
        .grow_topic(topic, 1, DEADLINE)
        .await
        .expect_err("never fewer");
    ensure!(shrunk.kind == ErrorKind::Refused, "{shrunk:?}");
    let described = cluster.topic(topic, DEADLINE).await?;
    ensure!(described.partitions.len() == 3, "{described:?}");
    let unknown = cluster
        .topic("every-call-unknown", DEADLINE)
        .await
        .expect_err("unknown topic");
    ensure!(unknown.kind == ErrorKind::NotFound, "{unknown:?}");
    println!("CreateTopics, CreatePartitions, DescribeTopics: {described:?}");
    Ok(())
}

async fn configure(cluster: &KafkaCluster, topic: &str) -> anyhow::Result<()> {
    let set = |name: &str, value: &str| ConfigChange::Set {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    cluster
        .alter_topic_configs(topic, &[set("segment.ms", "7200000")], DEADLINE)
        .await?;
    let dry = [set("segment.ms", "3600000")];
    cluster
        .validate_topic_configs(topic, &dry, DEADLINE)
        .await?;
    let bad = [set("segment.ms", "soon")];
    let refused = cluster
        .alter_topic_configs(topic, &bad, DEADLINE)
        .await
        .expect_err("no number");
    ensure!(refused.kind == ErrorKind::Refused, "{refused:?}");
    println!("IncrementalAlterConfigs refused: {refused}");
    let mut answers = cluster
        .topic_configs(&[topic, "every-call-unknown"], DEADLINE)
        .await?;
    let unknown = answers.pop().context("two answers")?;
    ensure!(
        unknown.is_err(),
        "an unknown topic has no settings: {unknown:?}"
    );
    let entries = answers.pop().context("two answers")??;
    let value = |name: &str| {
        entries
            .iter()
            .find(|e| e.name == name)
            .and_then(|e| e.value.clone())
    };
    ensure!(
        value("segment.ms").as_deref() == Some("7200000"),
        "segment.ms was not set"
    );
    ensure!(
        value("retention.ms").as_deref() == Some("3600000"),
        "retention.ms was reset"
    );
    let of_kafka = entries.iter().find(|e| e.name == "min.insync.replicas");
    let of_kafka = of_kafka.and_then(|e| e.default.as_deref());
    ensure!(of_kafka == Some("1"), "Kafka's own default: {of_kafka:?}");
    let broker = cluster.describe(DEADLINE).await?.brokers[0].id;
    let unsettable = [set("broker.id", "77")];
    let refused = cluster
        .validate_broker_configs(broker, &unsettable, DEADLINE)
        .await
        .expect_err("it is read-only");
    ensure!(refused.kind == ErrorKind::Refused, "{refused:?}");
    let of_broker = cluster.broker_configs(broker, DEADLINE).await?;
    ensure!(of_broker.len() > 50, "{} broker settings", of_broker.len());
    println!(
        "DescribeConfigs: {} of the topic, {} of broker {broker}",
        entries.len(),
        of_broker.len()
    );
    Ok(())
}

#[derive(Default)]
struct Count(AtomicUsize);

impl DeliveryObserver for Count {
    fn delivered(&self, _: usize, delivery: &Delivery) {
        if matches!(
            delivery,
            Delivery::Acknowledged {
                offset: Some(_),
                ..
            }
        ) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn produce(connection: &Connection, topic: &str) -> anyhow::Result<()> {
    let mut config = connection.producer_config("every-call");
    config.set("acks", "all");
    let topic = topic.to_owned();
    let acknowledged = tokio::task::spawn_blocking(move || {
        let count = Arc::new(Count::default());
        let producer = RecordProducer::new(&config, count.clone())?;
        producer.warm_up(&topic, DEADLINE)?;
        for number in 0..RECORDS {
            producer.send(&topic, Some(0), Some(b"key"), b"payload", number)?;
        }
        producer.drain(DEADLINE);
        anyhow::Ok(count.0.load(Ordering::Relaxed))
    })
    .await??;
    ensure!(
        acknowledged == RECORDS,
        "{acknowledged} of {RECORDS} acknowledged"
    );
    println!("Produce: {acknowledged} acknowledged");
    Ok(())
}

async fn offsets(cluster: &KafkaCluster, topic: &str) -> anyhow::Result<()> {
    let partitions: Vec<_> = (0..3).map(|id| TopicPartition::new(topic, id)).collect();
    let earliest = cluster
        .offsets(&partitions, OffsetSpec::Earliest, DEADLINE)
        .await?;
    let latest = cluster
        .offsets(&partitions, OffsetSpec::Latest, DEADLINE)
        .await?;
    ensure!(earliest.get(&partitions[0]) == Some(&Ok(0)), "{earliest:?}");
    ensure!(
        latest.get(&partitions[0]) == Some(&Ok(RECORDS as i64)),
        "{latest:?}"
    );
    let future = OffsetSpec::AtTimestampMs(i64::MAX / 2);
    let beyond = cluster.offsets(&partitions, future, DEADLINE).await?;
    ensure!(beyond.is_empty(), "no record is that young: {beyond:?}");
    let times = cluster.last_record_times(&partitions, DEADLINE).await?;
    ensure!(
        times.len() == 1 && matches!(times.get(&partitions[0]), Some(Ok(time)) if *time > 0),
        "only partition 0 has records: {times:?}"
    );
    println!("ListOffsets: {latest:?}");
    Ok(())
}

async fn read(connection: &Connection, topic: &str) -> anyhow::Result<()> {
    let (connection, topic) = (connection.clone(), topic.to_owned());
    let (end, read) = tokio::task::spawn_blocking(move || {
        let range = PartitionRange {
            partition: 0,
            from: 5,
            to: 15,
        };
        let mut read = Vec::new();
        let end = read_ranges(
            &connection,
            &topic,
            &[range],
            ReadLimits::within(DEADLINE),
            |record| {
                read.push(record.offset);
                ControlFlow::Continue(())
            },
        )?;
        anyhow::Ok((end, read))
    })
    .await??;
    ensure!(
        end == ReadEnd::Complete && read == (5..15).collect::<Vec<i64>>(),
        "{end:?} {read:?}"
    );
    println!("Fetch: offsets {read:?}");
    Ok(())
}

async fn groups(cluster: &KafkaCluster) -> anyhow::Result<()> {
    let mut listed = cluster.groups(DEADLINE).await?;
    ensure!(listed.errors.is_empty(), "{:?}", listed.errors);
    println!("ListConsumerGroups: {:?}", listed.groups);
    listed.groups.push(GroupListing {
        id: "every-call-unknown".to_owned(),
        state: GroupState::Unknown,
        simple: false,
        coordinator: cluster.brokers(DEADLINE).await?[0].id,
    });
    for (id, description) in cluster.describe_groups(&listed.groups, DEADLINE).await {
        println!("DescribeConsumerGroups {id}: {description:?}");
    }
    for group in &listed.groups {
        let committed = cluster.committed_offsets(group, DEADLINE).await;
        println!("ListConsumerGroupOffsets {}: {committed:?}", group.id);
    }
    Ok(())
}

async fn elect(cluster: &KafkaCluster, topic: &str) -> anyhow::Result<()> {
    let partitions = [
        TopicPartition::new(topic, 0),
        TopicPartition::new(topic, 99),
    ];
    let elections = cluster
        .elect_preferred_leaders(&partitions, DEADLINE)
        .await?;
    let code = |partition| match elections.get(partition) {
        Some(Err(error)) => Some(error.code),
        Some(Ok(())) => Some(codes::NONE),
        None => None,
    };
    ensure!(
        code(&partitions[0]) == Some(codes::ELECTION_NOT_NEEDED),
        "it is led by its preferred leader: {elections:?}"
    );
    ensure!(
        code(&partitions[1]) == Some(codes::UNKNOWN_TOPIC_OR_PARTITION),
        "{elections:?}"
    );
    println!("ElectLeaders: {elections:?}");
    Ok(())
}

/// A group without members: librdkafka and Kafka make it with its first commit.
async fn change_group(cluster: &KafkaCluster, topic: &str) -> anyhow::Result<()> {
    let group = GroupListing {
        id: format!("{topic}-group"),
        state: GroupState::Empty,
        simple: false,
        coordinator: 0,
    };
    let group = commit_at_its_coordinator(cluster, topic, group).await?;
    let partition = TopicPartition::new(topic, 0);
    let committed = cluster.committed_offsets(&group, DEADLINE).await?;
    ensure!(committed.get(&partition) == Some(&Ok(5)), "{committed:?}");
    let unknown = [TopicPartition::new("every-call-unknown", 0)];
    let refused = cluster
        .delete_group_offsets(&group, &unknown, DEADLINE)
        .await;
    println!("DeleteConsumerGroupOffsets refused: {refused:?}");
    let removed = cluster
        .delete_group_offsets(&group, std::slice::from_ref(&partition), DEADLINE)
        .await?;
    ensure!(removed.get(&partition) == Some(&Ok(())), "{removed:?}");
    // With its last commit the group is gone, or about to be.
    let group = commit_at_its_coordinator(cluster, topic, group).await?;
    cluster.delete_group(&group, DEADLINE).await?;
    let again = cluster
        .delete_group(&group, DEADLINE)
        .await
        .expect_err("it is gone");
    ensure!(again.kind == ErrorKind::NotFound, "{again:?}");
    println!("AlterConsumerGroupOffsets, DeleteConsumerGroupOffsets, DeleteGroups: done");
    Ok(())
}

/// Commits offset 5; a group that is not listed yet has its coordinator tried out.
async fn commit_at_its_coordinator(
    cluster: &KafkaCluster,
    topic: &str,
    mut group: GroupListing,
) -> anyhow::Result<GroupListing> {
    let offsets = BTreeMap::from([(TopicPartition::new(topic, 0), 5)]);
    for broker in cluster.brokers(DEADLINE).await? {
        group.coordinator = broker.id;
        let answer = cluster
            .alter_group_offsets(&group, &offsets, DEADLINE)
            .await;
        let committed = answer
            .as_ref()
            .is_ok_and(|outcomes| outcomes.values().all(Result::is_ok));
        println!("AlterConsumerGroupOffsets at {}: {answer:?}", broker.id);
        if committed {
            return Ok(group);
        }
    }
    anyhow::bail!("no broker coordinates {}", group.id)
}

async fn delete_records(cluster: &KafkaCluster, topic: &str) -> anyhow::Result<()> {
    let partition = TopicPartition::new(topic, 0);
    let before = BTreeMap::from([(partition.clone(), 7)]);
    let left = cluster.delete_records(&before, DEADLINE).await?;
    ensure!(left.get(&partition) == Some(&Ok(7)), "{left:?}");
    let beyond = BTreeMap::from([(partition.clone(), 1_000_000)]);
    let refused = cluster.delete_records(&beyond, DEADLINE).await?;
    ensure!(
        matches!(refused.get(&partition), Some(Err(error)) if error.kind == ErrorKind::Refused),
        "{refused:?}"
    );
    println!("DeleteRecords: {left:?}, {refused:?}");
    Ok(())
}

async fn delete(cluster: &KafkaCluster, topic: &str) -> anyhow::Result<()> {
    let replicas: Vec<i32> = cluster
        .topic(topic, DEADLINE)
        .await?
        .partitions
        .iter()
        .flat_map(|partition| partition.replicas.clone())
        .collect();
    cluster.delete_topic(topic, DEADLINE).await?;
    let deletion = cluster.await_deleted(topic, &replicas, DEADLINE).await?;
    ensure!(deletion == Deletion::Done, "{deletion:?}");
    let again = cluster
        .delete_topic(topic, DEADLINE)
        .await
        .expect_err("it is gone");
    ensure!(again.kind == ErrorKind::NotFound, "{again:?}");
    println!("DeleteTopics: done");
    Ok(())
}
