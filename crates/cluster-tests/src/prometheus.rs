//! A Prometheus that watches the shared cluster and its services with the rules of the checkout, or
//! the one that `TEST_PROMETHEUS` names.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use local_cluster::{Cluster, launch::Launch};
use reqwest::Url;
use serde_json::Value;

use crate::services::Services;

/// Base URL of a running Prometheus to ask in place of an own one.
pub const TEST_PROMETHEUS: &str = "TEST_PROMETHEUS";

/// Fast, so that rates need seconds and not minutes.
const SCRAPE_INTERVAL: &str = "1s";
const PORT: u16 = 9090;

/// A Prometheus to ask.
#[derive(Debug)]
pub struct Prometheus {
    base: Url,
}

impl Prometheus {
    /// The one that `TEST_PROMETHEUS` names, or one beside the shared cluster, on its address; that
    /// one ends with the cluster. Does not wait until it answers.
    ///
    /// # Panics
    /// When it is not installed or cannot be started.
    #[must_use]
    pub fn of(cluster: &Cluster, services: &Services) -> Self {
        Self::alerting(cluster, services, None)
    }

    /// The same, with alerts sent to this Alertmanager.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn alerting(
        cluster: &Cluster,
        services: &Services,
        alertmanager: Option<SocketAddr>,
    ) -> Self {
        if let Ok(url) = std::env::var(TEST_PROMETHEUS) {
            let base = Url::parse(&url).expect("TEST_PROMETHEUS is a URL");
            return Self { base };
        }
        let spec = cluster.spec();
        let address = SocketAddr::from((spec.address, PORT));
        let dir = spec.dir.join("prometheus");
        std::fs::create_dir_all(&dir).expect("a directory for Prometheus");
        let settings = dir.join("prometheus.yml");
        std::fs::write(
            &settings,
            document(cluster, services, address, alertmanager),
        )
        .expect("its settings");
        let launch = Launch {
            name: "prometheus".into(),
            program: program("prometheus"),
            args: vec![
                format!("--config.file={}", settings.display()),
                format!("--storage.tsdb.path={}", dir.join("data").display()),
                format!("--web.listen-address={address}"),
                "--log.level=warn".into(),
            ],
            env: vec![],
            log: spec.log_file("prometheus"),
            // The cluster's watchdog ends what has its pid there.
            pid_file: spec.pid_file("prometheus"),
        };
        launch.spawn().expect("Prometheus starts");
        let base = Url::parse(&format!("http://{address}")).expect("an address makes a URL");
        Self { base }
    }

    /// The `data` of an API call, or why there is none.
    ///
    /// # Errors
    /// What Prometheus, or the connection to it, said.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let mut url = self.base.join(path).expect("a path of the API");
        url.query_pairs_mut().extend_pairs(query);
        let answer = reqwest::get(url).await.map_err(|error| error.to_string())?;
        let body: Value = answer.json().await.map_err(|error| error.to_string())?;
        if body["status"] != "success" {
            return Err(format!("{query:?}: {body}"));
        }
        Ok(body["data"].clone())
    }

    /// How many series `expression` has now.
    ///
    /// # Errors
    /// As [`Prometheus::get`].
    pub async fn series(&self, expression: &str) -> Result<usize, String> {
        let data = self.get("/api/v1/query", &[("query", expression)]).await?;
        Ok(data["result"].as_array().map_or(0, Vec::len))
    }

    /// Every target that is watched: its name and whether it is `up`.
    ///
    /// # Errors
    /// As [`Prometheus::get`].
    pub async fn targets(&self) -> Result<Vec<(String, String)>, String> {
        let data = self.get("/api/v1/targets", &[("state", "active")]).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let targets = data["activeTargets"].as_array().into_iter().flatten();
        Ok(targets
            .map(|target| {
                let name = text(&target["labels"]["instance"]);
                (name, text(&target["health"]))
            })
            .collect())
    }

    /// The expressions of all rules, each with the rule's name, as loaded.
    ///
    /// # Errors
    /// As [`Prometheus::get`].
    pub async fn rules(&self) -> Result<Vec<(String, String)>, String> {
        let data = self.get("/api/v1/rules", &[]).await?;
        let groups = data["groups"].as_array().into_iter().flatten();
        let rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(rules
            .map(|rule| (text(&rule["name"]), text(&rule["query"])))
            .collect())
    }

    /// Everything that anybody exports or a rule records.
    ///
    /// # Errors
    /// As [`Prometheus::get`].
    pub async fn metric_names(&self) -> Result<BTreeSet<String>, String> {
        let data = self.get("/api/v1/label/__name__/values", &[]).await?;
        let names = data.as_array().into_iter().flatten();
        Ok(names
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect())
    }
}

/// A program: `test.sh` puts it on the path.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: ./test.sh gets it from Debian"))
}

/// The jobs of `prometheus/prometheus.yml` with the addresses of this cluster.
fn document(
    cluster: &Cluster,
    services: &Services,
    own: SocketAddr,
    alertmanager: Option<SocketAddr>,
) -> String {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prometheus/rules/*.yml");
    let mut text = format!(
        "global: {{scrape_interval: {SCRAPE_INTERVAL}, evaluation_interval: {SCRAPE_INTERVAL}}}\n\
         rule_files: [{rules:?}]\n"
    );
    if let Some(address) = alertmanager {
        let targets = format!("{{targets: [\"{address}\"]}}");
        writeln!(
            text,
            "alerting: {{alertmanagers: [{{static_configs: [{targets}]}}]}}"
        )
        .expect("a string takes any text");
    }
    text.push_str("scrape_configs:\n");
    let agents = cluster.jmx_targets();
    let nodes = |brokers: bool| -> Vec<(String, String)> {
        let chosen = agents
            .iter()
            .filter(|(node, _)| node.is_broker() == brokers);
        chosen
            .map(|(node, address)| (node.to_string(), address.to_string()))
            .collect()
    };
    let named = [
        ("kafka-admin-service", &services.admin),
        ("kafka-health-service", &services.health),
        ("load-test-service", &services.load_test),
    ];
    let services = named.map(|(name, api)| {
        let address = api.base().trim_start_matches("http://");
        (name.to_owned(), address.to_owned())
    });
    let prometheus = ("prometheus".to_owned(), own.to_string());
    for (job, targets) in [
        ("kafka", nodes(true)),
        ("zookeeper", nodes(false)),
        ("services", services.to_vec()),
        ("prometheus", vec![prometheus]),
    ] {
        write!(text, "- job_name: {job}\n  static_configs:\n").expect("a string takes any text");
        for (name, address) in targets {
            writeln!(
                text,
                "  - {{targets: [{address:?}], labels: {{instance: {name}}}}}"
            )
            .expect("a string takes any text");
        }
    }
    text
}
