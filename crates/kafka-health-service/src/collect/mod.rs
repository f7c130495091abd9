//! What goes on in the background: each collector asks on its own period with its own deadline and
//! writes what it saw into the snapshot. None waits for another.

mod brokers;
mod certificates;
mod connect;
mod controller;
mod groups;
mod jmx;
mod pace;
mod partitions;
mod residue;
mod srvr;
mod topic_settings;
mod zookeeper;

use std::sync::Arc;

use kafka_cluster::KafkaCluster;
use secure_stream::BrokerSecurity;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::settings::WatchSettings;
use crate::snapshot::Store;

/// What every collector of Kafka works with.
#[derive(Clone)]
struct Context {
    cluster: KafkaCluster,
    store: Arc<Store>,
    settings: Arc<WatchSettings>,
    stop: CancellationToken,
}

/// Starts all collectors. They run until `stop` and then end within a moment; dropping the set
/// ends them too.
pub fn start(
    cluster: KafkaCluster,
    store: &Arc<Store>,
    settings: WatchSettings,
    stop: &CancellationToken,
) -> JoinSet<()> {
    let context = Context {
        cluster,
        store: store.clone(),
        settings: Arc::new(settings),
        stop: stop.clone(),
    };
    let mut collectors = JoinSet::new();
    collectors.spawn(brokers::run(context.clone()));
    collectors.spawn(controller::run(context.clone()));
    collectors.spawn(partitions::run(context.clone()));
    collectors.spawn(topic_settings::run(context.clone()));
    collectors.spawn(groups::run(context.clone()));
    let settings = &context.settings;
    let properties = &context.cluster.connection().properties;
    let doors = certificates::Doors {
        brokers: BrokerSecurity::from_properties(properties)
            .ok()
            .and_then(|security| security.tls().cloned()),
        zookeepers: settings.zookeeper_tls(),
    };
    if doors.any() {
        collectors.spawn(certificates::run(context.clone(), doors));
    }
    for address in &settings.zookeeper_addresses.0 {
        collectors.spawn(zookeeper::run(
            address.clone(),
            settings.zookeeper_tls(),
            store.clone(),
            settings.zookeeper_interval,
            stop.clone(),
        ));
    }
    for (id, address) in &settings.jmx_agents.0 {
        collectors.spawn(jmx::run(*id, address.clone(), store.clone(), stop.clone()));
    }
    collectors
}
