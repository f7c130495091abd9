//! The programs beside the cluster: where each listens and what it is told by its environment.
//! They are started from a directory and otherwise unknown here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use local_cluster::launch::Launch;
use local_cluster::layout::Layout;
use local_cluster::process::{Life, ProcessId};
use local_cluster::status::ProcessStatus;
use local_cluster::{ClusterSpec, Result, ports};

/// The admin service, which also gives rights.
pub const ADMIN: &str = "kafka-admin-service";
/// The health service, whose verdict `up` waits for.
pub const HEALTH: &str = "kafka-health-service";

/// The load test, in which the log processor is a principal of its own.
const LOAD_TEST: &str = "load-test-service";

/// The services in the order of their ports.
const SERVICES: [(&str, u16); 3] = [(ADMIN, 8081), (HEALTH, 8082), (LOAD_TEST, 8083)];

/// One program and its place.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name, which is its binary's too.
    pub name: &'static str,
    /// Where it listens: the address of the nodes.
    pub address: SocketAddr,
    pid_file: PathBuf,
    log: PathBuf,
    token_header: Option<PathBuf>,
}

impl Service {
    /// A program of the cluster in `spec.dir`.
    pub fn new(spec: &ClusterSpec, name: &'static str, port: u16) -> Self {
        Self {
            name,
            address: SocketAddr::from((spec.address, port)),
            pid_file: spec.pid_file(name),
            log: spec.log_file(name),
            token_header: spec.keys().map(|keys| keys.token_header("viewer")),
        }
    }

    /// The three services.
    pub fn all(spec: &ClusterSpec) -> Vec<Self> {
        let services = SERVICES.iter();
        services
            .map(|&(name, port)| Self::new(spec, name, port))
            .collect()
    }

    /// Who it is, while it lives.
    pub fn process(&self) -> Option<ProcessId> {
        ProcessId::read(&self.pid_file).filter(|process| process.life() != Life::Ended)
    }

    /// Its line of `status`.
    pub fn status(&self) -> ProcessStatus {
        ProcessStatus::read(self.name, self.address, &self.pid_file)
    }

    /// Its log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The header with which one may look at it; empty where everybody may.
    pub fn token_header(&self) -> String {
        let file = self.token_header.as_ref();
        let text = file.and_then(|file| std::fs::read_to_string(file).ok());
        text.unwrap_or_default().trim().to_owned()
    }

    /// Fails when somebody else has its port.
    pub fn require_free_port(&self) -> Result<()> {
        ports::require_free(self.address, self.name)
    }

    /// Starts `program` in its place.
    pub fn launch(
        &self,
        program: &Path,
        args: Vec<String>,
        env: Vec<(String, String)>,
    ) -> Result<()> {
        let launch = Launch {
            name: self.name.to_owned(),
            program: program.to_owned(),
            args,
            env,
            log: self.log.clone(),
            pid_file: self.pid_file.clone(),
        };
        launch.spawn().map(|_| ())
    }

    /// Forgets a process that ended when told to.
    pub fn forget(&self) {
        let _ = std::fs::remove_file(&self.pid_file);
    }
}

/// What a service is told. `RUST_LOG` and everything else passes through.
pub fn environment(
    service: &Service,
    spec: &ClusterSpec,
    layout: &Layout,
) -> Vec<(String, String)> {
    let brokers: Vec<String> = (1..=spec.brokers).map(|id| id.to_string()).collect();
    let mut variables = vec![
        ("LISTEN", service.address.to_string()),
        ("KAFKA_BOOTSTRAP_SERVERS", spec.bootstrap()),
        ("EXPECTED_BROKERS", brokers.join(",")),
        (
            "DATA_DIR",
            spec.data_dir(service.name).display().to_string(),
        ),
    ];
    if let Some(keys) = spec.keys() {
        let file = |path: PathBuf| path.display().to_string();
        variables.push(("KAFKA_PROPERTIES_FILE", file(keys.client(service.name))));
        variables.push(("TOKENS_FILE", file(keys.tokens())));
        if service.name == LOAD_TEST {
            let processor = file(keys.client("log-processor"));
            variables.push(("LOG_PROCESSOR_PROPERTIES_FILE", processor));
        }
        if service.name == HEALTH {
            variables.push(("ZOOKEEPER_CA_FILE", file(keys.authority())));
            let certificate = file(keys.certificate(HEALTH));
            variables.push(("ZOOKEEPER_CERTIFICATE_FILE", certificate));
        }
    }
    match service.name {
        ADMIN => {
            variables.push(("TOPICS_FILE", layout.topics_file().display().to_string()));
            variables.push(("AUDIT_TOPIC", "audit-logs".to_owned()));
        }
        HEALTH => {
            variables.push(("ZOOKEEPER_ADDRESSES", spec.zookeeper_connect()));
            variables.push(("CANARY_TOPIC", "__health_canary".to_owned()));
            let agents = spec.broker_nodes().into_iter().map(|node| {
                let address = SocketAddr::from((spec.address, ports::agent(node)));
                format!("{}={address}", node.number)
            });
            variables.push(("JMX_AGENTS", agents.collect::<Vec<_>>().join(",")));
        }
        _ => {}
    }
    let owned = variables.into_iter();
    owned
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_told_which_brokers_to_expect() {
        let layout = Layout::find().unwrap();
        let mut spec = ClusterSpec::new(layout.root(), Path::new("/d"));
        spec.brokers = 4;
        let health = &Service::all(&spec)[1];
        let variables = environment(health, &spec, &layout);
        let value = |name: &str| {
            let found = variables.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("EXPECTED_BROKERS"), Some("1,2,3,4"));
        assert_eq!(value("LISTEN"), Some("127.0.0.1:8082"));
        assert_eq!(value("DATA_DIR"), Some("/d/data/kafka-health-service"));
        assert_eq!(value("TOPICS_FILE"), None);
        assert_eq!(value("KAFKA_PROPERTIES_FILE"), None);
    }

    #[test]
    fn each_service_of_a_secured_cluster_is_a_principal_of_its_own() {
        let layout = Layout::find().unwrap();
        let mut spec = ClusterSpec::new(layout.root(), Path::new("/d"));
        spec.secure = true;
        for service in Service::all(&spec) {
            let variables = environment(&service, &spec, &layout);
            let expected = format!("/d/keys/clients/{}.properties", service.name);
            assert!(variables.contains(&("KAFKA_PROPERTIES_FILE".to_owned(), expected)));
        }
    }
}
