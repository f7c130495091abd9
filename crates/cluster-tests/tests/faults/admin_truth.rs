//! Every kind of write, again and again, while the controller is killed: whatever is told done is there
//! when somebody else looks. What is not done is told as such, and done in a later round.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cluster_tests::api::{Answer, Api};
use cluster_tests::names::unique;
use cluster_tests::records::{new_topic, produce};
use cluster_tests::services::{Target, host};
use cluster_tests::{PATIENCE, client};
use kafka_cluster::{
    Connection, ErrorKind, GroupListing, KafkaCluster, KafkaError, OffsetSpec, TopicPartition,
    codes,
};
use local_cluster::{NodeId, lease_for_faults, wait_for_condition};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use reqwest::Method;

/// One question of the witness, which may go to the broker that was killed.
const QUESTION: Duration = Duration::from_secs(5);
/// Records of the topics whose offsets are moved.
const RECORDS: u64 = 1000;

/// Who writes, and who looks afterwards: a client of its own that knows nothing of the writes.
struct Scene {
    admin: Api,
    witness: KafkaCluster,
}

/// How often one kind of write was done and seen.
#[derive(Default)]
struct Done(AtomicU64);

impl Done {
    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Writes until `stop`; `once` tells whether its write was told done, and has seen it then.
    async fn again(&self, stop: &AtomicBool, once: impl AsyncFn(u64) -> bool) {
        let mut number = 0;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            if once(number).await {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Whether it was told done. Everything else has to be an answer that says that it is not, or not known.
fn told_done(answer: &Answer) -> bool {
    match answer.status.as_u16() {
        200 | 201 | 204 => true,
        // Pending, in part; done by an earlier round without an answer; outdated by one; too few brokers.
        202 | 207 | 404 | 409 | 412 | 422 | 502..=504 => false,
        _ => panic!("{}: {}", answer.status, answer.text),
    }
}

impl Scene {
    /// What Kafka answers, once a broker does.
    async fn asked<T>(&self, question: impl AsyncFn() -> Result<T, KafkaError>) -> T {
        let asked = wait_for_condition("a broker to answer", PATIENCE, async || question().await);
        asked.await.unwrap()
    }

    async fn partitions(&self, topic: &str) -> Option<usize> {
        self.asked(async || match self.witness.topic(topic, QUESTION).await {
            Ok(topic) => Ok(Some(topic.partitions.len())),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn offset(&self, topic: &str, partition: i32, spec: OffsetSpec) -> i64 {
        let key = TopicPartition::new(topic, partition);
        self.asked(async || {
            let asked = std::slice::from_ref(&key);
            let mut offsets = self.witness.offsets(asked, spec, QUESTION).await?;
            // A partition whose leader is not known just now is left out.
            let unknown = || KafkaError::of_read("ListOffsets", codes::LEADER_NOT_AVAILABLE, "");
            offsets.remove(&key).ok_or_else(unknown)?
        })
        .await
    }

    async fn group(&self, group: &str) -> Option<GroupListing> {
        self.asked(async || {
            let listed = self.witness.groups(QUESTION).await?;
            let found = listed.groups.into_iter().find(|listed| listed.id == group);
            match listed.errors.into_values().next() {
                // It may be one of those that were not told.
                Some(error) if found.is_none() => Err(error),
                _ => Ok(found),
            }
        })
        .await
    }

    async fn committed(&self, group: &str) -> i64 {
        self.asked(async || {
            let listing = self.group(group).await.expect("the group is there");
            let committed = self.witness.committed_offsets(&listing, QUESTION).await?;
            committed.into_values().next().expect("it has one offset")
        })
        .await
    }

    async fn create(&self, name: &str) -> bool {
        let call = format!("/api/topics?topicName={name}&partitions=2&replicationFactor=2");
        let done = told_done(&self.admin.post(&call).await);
        assert!(!done || self.partitions(name).await == Some(2), "{name}");
        done
    }

    async fn grow(&self, name: &str) -> bool {
        let total = self.partitions(name).await.unwrap() + 1;
        let call = format!("/api/topics/{name}/partitions?partitions={total}");
        let done = told_done(&self.admin.post(&call).await);
        assert!(
            !done || self.partitions(name).await == Some(total),
            "{name}"
        );
        done
    }

    async fn delete(&self, name: &str) -> bool {
        if !self.create(name).await {
            return false;
        }
        let done = told_done(&self.admin.delete(&format!("/api/topics/{name}")).await);
        assert!(!done || self.partitions(name).await.is_none(), "{name}");
        done
    }

    async fn produce(&self, topic: &str, number: u64) -> bool {
        let path = format!("/api/topics/{topic}/records?value=event+{number}");
        let answer = self.admin.post(&path).await;
        let done = told_done(&answer);
        if done {
            let written = answer.json();
            let partition = i32::try_from(written["partition"].as_i64().unwrap()).unwrap();
            let end = self.offset(topic, partition, OffsetSpec::Latest).await;
            assert!(written["offset"].as_i64().unwrap() < end, "{written}");
        }
        done
    }

    async fn truncate(&self, topic: &str, number: u64) -> bool {
        let before = i64::try_from(number % RECORDS).unwrap();
        let path = format!("/api/topics/{topic}/records?partition=0&beforeOffset={before}");
        let answer = self.admin.delete(&path).await;
        let done = told_done(&answer);
        if done {
            let first = self.offset(topic, 0, OffsetSpec::Earliest).await;
            assert!(first >= before, "{first} is the first: {}", answer.text);
        }
        done
    }

    /// A reset and its undo; both are seen.
    async fn reset(&self, group: &str, number: u64) -> bool {
        let path = format!("/api/groups/{group}/offsets");
        let offset = number % RECORDS;
        let reset = format!("{path}/reset?to=offset&offset={offset}&execute=true");
        for call in [reset, format!("{path}/undo?execute=true")] {
            let answer = self.admin.post(&call).await;
            if !told_done(&answer) {
                return false;
            }
            let told = &answer.json()["partitions"][0]["newOffset"];
            assert_eq!(*told, self.committed(group).await, "{}", answer.text);
        }
        true
    }

    async fn delete_group(&self, group: &str, topic: &str) -> bool {
        let connection = self.witness.connection().clone();
        let names = (group.to_owned(), topic.to_owned());
        let committed = move || commit(&connection, &names.0, &names.1);
        if !tokio::task::spawn_blocking(committed).await.unwrap() {
            return false;
        }
        let done = told_done(&self.admin.delete(&format!("/api/groups/{group}")).await);
        assert!(!done || self.group(group).await.is_none(), "{group}");
        done
    }

    async fn apply(&self, topic: &str, number: u64) -> bool {
        let retention = 1_000_000 + number;
        let document = format!(
            "topics:\n  - name: {topic}\n    partitions: 1\n    replicationFactor: 3\n    configs:\n      \
             retention.ms: {retention}\n"
        );
        let send = async |path: &str| {
            let body = Some(("application/yaml", document.clone()));
            self.admin.send(Method::POST, path, body).await
        };
        let plan = send("/api/plan").await;
        if !told_done(&plan) {
            return false;
        }
        let hash = plan.json()["hash"].as_str().unwrap().to_owned();
        let answer = send(&format!("/api/apply?hash={hash}")).await;
        let done = told_done(&answer);
        if done {
            assert_eq!(
                self.retention(topic).await,
                retention.to_string(),
                "{}",
                answer.text
            );
        }
        done
    }

    /// With one broker away they take no writes, which the next test would find.
    async fn delete_topics_of_two_copies(&self) {
        let metadata = self
            .asked(async || self.witness.metadata(QUESTION).await)
            .await;
        for topic in metadata.topics {
            if topic.replication_factor() == 2 {
                let path = format!("/api/topics/{}", topic.name);
                wait_for_condition("a topic to be deleted", PATIENCE, async || {
                    let answer = self.admin.delete(&path).await;
                    let gone = matches!(answer.status.as_u16(), 204 | 404);
                    gone.then_some(()).ok_or(answer.text)
                })
                .await
                .unwrap();
            }
        }
    }

    async fn retention(&self, topic: &str) -> String {
        self.asked(async || {
            let mut answers = self.witness.topic_configs(&[topic], QUESTION).await?;
            let mut entries = answers.remove(0)?.into_iter();
            let entry = entries.find(|entry| entry.name == "retention.ms");
            Ok(entry.unwrap().value.unwrap())
        })
        .await
    }
}

/// Commits one offset; whether that was done.
fn commit(connection: &Connection, group: &str, topic: &str) -> bool {
    let consumer: BaseConsumer = connection.consumer_config("test", group).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    let added = offsets.add_partition_offset(topic, 0, Offset::Offset(1));
    added.unwrap();
    consumer.commit(&offsets, CommitMode::Sync).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_told_done_while_the_controller_dies_is_there() {
    let local = lease_for_faults().await.unwrap();
    let services = host(&Target::of(&local));
    let witness = client(&local.bootstrap());
    let [written, truncated, moved, applied, grown] = {
        let mut topics = Vec::new();
        for _ in 0..5 {
            topics.push(new_topic(&witness, 1).await);
        }
        <[String; 5]>::try_from(topics).unwrap()
    };
    for topic in [&truncated, &moved] {
        produce(&witness, topic, 0, usize::try_from(RECORDS).unwrap()).await;
    }
    let group = unique("moved");
    let controller = witness
        .describe(PATIENCE)
        .await
        .unwrap()
        .controller
        .unwrap();
    let node = NodeId::broker(u16::try_from(controller).unwrap());
    let (connection, names) = (witness.connection().clone(), (group.clone(), moved.clone()));
    let first = tokio::task::spawn_blocking(move || commit(&connection, &names.0, &names.1));
    assert!(first.await.unwrap());
    let admin = services.admin.clone();
    let scene = Scene { admin, witness };
    // With two copies it can grow while one broker is down.
    let grown = format!("{grown}-two");
    wait_for_condition("a topic of two copies", PATIENCE, async || {
        let made = scene.create(&grown).await;
        made.then_some(()).ok_or("not yet")
    })
    .await
    .unwrap();

    let stop = AtomicBool::new(false);
    let kinds = [
        "create",
        "grow",
        "delete",
        "produce",
        "truncate",
        "reset",
        "delete group",
        "apply",
    ];
    let done: BTreeMap<&str, Done> = kinds.map(|kind| (kind, Done::default())).into();
    let all_reach = async |counts: &BTreeMap<&str, u64>| {
        wait_for_condition("each kind to be done", PATIENCE * 2, async || {
            let behind = done
                .iter()
                .find(|(kind, done)| done.count() <= counts[*kind]);
            behind.map_or(Ok(()), |(kind, _)| Err(*kind))
        })
        .await
        .unwrap();
    };
    let counts = || {
        done.iter()
            .map(|(kind, done)| (*kind, done.count()))
            .collect()
    };
    let fault = async {
        all_reach(&kinds.map(|kind| (kind, 0)).into()).await;
        local.kill(node).await.unwrap();
        wait_for_condition("another controller", PATIENCE, async || {
            let seen = scene
                .witness
                .describe(PATIENCE)
                .await
                .map_err(|error| error.to_string())?;
            match seen.controller {
                Some(other) if other != controller => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
        .unwrap();
        all_reach(&counts()).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (stop, scene) = (&stop, &scene);
    tokio::join!(
        fault,
        done["create"].again(stop, async |_| scene.create(&unique("made")).await),
        done["grow"].again(stop, async |_| scene.grow(&grown).await),
        done["delete"].again(stop, async |_| scene.delete(&unique("deleted")).await),
        done["produce"].again(stop, async |number| scene.produce(&written, number).await),
        done["truncate"].again(stop, async |number| scene
            .truncate(&truncated, number)
            .await),
        done["reset"].again(stop, async |number| scene.reset(&group, number).await),
        done["delete group"].again(stop, async |_| scene
            .delete_group(&unique("gone"), &moved)
            .await),
        done["apply"].again(stop, async |number| scene.apply(&applied, number).await),
    );
    local.start_node(node).await.unwrap();
    scene.delete_topics_of_two_copies().await;
    let told: BTreeMap<&str, u64> = counts();
    println!("done and seen: {told:?}");
}
