//! The three services, started in this process against a cluster, or reached by their addresses.

use std::path::{Path, PathBuf};

use clap::Parser;
use cluster_keys::Keys;
use local_cluster::{Cluster, wait_for_condition};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::PATIENCE;
use crate::api::Api;
use crate::secured;

/// Base URLs of running services to test in place of own ones: admin, health, load test, separated
/// by commas. For tests of a stack that was started by other means, such as Compose.
pub const TEST_SERVICES: &str = "TEST_SERVICES";

/// The three services of one cluster.
#[derive(Debug, Clone)]
pub struct Services {
    /// `kafka-admin-service`.
    pub admin: Api,
    /// `kafka-health-service`.
    pub health: Api,
    /// `load-test-service`.
    pub load_test: Api,
}

impl Services {
    /// The stop impact at `path` of the health service, once it is known what the topics need.
    ///
    /// # Panics
    /// When it stays UNKNOWN.
    pub async fn known_stop_impact(&self, path: &str) -> Value {
        wait_for_condition("a stop impact that is known", PATIENCE, || async {
            let impact = self.health.get(path).await.ok_json(200);
            if impact["verdict"] == "UNKNOWN" {
                Err(impact.to_string())
            } else {
                Ok(impact)
            }
        })
        .await
        .expect("health knows what stopping comes to")
    }
}

/// Services in this process; they end when this is dropped.
#[derive(Debug)]
pub struct Hosted {
    services: Services,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
    _data: tempfile::TempDir,
}

impl std::ops::Deref for Hosted {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the services are told about a cluster.
#[derive(Debug, Clone)]
pub struct Target {
    /// `bootstrap.servers`.
    pub bootstrap: String,
    /// Ids of the brokers that ought to be there.
    pub brokers: Vec<u16>,
    /// ZooKeeper client addresses; empty for a cluster without.
    pub zookeepers: Vec<String>,
    /// The declared topics; `None` declares none.
    pub topics_file: Option<PathBuf>,
    /// JMX agents, as the health service is told of them.
    pub jmx_agents: String,
    /// The topic of the canary; `None` runs none.
    pub canary: Option<String>,
    /// The keys of a secured cluster: each service is a principal of its own.
    pub keys: Option<Keys>,
}

impl Target {
    /// A cluster of ZooKeepers and brokers with the declared topics of the checkout.
    #[must_use]
    pub fn of(cluster: &Cluster) -> Self {
        Self {
            bootstrap: cluster.bootstrap(),
            brokers: (1..=cluster.spec().brokers).collect(),
            zookeepers: cluster
                .zookeepers()
                .iter()
                .map(ToString::to_string)
                .collect(),
            topics_file: Some(declared_topics()),
            jmx_agents: jmx_agents(cluster),
            canary: None,
            keys: cluster.keys(),
        }
    }
}

fn jmx_agents(cluster: &Cluster) -> String {
    let agents = cluster.jmx_targets().into_iter();
    let brokers = agents.filter(|(node, _)| node.is_broker());
    let agents = brokers.map(|(node, address)| format!("{}={address}", node.number));
    agents.collect::<Vec<_>>().join(",")
}

/// `kafka/topics.yml` of the checkout.
#[must_use]
pub fn declared_topics() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kafka/topics.yml")
}

/// The services of the shared cluster, or those that `TEST_SERVICES` names.
///
/// # Panics
/// When they cannot be started.
pub async fn shared_services() -> &'static Services {
    static SHARED: OnceCell<Services> = OnceCell::const_new();
    SHARED
        .get_or_init(|| async {
            if let Ok(urls) = std::env::var(TEST_SERVICES) {
                return named(&urls);
            }
            let cluster = local_cluster::shared().await.expect("a shared cluster");
            let hosted = host(&Target {
                canary: Some("__health_canary".to_owned()),
                ..Target::of(cluster)
            });
            let services = hosted.services.clone();
            // They end with the process, as the cluster does.
            std::mem::forget(hosted);
            services
        })
        .await
}

fn named(urls: &str) -> Services {
    let token = secured::named_keys().map(|keys| {
        let token = std::fs::read_to_string(keys.token("admin"));
        token.expect("the token of a secured stack")
    });
    let api = |url: &str| match &token {
        Some(token) => Api::with_token(url.trim(), token),
        None => Api::new(url.trim()),
    };
    let mut urls = urls.split(',').map(api);
    let mut next = || urls.next().expect("TEST_SERVICES has three URLs");
    Services {
        admin: next(),
        health: next(),
        load_test: next(),
    }
}

