//! Topics with records in them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kafka_cluster::{
    Delivery, DeliveryObserver, KafkaCluster, NewTopic, RecordProducer, Visibility,
};

use crate::PATIENCE;
use crate::names::unique;

/// A topic of three replicas that is visible everywhere; returns its name.
///
/// # Panics
/// When it cannot be made.
pub async fn new_topic(cluster: &KafkaCluster, partitions: i32) -> String {
    let topic = NewTopic {
        name: unique("topic"),
        partitions,
        replication_factor: 3,
        configs: BTreeMap::from([("min.insync.replicas".to_owned(), "2".to_owned())]),
    };
    cluster
        .create_topic(&topic, PATIENCE)
        .await
        .expect("created");
    let count = usize::try_from(partitions).expect("not negative");
    let seen = cluster.await_visible(&topic.name, count, PATIENCE).await;
    assert!(matches!(seen, Ok(Visibility::Everywhere(_))), "{seen:?}");
    topic.name
}

#[derive(Default)]
struct Acknowledged(AtomicUsize);

impl DeliveryObserver for Acknowledged {
    fn delivered(&self, _: usize, delivery: &Delivery) {
        match delivery {
            Delivery::Acknowledged { .. } => {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
            Delivery::Failed { error, .. } => eprintln!("not acknowledged: {error}"),
        }
    }
}

/// Writes `count` records to one partition; each payload is its number.
///
/// # Panics
/// When one of them is not acknowledged.
pub async fn produce(cluster: &KafkaCluster, topic: &str, partition: i32, count: usize) {
    let config = cluster.connection().producer_config("test");
    let topic = topic.to_owned();
    let acknowledged = tokio::task::spawn_blocking(move || {
        let observer = Arc::new(Acknowledged::default());
        let producer = RecordProducer::new(&config, observer.clone()).expect("a producer");
        for number in 0..count {
            let payload = number.to_string();
            producer
                .send(&topic, Some(partition), None, payload.as_bytes(), number)
                .expect("the queue takes a few records");
        }
        producer.drain(PATIENCE);
        observer.0.load(Ordering::Relaxed)
    });
    assert_eq!(
        acknowledged.await.expect("no panic"),
        count,
        "acknowledged records"
    );
}
