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
mod rights;
mod srvr;
mod topic_settings;
mod zookeeper;

use std::path::PathBuf;
use std::sync::Arc;

use kafka_cluster::KafkaCluster;
use secure_stream::BrokerSecurity;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::settings::WatchSettings;
use crate::snapshot::{Snapshot, Store};

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
    collectors.spawn(rights::run(context.clone()));
    let settings = &context.settings;
    let properties = &context.cluster.connection().properties;
    let brokers = BrokerSecurity::from_properties(properties).ok();
    let brokers = brokers.and_then(|security| security.tls().cloned());
    // Properties of TLS mean nothing in plain text.
    let file = |name: &str| {
        let encrypted = brokers.is_some();
        let file = properties.get(name).filter(|_| encrypted);
        file.map(PathBuf::from)
    };
    let authorities = (file("ssl.ca.location"), settings.zookeeper_ca.clone());
    let certificates = (
        file("ssl.certificate.location"),
        settings.zookeeper_certificate.clone(),
    );
    let own = [
        certificates::own("CA", authorities.0, authorities.1),
        certificates::own(crate::NAME, certificates.0, certificates.1),
    ];
    let doors = certificates::Doors {
        own: own.concat().into_iter().collect(),
        brokers,
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

/// The brokers that answered their newest probe: nobody waits for the others.
fn answering(snapshot: &Snapshot) -> Vec<i32> {
    let answering = snapshot.brokers.values().filter(|broker| {
        broker.probes.failing.is_none() && broker.probes.answering_since.is_some()
    });
    answering.map(|broker| broker.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Cluster, refused};

    #[test]
    fn only_brokers_that_answer_are_asked_for_more() {
        let mut cluster = Cluster::healthy();
        let now = cluster.now;
        cluster.broker(2).probes.record(refused(now));
        assert_eq!(answering(&cluster.snapshot), [1, 3]);
        assert!(answering(&Snapshot::default()).is_empty());
    }
}
