//! Administers the cluster's topics over HTTP, and keeps the declared ones there.
//!
//! [`run`] is the whole service; it takes its socket and its stop token, so that tests start it
//! in-process. [`topic`] reads and writes topics, [`declared`] applies `kafka/topics.yml`, [`acls`]
//! `kafka/acls.yml`, [`routes`] says it in HTTP.

pub mod acls;
pub mod admission;
pub mod any_broker;
pub mod audit;
pub mod broker_roster;
pub mod call;
pub mod change;
pub mod cli;
pub mod configs;
pub mod declared;
pub mod deletion;
pub mod elections;
pub mod fingerprint;
pub mod groups;
pub mod guard;
pub mod idempotency;
pub mod locks;
pub mod metrics;
pub mod openapi;
pub mod overview;
pub mod problems;
pub mod query;
pub mod records;
pub mod remarks;
pub mod routes;
pub mod settings;
pub mod sparse;
pub mod state;
pub mod surroundings;
pub mod time_limits;
pub mod topic;
pub mod write_access;

use std::sync::Arc;

use anyhow::Context;
use axum::middleware::from_fn_with_state;
use kafka_cluster::KafkaCluster;
use prometheus::Registry;
use service_kit::{Access, Service, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::audit::{Refusals, Trail};
use crate::broker_roster::BrokerRoster;
use crate::configs::ConfigWriter;
use crate::declared::{Applier, Declared, Document};
use crate::groups::{GroupWriter, History};
use crate::idempotency::Replies;
use crate::locks::Locks;
use crate::metrics::AdminMetrics;
use crate::records::{Followers, RecordWriter};
pub use crate::settings::Settings;
use crate::state::{AppState, TopicDefaults};
use crate::topic::{PartitionCount, ReplicationFactor, Shapes, TopicWriter};
use crate::write_access::WriteAccess;

/// Of every call. The largest body is a document: a thousand topics with ten settings each are some 600 kB.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The service before it has a socket.
pub struct App {
    /// Every route.
    pub router: axum::Router,
    /// What applies the declared topics; none without a document.
    pub applier: Option<Applier>,
}

impl App {
    /// Puts the service together. Reads the declared document; asks no broker. Answers without an end end
    /// with `stop`.
    ///
    /// # Errors
    /// Settings that cannot be used, among them the declared document, with the line that is wrong.
    pub fn new(settings: &Settings, stop: CancellationToken) -> anyhow::Result<Self> {
        let document = read_document(settings)?;
        let cluster = KafkaCluster::connect(settings.kafka.connection()?)?;
        let registry = Registry::new();
        let metrics = AdminMetrics::register(&registry)?;
        let state = state(settings, &document, cluster, metrics, stop)?;
        let service = Service::new(
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            &settings.http,
            registry,
            state.declared.clone(),
        )
        .max_body_bytes(MAX_BODY_BYTES)
        .timeout_for("/api/apply", Some(time_limits::APPLY))
        .access(Access::open(&settings.http)?.judged_by(write_access::role));
        let access = WriteAccess {
            read_only: settings.read_only,
        };
        let admission = Admission::new(settings.max_concurrent_requests.into());
        let applier = (!document.topics.is_empty())
            .then(|| Applier::new(document, &state, settings.declared_check_interval));
        let refusals = state.audit.clone().map(Refusals::new);
        let mut router = service.assemble(routes::router(state, admission, access));
        if let Some(refusals) = refusals {
            router = router.layer(from_fn_with_state(refusals, audit::refusals_layer));
        }
        Ok(Self { router, applier })
    }
}

/// Serves on `listener` until `stop`, and applies the declared topics beside it.
///
/// Does not wait for Kafka: a cluster that is down shows in the answers.
///
/// # Errors
/// As [`App::new`], or a socket that cannot be served.
pub async fn run(
    listener: TcpListener,
    settings: Settings,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let app = App::new(&settings, stop.clone())?;
    let applying = app
        .applier
        .map(|applier| tokio::spawn(applier.run(stop.clone())));
    let drain = settings.http.drain_timeout;
    let served = serve::run(listener, app.router, stop.clone(), drain).await;
    stop.cancel();
    if let Some(applying) = applying {
        applying.await.context("applying the declared topics")?;
    }
    served.context("serving")
}

fn read_document(settings: &Settings) -> anyhow::Result<Document> {
    let Some(path) = &settings.topics_file else {
        return Ok(Document::default());
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the declared topics from {}", path.display()))?;
    let document =
        Document::parse(&text).with_context(|| format!("declared topics in {}", path.display()))?;
    anyhow::ensure!(
        document.deletes.is_empty(),
        "declared topics in {}: nothing is deleted at start; apply it instead",
        path.display()
    );
    Ok(document)
}

fn state(
    settings: &Settings,
    document: &Document,
    cluster: KafkaCluster,
    metrics: AdminMetrics,
    stop: CancellationToken,
) -> anyhow::Result<AppState> {
    let roster = Arc::new(BrokerRoster::new(
        settings.expected_brokers.0.iter().copied(),
    ));
    let path = settings
        .topics_file
        .as_ref()
        .map(|path| path.display().to_string());
    let topic_locks = Locks::default();
    let records = RecordWriter::new(cluster.connection().clone());
    let audit = settings.audit_topic.as_deref();
    let audit = audit.filter(|topic| !topic.is_empty());
    let mut guard = settings.guard.clone();
    guard.audit_topic = audit.map(str::to_owned);
    Ok(AppState {
        audit: audit.map(|topic| Trail::new(cluster.connection().clone(), topic)),
        writer: TopicWriter::new(
            cluster.clone(),
            roster.clone(),
            metrics.clone(),
            topic_locks.clone(),
        ),
        configs: ConfigWriter::new(cluster.clone(), topic_locks),
        groups: GroupWriter::new(
            cluster.clone(),
            History::open(settings.data_dir.as_deref())?,
        ),
        declared: Arc::new(Declared::new(path, document, metrics)),
        cluster,
        roster,
        replies: Replies::open(settings.data_dir.as_deref())?,
        shapes: Shapes::open(settings.data_dir.as_deref())?,
        records,
        followers: Followers::default(),
        stop,
        applying: Arc::default(),
        guard: Arc::new(guard),
        defaults: TopicDefaults {
            partitions: PartitionCount::new(settings.default_partitions.into())?,
            replication_factor: ReplicationFactor::new(settings.default_replication_factor.into())?,
        },
    })
}
