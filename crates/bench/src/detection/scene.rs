//! A fresh cluster, the health service's program beside it, and witnesses of the facts that are not it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kafka_cluster::{Connection, KafkaCluster, NewTopic};
use local_cluster::{Cluster, NodeId, wait_for_condition};
use tokio::net::TcpStream;

use super::PATIENCE;
use super::watch::Watch;
use crate::health_service::HealthService;

const DEADLINE: Duration = Duration::from_secs(10);
/// What is there all the time.
const TOPICS: [&str; 3] = ["log-events", "app-logs", "metrics"];
const PARTITIONS: i32 = 12;
/// Between two looks of a witness.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// HEALTHY for so long before a fault.
const CALM: Duration = Duration::from_secs(5);

/// Everything that a fault needs.
pub struct Scene {
    pub cluster: Cluster,
    pub client: KafkaCluster,
    pub watch: Watch,
}

impl Scene {
    /// Starts it; it ends with this value.
    ///
    /// # Errors
    /// What is missing to start it.
    pub async fn start() -> Result<Self> {
        let cluster = local_cluster::start_for_test("detection", |_| {}).await?;
        let client = KafkaCluster::connect(Connection::new(cluster.bootstrap()))?;
        for name in TOPICS {
            make_topic(&client, name, PARTITIONS, 3, "2").await?;
        }
        let service = HealthService::start(&cluster)?;
        let watch = Watch::start(&service.base);
        Ok(Self {
            cluster,
            client,
            watch,
        })
    }

    /// Waits until everything is whole and health has said so for some seconds.
    ///
    /// # Errors
    /// It does not become so.
    pub async fn calm(&self) -> Result<()> {
        self.whole().await?;
        let end = Instant::now() + PATIENCE;
        loop {
            let reports = self.watch.since(Instant::now() - CALM);
            let mut reports = reports.iter().filter_map(|answer| answer.report.as_ref());
            let enough = reports.clone().count() > 50;
            if enough && reports.all(|report| report.status == "HEALTHY") {
                return Ok(());
            }
            ensure!(Instant::now() < end, "it does not stay HEALTHY");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until every broker answers and every replica is in sync, and says when that was seen.
    ///
    /// # Errors
    /// It does not become so.
    pub async fn whole(&self) -> Result<Instant> {
        wait_for_condition("the cluster to be whole", PATIENCE, || async {
            for broker in 1..=3 {
                self.client
                    .probe(broker, Duration::from_secs(2))
                    .await
                    .map_err(|error| error.to_string())?;
            }
            let metadata = self.client.metadata(DEADLINE).await;
            let metadata = metadata.map_err(|error| error.to_string())?;
            let mut behind = metadata
                .partitions()
                .filter(|partition| partition.under_replicated() || partition.leader.is_none());
            match behind.next() {
                Some(partition) => Err(format!("{partition:?}")),
                None => Ok(()),
            }
        })
        .await?;
        Ok(Instant::now())
    }

    /// The address of a node.
    pub fn address(&self, node: NodeId) -> String {
        self.cluster.spec().client_address(node).to_string()
    }

    /// When a node refuses connections; begins to look at once.
    pub fn refuses(&self, node: NodeId) -> tokio::task::JoinHandle<Instant> {
        let address = self.cluster.spec().client_address(node);
        tokio::spawn(async move {
            while TcpStream::connect(address).await.is_ok() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Instant::now()
        })
    }

    /// When a partition of `topic` has no more than `count` replicas in sync; 0: no leader either.
    ///
    /// # Errors
    /// It does not come to that.
    pub async fn in_sync_at_most(&self, topic: &str, count: usize) -> Result<Instant> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Ok(topic) = self.client.topic(topic, Duration::from_secs(1)).await {
                let mut partitions = topic.partitions.iter();
                let reached = partitions.any(|partition| match partition.leader {
                    None => true,
                    Some(_) => count > 0 && partition.in_sync_replicas.len() <= count,
                });
                if reached {
                    return Ok(Instant::now());
                }
            }
            ensure!(
                Instant::now() < end,
                "{topic} keeps more than {count} replicas in sync"
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The controller.
    ///
    /// # Errors
    /// Nobody tells.
    pub async fn controller(&self) -> Result<u16> {
        let described = self.client.describe(DEADLINE).await?;
        let controller = described.controller.context("no controller")?;
        Ok(u16::try_from(controller)?)
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// Kafka's refusal.
    pub async fn topic(&self, name: &str, replicas: i32, min_in_sync: &str) -> Result<()> {
        make_topic(&self.client, name, 1, replicas, min_in_sync).await
    }
}

async fn make_topic(
    client: &KafkaCluster,
    name: &str,
    partitions: i32,
    replicas: i32,
    min_in_sync: &str,
) -> Result<()> {
    let topic = NewTopic {
        name: name.to_owned(),
        partitions,
        replication_factor: replicas,
        configs: [("min.insync.replicas".to_owned(), min_in_sync.to_owned())].into(),
    };
    client.create_topic(&topic, DEADLINE).await?;
    client
        .await_visible(name, usize::try_from(partitions)?, DEADLINE)
        .await?;
    Ok(())
}
