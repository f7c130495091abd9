//! A single-node KRaft broker from the same jars: a cluster without ZooKeeper, to show that the
//! services need none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use secure_stream::BrokerSecurity;

use crate::error::{Result, io_error};
use crate::java::Java;
use crate::kafka_wire::metadata;
use crate::launch::{Launch, died};
use crate::layout::Layout;
use crate::node::NodeId;
use crate::ports;
use crate::process::ProcessId;
use crate::settings::{few_brokers, with_own};
use crate::spec::{ClusterSpec, Jvm};
use crate::test_home::TestHome;
use crate::tool;
use crate::wait::wait_for_condition;

const LONGEST_START: Duration = Duration::from_secs(60);
/// Any valid id will do; it is 16 bytes in URL-safe base64.
const CLUSTER_ID: &str = "bG9jYWwtY2x1c3Rlci0wMQ";

/// A running KRaft broker; it ends when this is dropped.
#[derive(Debug)]
pub struct KraftBroker {
    address: SocketAddr,
    process: ProcessId,
    _home: TestHome,
}

impl KraftBroker {
    /// `bootstrap.servers` for clients.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.address.to_string()
    }

    /// Stops it with SIGTERM, and kills it after 20 s.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub async fn stop(self) -> Result<()> {
        self.process.end(Duration::from_secs(20)).await.map(|_| ())
    }
}

/// Formats the directory of a broker that is its own controller, starts it and waits until it
/// answers.
///
/// # Errors
/// As [`crate::start_for_test`].
pub async fn start() -> Result<KraftBroker> {
    let layout = Layout::find()?;
    let java = Java::prepare(&layout).await?;
    let home = TestHome::any(&layout, "kraft").await?;
    let spec = ClusterSpec {
        address: home.address(),
        brokers: 1,
        jvm: Jvm::quick(),
        ..ClusterSpec::new(layout.root(), home.dir())
    };
    let started = start_node(&java, &spec).await;
    match started {
        Ok(process) => Ok(KraftBroker {
            address: spec.client_address(NodeId::broker(1)),
            process,
            _home: home,
        }),
        Err(error) => {
            home.keep_logs();
            Err(error)
        }
    }
}

async fn start_node(java: &Java, spec: &ClusterSpec) -> Result<ProcessId> {
    let node = NodeId::broker(1);
    let file = spec.settings_file(node);
    let common = std::fs::read_to_string(java.layout().broker_properties())
        .map_err(io_error("kafka/broker.properties"))?;
    let text = with_own(&common, "broker.properties", &own_settings(spec));
    std::fs::create_dir_all(spec.dir.join("conf"))
        .and_then(|()| std::fs::write(&file, text))
        .map_err(io_error(format!("settings {}", file.display())))?;
    let settings = file.to_string_lossy();
    let format = ["format", "-t", CLUSTER_ID, "-c", &settings];
    tool::run(java, "kafka.tools.StorageTool", &format).await?;
    let launch = Launch {
        name: node.to_string(),
        program: java.program.clone(),
        args: java.node_args(spec, node, &spec.jvm.broker_heap),
        env: vec![],
        log: spec.log_file("kafka-1"),
        pid_file: spec.pid_file("kafka-1"),
    };
    let process = launch.spawn()?;
    let address = spec.client_address(node);
    wait_for_condition("the KRaft broker to answer", LONGEST_START, || async {
        if !process.is_alive() {
            return Ok(Err(died("kafka-1", &launch.log)));
        }
        let plain = BrokerSecurity::plaintext();
        match metadata(address, &plain, Duration::from_secs(2)).await {
            Ok(answer) if answer.brokers == [1] => Ok(Ok(process)),
            Ok(answer) => Err(format!("brokers: {:?}", answer.brokers)),
            Err(error) => Err(error.to_string()),
        }
    })
    .await?
}

fn own_settings(spec: &ClusterSpec) -> BTreeMap<String, String> {
    let broker = spec.client_address(NodeId::broker(1));
    // The port of a broker that is not there.
    let controller = SocketAddr::from((spec.address, ports::client(NodeId::broker(2))));
    let mut own: BTreeMap<String, String> = [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", "1".to_owned()),
        ("controller.quorum.voters", format!("1@{controller}")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        (
            "listener.security.protocol.map",
            "EXTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        ),
        (
            "listeners",
            format!("EXTERNAL://{broker},CONTROLLER://{controller}"),
        ),
        ("advertised.listeners", format!("EXTERNAL://{broker}")),
        ("inter.broker.listener.name", "EXTERNAL".to_owned()),
        ("log.dirs", spec.data_dir("kafka-1").display().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    own.extend(
        few_brokers(1)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    own
}
