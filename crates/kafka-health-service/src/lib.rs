//! Watches the cluster and says what it knows about it.
//!
//! Collectors ask in the background ([`collect`]) and write what they saw into one [`snapshot`].
//! [`rules`] say what it means, and everything that is answered is read from there: the routes,
//! the metrics, the log. No request ever waits for Kafka.

pub mod announce;
pub mod canary;
pub mod collect;
#[cfg(test)]
mod fixtures;
pub mod maintenance;
pub mod metrics;
pub mod moment;
mod pages;
pub mod record;
pub mod report;
pub mod routes;
pub mod rules;
pub mod settings;
pub mod snapshot;
pub mod state;
pub mod webhook;

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use kafka_cluster::{Connection, KafkaCluster};
use prometheus::Registry;
use service_kit::settings::HttpSettings;
use service_kit::{Access, Service};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::canary::{Canary, CanaryMetrics};
use crate::maintenance::Windows;
use crate::record::Record;
pub use crate::settings::Settings;
use crate::settings::WatchSettings;
use crate::snapshot::{Agent, Connections, Snapshot, Store};
use crate::state::State;

/// The name of this service.
pub const NAME: &str = "kafka-health-service";

/// How often librdkafka tells how many requests it sent.
const STATISTICS_INTERVAL_MS: &str = "5000";

/// Watches and serves until `stop`. It starts, and answers, whether or not Kafka can be reached.
///
/// # Errors
/// Settings that Kafka's client does not accept, a key that others can get at, or a socket that cannot be served.
pub async fn run(
    listener: TcpListener,
    settings: Settings,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut connection = settings.kafka.connection()?;
    settings.watch.check_keys()?;
    let statistics = connection
        .properties
        .entry("statistics.interval.ms".to_owned());
    statistics.or_insert_with(|| STATISTICS_INTERVAL_MS.to_owned());
    let cluster = KafkaCluster::connect(connection).context("cannot make a Kafka client")?;
    let watch = &settings.watch;
    let mut snapshot = Snapshot::expecting(&watch.expected_brokers.0, &watch.zookeeper_addresses.0);
    let agents = watch.jmx_agents.0.keys();
    snapshot.connections = connections(cluster.connection(), watch);
    snapshot.jmx = agents.map(|id| (*id, Agent::default())).collect();
    let store = Arc::new(Store::new(snapshot));
    let kept = settings.history_kept.into();
    let record = match &settings.data_dir {
        Some(folder) => Record::open(folder, kept),
        None => Record::in_memory(kept),
    };
    let state = State::new(store.clone(), watch.limits())
        .with_partition_series(watch.most_partition_series)
        .recording(record, stop.clone())
        .maintained(Windows::open(settings.data_dir.as_deref())?);
    let registry = Registry::new();
    let metrics = CanaryMetrics::register(&registry).context("cannot register the metrics")?;
    let webhook = settings.webhook.open(&registry)?;
    let router = router(state.clone(), &settings.http, registry)?;

    let canary = settings.canary.topic().map(|topic| Canary {
        cluster: cluster.clone(),
        store: store.clone(),
        topic,
        interval: settings.canary.canary_interval,
        metrics,
    });
    let mut background = collect::start(cluster, &store, settings.watch, &stop);
    if let Some(canary) = canary {
        background.spawn(canary::run(canary, stop.clone()));
    }
    if let Some(webhook) = webhook {
        background.spawn(webhook::run(state.clone(), webhook, stop.clone()));
    }
    background.spawn(announce::run(state.clone(), stop.clone()));
    background.spawn(record::run(state, stop.clone()));
    let served =
        service_kit::serve::run(listener, router, stop.clone(), settings.http.drain_timeout);
    served.await.context("serving failed")?;
    stop.cancel();
    while background.join_next().await.is_some() {}
    Ok(())
}

/// How this service is connected, in Kafka's spelling.
fn connections(connection: &Connection, watch: &WatchSettings) -> Connections {
    let property = |name: &str| connection.properties.get(name);
    let protocol = property("security.protocol").map_or("plaintext", String::as_str);
    let mechanism = property("sasl.mechanism").or_else(|| property("sasl.mechanisms"));
    let any_zookeeper = !watch.zookeeper_addresses.0.is_empty();
    Connections {
        brokers: protocol.to_uppercase(),
        mechanism: mechanism.cloned(),
        zookeeper_encrypted: any_zookeeper.then(|| watch.zookeeper_tls().is_some()),
    }
}

/// The service's routes and everything around them, over `state`; `/metrics` shows `registry`.
///
/// # Errors
/// A file of tokens that cannot be used.
pub fn router(state: State, http: &HttpSettings, registry: Registry) -> anyhow::Result<Router> {
    metrics::register(&registry, state.clone()).context("cannot register the metrics")?;
    let service = Service::new(
        NAME,
        env!("CARGO_PKG_VERSION"),
        http,
        registry,
        Arc::new(state.clone()),
    )
    .access(Access::open(http)?);
    Ok(service.assemble(routes::router(state.clone()).merge(pages::router(state))))
}
