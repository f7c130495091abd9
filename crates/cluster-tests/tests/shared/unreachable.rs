//! No cluster at all: every call ends by its deadline and says so.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cluster_tests::client;
use kafka_cluster::{ErrorKind, KafkaError, NewTopic};

const DEADLINE: Duration = Duration::from_millis(800);
/// A call that forgot its deadline takes librdkafka's 10 s and more.
const ENDED_BY_DEADLINE: Duration = Duration::from_secs(8);

/// Holds a call to its deadline and to being told "unreachable", never "outcome unknown".
async fn ends_unreachable<T>(call: impl Future<Output = Result<T, KafkaError>>) {
    let started = Instant::now();
    let error = call.await.err().expect("nobody is there");
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error:?}");
    assert!(error.retriable());
    assert!(
        started.elapsed() < ENDED_BY_DEADLINE,
        "took {:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn every_call_ends_by_its_deadline() {
    let cluster = client("127.0.0.1:1");
    let topic = NewTopic {
        name: "never".to_owned(),
        partitions: 1,
        replication_factor: 1,
        configs: BTreeMap::default(),
    };
    ends_unreachable(cluster.metadata(DEADLINE)).await;
    ends_unreachable(cluster.brokers(DEADLINE)).await;
    ends_unreachable(cluster.describe(DEADLINE)).await;
    ends_unreachable(cluster.probe(1, DEADLINE)).await;
    ends_unreachable(cluster.create_topic(&topic, DEADLINE)).await;
    ends_unreachable(cluster.delete_topic("never", DEADLINE)).await;
    ends_unreachable(cluster.grow_topic("never", 2, DEADLINE)).await;
    ends_unreachable(cluster.topic_configs(&["never"], DEADLINE)).await;
    ends_unreachable(cluster.groups(DEADLINE)).await;
}

#[tokio::test]
async fn a_client_of_an_unreachable_cluster_closes_at_once() {
    let cluster = client("127.0.0.1:1");
    let _ = cluster.metadata(DEADLINE).await;
    let started = Instant::now();
    drop(cluster);
    assert!(
        started.elapsed() < ENDED_BY_DEADLINE,
        "took {:?}",
        started.elapsed()
    );
}