/// Starts the three services in this process on free ports, with a runtime of their own, since that
/// of a test ends with it. Does not wait for Kafka.
///
/// # Panics
/// When one refuses its settings.
#[must_use]
pub fn host(target: &Target) -> Hosted {
    let data = tempfile::tempdir().expect("a temporary folder");
    let settings = AllSettings::of(target, data.path());
    let stop = CancellationToken::new();
    let (started, addresses) = std::sync::mpsc::channel();
    let thread = {
        let stop = stop.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let sockets = [free_port().await, free_port().await, free_port().await];
                let urls = sockets
                    .each_ref()
                    .map(|socket| format!("http://{}", socket.local_addr().expect("it is bound")));
                started.send(urls).expect("the starter waits");
                serve(settings, sockets, stop).await;
            });
        })
    };
    let [admin, health, load_test] = addresses.recv().expect("the services start");
    Hosted {
        services: Services {
            admin: Api::new(&admin),
            health: Api::new(&health),
            load_test: Api::new(&load_test),
        },
        stop,
        thread: Some(thread),
        _data: data,
    }
}

async fn free_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

async fn serve(settings: AllSettings, sockets: [TcpListener; 3], stop: CancellationToken) {
    let [admin, health, load_test] = sockets;
    let ends = tokio::join!(
        kafka_admin_service::run(admin, settings.admin, stop.clone()),
        kafka_health_service::run(health, settings.health, stop.clone()),
        load_test_service::run(load_test, settings.load_test, stop.clone()),
    );
    for (name, end) in [("admin", ends.0), ("health", ends.1), ("load test", ends.2)] {
        if let Err(error) = end {
            eprintln!("the {name} service ended: {error:#}");
        }
    }
}

struct AllSettings {
    admin: kafka_admin_service::settings::Settings,
    health: kafka_health_service::settings::Settings,
    load_test: load_test_service::settings::Settings,
}

impl AllSettings {
    fn of(target: &Target, data: &Path) -> Self {
        let brokers = target.brokers.iter().map(ToString::to_string);
        let brokers = brokers.collect::<Vec<_>>().join(",");
        let with = |principal: &str, more: &[&str]| -> Vec<String> {
            let common = ["service", "--bootstrap-servers", &target.bootstrap];
            let keys = target.keys.iter();
            let properties = keys.map(|keys| keys.client(principal).display().to_string());
            let properties = properties.map(|file| format!("--kafka-properties-file={file}"));
            let arguments = common.iter().chain(more).map(ToString::to_string);
            arguments.chain(properties).collect()
        };
        let mut admin = with("kafka-admin-service", &["--expected-brokers", &brokers]);
        if let Some(file) = &target.topics_file {
            admin.extend(["--topics-file".to_owned(), file.display().to_string()]);
            admin.extend(["--audit-topic".to_owned(), "audit-logs".to_owned()]);
        }
        let zookeepers = target.zookeepers.join(",");
        let expected = format!("--expected-brokers={brokers}");
        let zookeepers = format!("--zookeeper-addresses={zookeepers}");
        let agents = format!("--jmx-agents={}", target.jmx_agents);
        let mut health = with("kafka-health-service", &[&expected, &zookeepers, &agents]);
        if let Some(keys) = &target.keys {
            let authority = keys.authority().display().to_string();
            let certificate = keys.certificate("kafka-health-service");
            let certificate = certificate.display().to_string();
            health.extend(["--zookeeper-ca".to_owned(), authority]);
            health.extend(["--zookeeper-certificate".to_owned(), certificate]);
        }
        if let Some(topic) = &target.canary {
            health.extend(["--canary-topic".to_owned(), topic.clone()]);
        }
        let data = data.display().to_string();
        let mut load_test = with("load-test-service", &["--data-dir", &data]);
        if let Some(keys) = &target.keys {
            let processor = keys.client("log-processor").display().to_string();
            load_test.extend(["--log-processor-properties-file".to_owned(), processor]);
        }
        Self {
            admin: kafka_admin_service::settings::Settings::parse_from(admin),
            health: kafka_health_service::settings::Settings::parse_from(health),
            load_test: load_test_service::settings::Settings::parse_from(load_test),
        }
    }
}
