//! What each principal may do, held against the table in `docs/SECURITY.md`; and a second opinion by
//! Kafka's own tools.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cluster_tests::PATIENCE;
use cluster_tests::names::unique;
use cluster_tests::records::{new_topic, produce};
use kafka_cluster::{
    Acl, AclOperation, AclResourceType, ConfigChange, Delivery, DeliveryObserver, ErrorKind,
    GroupListing, GroupState, KafkaCluster, KafkaError, NewTopic, RecordProducer, TopicPartition,
    codes,
};
use local_cluster::Cluster;
use local_cluster::security::SUPER;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use super::{checkout, client, secured};

/// In the order of the table's columns.
const PRINCIPALS: [&str; 6] = [
    "kafka-admin-service",
    "kafka-health-service",
    "load-test-service",
    "log-processor",
    "kafka-ui",
    "operator",
];
const DEADLINE: Duration = Duration::from_secs(20);

/// What there is to be touched.
struct Things {
    /// A topic that no principal is there for in particular.
    other: String,
    /// A group with a commit on it.
    group: GroupListing,
}

/// What may be tried. The names are those of the table's rows.
const ACTIONS: [&str; 20] = [
    "see a topic",
    "create a topic",
    "create a topic load-test-*",
    "delete a topic",
    "delete a topic load-test-*",
    "change a topic's settings",
    "add partitions",
    "write to log-events",
    "write to audit-logs",
    "write to another topic",
    "read log-events",
    "read another topic",
    "delete records",
    "see a group",
    "move a group's offsets",
    "delete a group",
    "change a broker's settings",
    "elect leaders",
    "see ACLs",
    "change ACLs",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_principal_may_do_what_the_documentation_says_and_nothing_else() {
    let (cluster, _, _turn) = secured().await;
    let owner = client(cluster, SUPER);
    for topic in ["log-events", "audit-logs"] {
        ensure_topic(&owner, topic).await;
    }
    let mut table = format!("| | {} |\n", PRINCIPALS.join(" | "));
    writeln!(table, "|---{}|", "|---".repeat(PRINCIPALS.len())).unwrap();
    let mut rows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for principal in PRINCIPALS {
        let things = things(&owner).await;
        let them = client(cluster, principal);
        for action in ACTIONS {
            let may = may(action, &them, &owner, &things).await;
            rows.entry(action)
                .or_default()
                .push(if may { "yes" } else { "-" });
        }
    }
    for action in ACTIONS {
        writeln!(table, "| {action} | {} |", rows[action].join(" | ")).unwrap();
    }
    println!("{table}");
    let documented = std::fs::read_to_string(checkout().join("docs/SECURITY.md")).unwrap();
    assert!(
        documented.contains(&table),
        "docs/SECURITY.md has another table than this:\n{table}"
    );
}

async fn ensure_topic(owner: &KafkaCluster, name: &str) {
    let topic = NewTopic {
        name: name.to_owned(),
        partitions: 1,
        replication_factor: 3,
        configs: BTreeMap::new(),
    };
    match owner.create_topic(&topic, DEADLINE).await {
        Err(error) if error.kind != ErrorKind::AlreadyExists => panic!("{error}"),
        _ => {}
    }
    owner.await_visible(name, 1, PATIENCE).await.unwrap();
    write(owner, name).await.unwrap();
}

async fn things(owner: &KafkaCluster) -> Things {
    let other = new_topic(owner, 1).await;
    produce(owner, &other, 0, 2).await;
    let group = GroupListing {
        id: unique("group"),
        state: GroupState::Empty,
        simple: true,
        coordinator: 1,
    };
    // Any broker is asked; the right one is in the listing afterwards.
    let group = commit(owner, group, &other).await;
    Things { other, group }
}

/// Commits on the broker that coordinates the group, found by trying.
async fn commit(owner: &KafkaCluster, group: GroupListing, topic: &str) -> GroupListing {
    let offsets = BTreeMap::from([(TopicPartition::new(topic, 0), 1)]);
    local_cluster::wait_for_condition("a commit", PATIENCE, || async {
        let mut last = String::new();
        for coordinator in 1..=3 {
            let group = GroupListing {
                coordinator,
                ..group.clone()
            };
            match first_of(owner.alter_group_offsets(&group, &offsets, DEADLINE).await) {
                Ok(()) => return Ok(group),
                Err(error) => last = error.to_string(),
            }
        }
        Err(last)
    })
    .await
    .unwrap()
}

/// Whether Kafka lets `them` do it. What is done is undone by `owner`, or harms nothing.
///
/// # Panics
/// When it fails for another reason than a missing right.
async fn may(action: &str, them: &KafkaCluster, owner: &KafkaCluster, things: &Things) -> bool {
    let outcome = attempt(action, them, owner, things).await;
    match outcome {
        Ok(()) => true,
        Err(error) if error.kind == ErrorKind::Denied => false,
        Err(error) => panic!("{action}: {error}"),
    }
}

async fn attempt(
    action: &str,
    them: &KafkaCluster,
    owner: &KafkaCluster,
    things: &Things,
) -> Result<(), KafkaError> {
    let Things { other, group } = things;
    let at = |topic: &str| TopicPartition::new(topic, 0);
    match action {
        "see a topic" => them.topic(other, DEADLINE).await.map(drop),
        "create a topic" => create(them, owner, "rights").await,
        "create a topic load-test-*" => create(them, owner, "load-test").await,
        "delete a topic" => delete(them, owner, "rights").await,
        "delete a topic load-test-*" => delete(them, owner, "load-test").await,
        "change a topic's settings" => {
            let change = set("retention.ms", "100000");
            them.validate_topic_configs(other, &[change], DEADLINE)
                .await
        }
        "add partitions" => them.validate_growth(other, 2, DEADLINE).await,
        "write to log-events" => write(them, "log-events").await,
        "write to audit-logs" => write(them, "audit-logs").await,
        "write to another topic" => write(them, other).await,
        "read log-events" => read(them, "log-events").await,
        "read another topic" => read(them, other).await,
        "delete records" => {
            // librdkafka asks for the leaders first, and says of none only that there are none.
            them.topic(other, DEADLINE).await?;
            let before = BTreeMap::from([(at(other), 1)]);
            first_of(them.delete_records(&before, DEADLINE).await).map(drop)
        }
        "see a group" => {
            let described = them
                .describe_groups(std::slice::from_ref(group), DEADLINE)
                .await;
            described
                .into_values()
                .next()
                .expect("one was asked for")
                .map(drop)
        }
        "move a group's offsets" => {
            let offsets = BTreeMap::from([(at(other), 1)]);
            first_of(them.alter_group_offsets(group, &offsets, DEADLINE).await)
        }
        "delete a group" => {
            let deleted = them.delete_group(group, DEADLINE).await;
            if deleted.is_ok() {
                commit(owner, group.clone(), other).await;
            }
            deleted
        }
        "change a broker's settings" => {
            let change = set("log.cleaner.threads", "1");
            them.validate_broker_configs(1, &[change], DEADLINE).await
        }
        "elect leaders" => {
            match first_of(them.elect_preferred_leaders(&[at(other)], DEADLINE).await) {
                Err(error) if error.code == codes::ELECTION_NOT_NEEDED => Ok(()),
                elected => elected,
            }
        }
        "see ACLs" => match them.acls(DEADLINE).await {
            Ok(listing) => {
                assert!(!listing.is_empty(), "there are ACLs");
                Ok(())
            }
            Err(error) => Err(error),
        },
        "change ACLs" => {
            let acl = Acl::allow(
                "User:nobody",
                AclOperation::Read,
                AclResourceType::Topic,
                "nothing",
            );
            let created = them
                .create_acls(std::slice::from_ref(&acl), DEADLINE)
                .await?;
            let created = created.into_values().next().expect("one was asked for");
            if created.is_ok() {
                owner.delete_acls(&[acl], DEADLINE).await.unwrap();
            }
            created
        }
        other => unreachable!("no action {other}"),
    }
}

fn set(name: &str, value: &str) -> ConfigChange {
    ConfigChange::Set {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn first_of<K: Ord, T>(
    outcomes: Result<BTreeMap<K, Result<T, KafkaError>>, KafkaError>,
) -> Result<T, KafkaError> {
    outcomes?.into_values().next().expect("one was asked for")
}

async fn create(them: &KafkaCluster, owner: &KafkaCluster, prefix: &str) -> Result<(), KafkaError> {
    let topic = one_partition(prefix);
    let created = them.create_topic(&topic, DEADLINE).await;
    if created.is_ok() {
        owner.delete_topic(&topic.name, DEADLINE).await.unwrap();
    }
    created
}

async fn delete(them: &KafkaCluster, owner: &KafkaCluster, prefix: &str) -> Result<(), KafkaError> {
    let topic = one_partition(prefix);
    owner.create_topic(&topic, DEADLINE).await.unwrap();
    owner.await_visible(&topic.name, 1, PATIENCE).await.unwrap();
    let deleted = them.delete_topic(&topic.name, DEADLINE).await;
    if deleted.is_err() {
        owner.delete_topic(&topic.name, DEADLINE).await.unwrap();
    }
    deleted
}

fn one_partition(prefix: &str) -> NewTopic {
    NewTopic {
        name: unique(prefix),
        partitions: 1,
        replication_factor: 3,
        configs: BTreeMap::new(),
    }
}

#[derive(Default)]
struct Outcome(std::sync::Mutex<Option<Result<(), KafkaError>>>);

impl DeliveryObserver for Outcome {
    fn delivered(&self, _: usize, delivery: &Delivery) {
        let outcome = match delivery {
            Delivery::Acknowledged { .. } => Ok(()),
            Delivery::Failed { error, .. } => Err(error.clone()),
        };
        *self.0.lock().unwrap() = Some(outcome);
    }
}

/// With a key, which compacted topics want.
async fn write(them: &KafkaCluster, topic: &str) -> Result<(), KafkaError> {
    let mut config = them.connection().producer_config("test");
    config.set("message.timeout.ms", "20000");
    let topic = topic.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let outcome = Arc::new(Outcome::default());
        let producer = RecordProducer::new(&config, outcome.clone()).unwrap();
        producer
            .send(&topic, Some(0), Some(b"a key"), b"a record", 0)
            .unwrap();
        producer.drain(PATIENCE);
        let outcome = outcome.0.lock().unwrap().take();
        outcome.expect("an outcome")
    });
    written.await.unwrap()
}

/// Reads as a member of no group, by the id of one that the principal may look for.
async fn read(them: &KafkaCluster, topic: &str) -> Result<(), KafkaError> {
    // Of a topic that one may not even see, librdkafka's consumer waits for a leader without a word.
    them.topic(topic, DEADLINE).await?;
    let group = match them.connection().properties["sasl.username"].as_str() {
        "log-processor" => "log-processor",
        _ => "reader-without-commits",
    };
    let mut config = them.connection().consumer_config("test", group);
    config.set("auto.offset.reset", "error");
    let topic = topic.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = config.create().unwrap();
        let mut assignment = TopicPartitionList::new();
        let beginning = Offset::Offset(0);
        assignment
            .add_partition_offset(&topic, 0, beginning)
            .unwrap();
        consumer.assign(&assignment).unwrap();
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(_)) => return Ok(()),
                Some(Err(error)) => {
                    let error = KafkaError::of_client("Fetch", &error);
                    if error.kind == ErrorKind::Denied {
                        return Err(error);
                    }
                }
                None => {}
            }
        }
        panic!("{topic} was neither read nor refused");
    });
    read.await.unwrap()
}

