//! Loads the cluster with realistic log events and reports what was acknowledged, how fast.
//!
//! [`plan`] says what a run should do, [`generator`] sends, [`mod@run`] takes it from plan to report,
//! [`ledger`] keeps the fate of each event, [`runs`] keeps to one run at a time and remembers them.
//! [`log_event`] is what is sent, and [`log_processor`] the consumer group that reads it.

pub mod cli;
pub mod disk_space;
pub mod generator;
pub mod kafka_watch;
pub mod ledger;
pub mod log_event;
pub mod log_processor;
pub mod metrics;
mod pages;
pub mod plan;
pub mod plan_fields;
pub mod routes;
pub mod run;
pub mod runs;
pub mod search;
pub mod settings;
pub mod state;
pub mod target;
pub mod topic_settings;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use kafka_cluster::KafkaCluster;
use service_kit::settings::HttpSettings;
use service_kit::{Access, Service, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use kafka_watch::KafkaWatch;
use log_processor::LogProcessor;
use metrics::Metrics;
use runs::{Archive, Runner};
use settings::Settings;
use state::AppState;

/// How long the end of the service waits for the log-processor to leave its group.
const LEAVE_PATIENCE: Duration = Duration::from_secs(3);
/// And for an interrupted run to be drained, summed up and stored: somewhat more than it takes.
const RUN_PATIENCE: Duration = run::STOP_DRAIN.saturating_add(Duration::from_secs(3));

/// Serves until `stop`. Starting does not wait for Kafka; stopping interrupts a run in progress,
/// whose report says so, and ends within some 10 seconds.
///
/// # Errors
/// Settings that cannot be used, or the operating system's refusal of threads or sockets.
pub async fn run(
    listener: TcpListener,
    settings: Settings,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let connection = settings.kafka.connection()?;
    let cluster = KafkaCluster::connect(connection.clone()).context("Kafka settings")?;
    let processor_settings = settings.log_processor.settings();
    let registry = prometheus::Registry::new();
    let metrics = Metrics::register(&registry, &processor_settings.topics)?;
    let archive = Archive::open(&settings.data_dir, settings.reports_kept.into());
    let runner = Runner::new(connection.clone(), metrics.clone(), archive, stop.clone());
    let watch = KafkaWatch::default();
    tokio::spawn(watch.clone().run(cluster.clone(), stop.clone()));
    let processor_connection = settings.log_processor.connection(&settings.kafka)?;
    let processor =
        LogProcessor::start(&processor_settings, &processor_connection, &metrics, &stop)?;

    let state = AppState {
        cluster,
        runner: runner.clone(),
        protected_topics: settings.protected_topics.into(),
    };
    let router = router(state, watch, registry, &settings.http)?;
    serve::run(listener, router, stop, settings.http.drain_timeout).await?;
    if tokio::time::timeout(RUN_PATIENCE, runner.idle())
        .await
        .is_err()
    {
        tracing::warn!("the run in progress did not end in time; it has no report");
    }
    processor.stopped(LEAVE_PATIENCE).await;
    Ok(())
}

/// The service's routes with everything around them; nothing runs in the background by it.
///
/// # Errors
/// A file of tokens that cannot be used.
pub fn router(
    state: AppState,
    watch: KafkaWatch,
    registry: prometheus::Registry,
    http: &HttpSettings,
) -> anyhow::Result<Router> {
    let readiness = Arc::new(move || watch.check());
    let version = env!("CARGO_PKG_VERSION");
    let service = Service::new("load-test-service", version, http, registry, readiness)
        .access(Access::open(http)?);
    let service = routes::RUN_PATHS
        .into_iter()
        .fold(service, |service, path| service.timeout_for(path, None));
    let routes = routes::router(state.clone()).merge(pages::router(state));
    Ok(service.assemble(routes))
}
