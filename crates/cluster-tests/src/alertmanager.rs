//! An Alertmanager with the configuration of the checkout, and a web address that takes its messages.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::routing::post;
use local_cluster::Cluster;
use local_cluster::launch::Launch;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::prometheus::program;

const PROGRAM: &str = "prometheus-alertmanager";
const PORT: u16 = 9093;

/// A running Alertmanager; it ends with the cluster.
#[derive(Debug)]
pub struct Alertmanager {
    /// Where it listens.
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Alertmanager {
    /// Starts it on the cluster's address. Does not wait until it answers.
    ///
    /// # Panics
    /// When it is not installed or cannot be started.
    pub async fn start(cluster: &Cluster) -> Self {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let url = receive(taken.clone()).await;
        let spec = cluster.spec();
        let address = SocketAddr::from((spec.address, PORT));
        let dir = spec.dir.join("alertmanager");
        std::fs::create_dir_all(&dir).expect("a directory for Alertmanager");
        let common =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prometheus/alertmanager.yml");
        let common = std::fs::read_to_string(common).expect("its configuration");
        let file = dir.join("alertmanager.yml");
        let own = common.replace("url: ALERT_WEBHOOK_URL", &format!("url: {url}"));
        std::fs::write(&file, own).expect("its own configuration");
        let launch = Launch {
            name: "alertmanager".into(),
            program: program(PROGRAM),
            args: vec![
                format!("--config.file={}", file.display()),
                format!("--storage.path={}", dir.join("data").display()),
                format!("--web.listen-address={address}"),
                "--cluster.listen-address=".into(),
                "--log.level=warn".into(),
            ],
            env: vec![],
            log: spec.log_file("alertmanager"),
            // The cluster's watchdog ends what has its pid there.
            pid_file: spec.pid_file("alertmanager"),
        };
        launch.spawn().expect("Alertmanager starts");
        Self { address, taken }
    }

    /// The messages so far.
    #[must_use]
    pub fn messages(&self) -> Vec<Value> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.clone()
    }
}

/// Takes messages on a free port; ends with the runtime.
async fn receive(taken: Arc<Mutex<Vec<Value>>>) -> String {
    let take = move |body: String| async move {
        let message = serde_json::from_str(&body).unwrap_or(Value::String(body));
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.push(message);
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!(
        "http://{}/alerts",
        listener.local_addr().expect("it is bound")
    );
    let router = Router::new().route("/alerts", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