/// Kafka's own tools are Java, and share nothing with librdkafka.
#[tokio::test]
async fn kafkas_own_tools_are_held_to_the_same_rights() {
    let (cluster, keys, _turn) = secured().await;
    let owner = client(cluster, SUPER);
    let other = new_topic(&owner, 1).await;
    let new = unique("rights");
    let topics = "org.apache.kafka.tools.TopicCommand";
    let describe = ["--describe", "--topic", &other];
    let create = ["--create", "--topic", &new, "--partitions", "1"];
    let acls = "kafka.admin.AclCommand";
    let allow = [
        "--add",
        "--allow-principal",
        "User:x",
        "--operation",
        "Read",
        "--topic",
        "x",
    ];
    for (principal, class, arguments, expected) in [
        ("operator", topics, &describe[..], true),
        ("operator", topics, &create, false),
        ("operator", acls, &allow, false),
        ("kafka-ui", topics, &create, false),
        ("kafka-health-service", topics, &create, false),
        ("log-processor", topics, &describe, false),
        ("load-test-service", topics, &create, false),
        ("load-test-service", acls, &allow, false),
        ("kafka-admin-service", topics, &create, true),
    ] {
        let settings = keys.java_client(principal);
        let told = run(cluster, class, settings.to_str().unwrap(), arguments).await;
        let told = told.map_err(|error| error.to_string());
        match told {
            Ok(_) => assert!(expected, "{principal} may {class} {arguments:?}"),
            Err(error) => {
                assert!(
                    !expected,
                    "{principal} may not {class} {arguments:?}: {error}"
                );
                // Of a topic that one may not see it says that it does not exist.
                let denied = error.contains("AuthorizationException")
                    || error.contains("authorization failed")
                    || error.contains("does not exist");
                assert!(denied, "{principal} {class} {arguments:?}: {error}");
            }
        }
    }
}

/// Runs a tool with the client settings of a file.
pub(crate) async fn run(
    cluster: &Cluster,
    class: &str,
    settings: &str,
    arguments: &[&str],
) -> local_cluster::Result<String> {
    let bootstrap = cluster.bootstrap();
    let option = cluster_tests::secured::settings_option(class);
    let mut all = vec!["--bootstrap-server", &bootstrap, option, settings];
    all.extend(arguments);
    local_cluster::tool(class, &all).await
}
