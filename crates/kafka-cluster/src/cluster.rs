//! The cluster as a whole: connecting, describing, and probing one broker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::native::{self, Client};
use crate::{BrokerAddress, Connection, KafkaError};

/// One long-lived connection to a cluster, shared by all typed calls. Cheap to clone.
///
/// Connecting does not wait for Kafka: a cluster that is down shows in the calls, and is found again
/// by itself when it comes back.
#[derive(Clone)]
pub struct KafkaCluster {
    pub(crate) native: Arc<Client>,
    pub(crate) connection: Arc<Connection>,
}

/// What one broker says about the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDescription {
    /// The id that all brokers of one cluster share.
    pub cluster_id: Option<String>,
    /// The broker that is the controller, if this broker knows one.
    pub controller: Option<i32>,
    /// The live brokers, by id.
    pub brokers: Vec<BrokerDescription>,
}

/// A broker as registered in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BrokerDescription {
    /// `broker.id` / `node.id`.
    pub id: i32,
    /// Advertised host of the listener we came in by.
    pub host: String,
    /// Advertised port of the listener we came in by.
    pub port: u16,
    /// `broker.rack`, if set.
    pub rack: Option<String>,
}

/// A broker that hangs does not hold up the others for longer.
const RACK: Duration = Duration::from_secs(1);

impl KafkaCluster {
    /// Creates the client; does not wait for a broker.
    ///
    /// # Errors
    /// A property that librdkafka does not know or accept.
    pub fn connect(connection: Connection) -> Result<Self, KafkaError> {
        Ok(Self {
            native: Arc::new(Client::new(&connection)?),
            connection: Arc::new(connection),
        })
    }

    /// How this cluster is reached; producers and readers are made from it.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Requests that this client sent to brokers so far, by Kafka's name (`OffsetFetch`), as of librdkafka's
    /// newest statistics. Empty unless the property `statistics.interval.ms` is set.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.native.requests()
    }

    /// The live brokers, from whichever broker answers first: a small answer however large the
    /// cluster, and it needs no controller.
    ///
    /// # Errors
    /// `Unreachable` or `TimedOut` when no broker answered.
    pub async fn brokers(&self, deadline: Duration) -> Result<Vec<BrokerAddress>, KafkaError> {
        let metadata = native::metadata(&self.native, native::Topics::None, deadline).await?;
        Ok(metadata.brokers)
    }

    /// The controller as the newest metadata that this client was sent names it; asks nobody.
    #[must_use]
    pub fn controller(&self) -> Option<i32> {
        self.native.controller()
    }

    /// Describes the cluster: live brokers and controller as metadata names them, racks as each broker tells its
    /// own.
    ///
    /// Not by `DescribeCluster`: a broker that has just started may answer that without any broker, at which
    /// librdkafka 2.12.1 aborts the process (`rd_kafka_admin_response_parse`).
    ///
    /// # Errors
    /// `Unreachable` or `TimedOut` when no broker answered.
    pub async fn describe(&self, deadline: Duration) -> Result<ClusterDescription, KafkaError> {
        let live = self.brokers(deadline).await?;
        let mut racks = JoinSet::new();
        for broker in &live {
            let (cluster, id) = (self.clone(), broker.id);
            racks.spawn(async move { Some((id, cluster.rack(id, deadline.min(RACK)).await?)) });
        }
        let racks = racks.join_all().await.into_iter().flatten();
        let mut racks: BTreeMap<i32, String> = racks.collect();
        let brokers = live.into_iter().map(|broker| BrokerDescription {
            rack: racks.remove(&broker.id),
            id: broker.id,
            host: broker.host,
            port: broker.port,
        });
        let mut brokers: Vec<_> = brokers.collect();
        brokers.sort();
        Ok(ClusterDescription {
            cluster_id: self.native.cluster_id(),
            controller: self.controller(),
            brokers,
        })
    }

    /// `broker.rack`, as the broker itself tells; `None` where it has none, or does not answer.
    pub async fn rack(&self, broker: i32, deadline: Duration) -> Option<String> {
        let configs = self.broker_configs(broker, deadline).await.ok()?;
        let rack = configs
            .into_iter()
            .find(|config| config.name == "broker.rack");
        rack?.value.filter(|rack| !rack.is_empty())
    }

    /// Asks `broker` for something that only it can answer (its own settings), and returns how long
    /// that took. It goes through librdkafka, so that TLS and SASL are part of the proof.
    ///
    /// # Errors
    /// `Unreachable` when there is no connection, `TimedOut` when it does not answer in time.
    pub async fn probe(&self, broker: i32, deadline: Duration) -> Result<Duration, KafkaError> {
        let started = std::time::Instant::now();
        native::probe_broker(&self.native, broker, deadline).await?;
        Ok(started.elapsed())
    }
}
