//! Prometheus beside the cluster, where its program is installed: the checkout's own
//! configuration and rules, with the targets of this cluster.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use local_cluster::error::io_error;
use local_cluster::layout::Layout;
use local_cluster::{Cluster, ClusterSpec, Result};

use crate::service::Service;

/// Its name in `status`, and its program.
pub const NAME: &str = "prometheus";
const PORT: u16 = 9090;

/// Its place.
pub fn service(spec: &ClusterSpec) -> Service {
    Service::new(spec, NAME, PORT)
}

/// The program, when it is installed.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(NAME))
        .find(|program| program.is_file())
}

/// Writes what it is to read, and answers with its arguments. Relative names in a configuration
/// mean the directory it was opened in, so the link finds the targets beside itself.
pub fn prepare(
    cluster: &Cluster,
    layout: &Layout,
    services: &[Service],
    alertmanager: Option<&Service>,
) -> Result<Vec<String>> {
    let spec = cluster.spec();
    let dir = spec.dir.join(NAME);
    write_targets(cluster, &dir.join("targets"), services, alertmanager)?;
    for name in ["prometheus.yml", "rules"] {
        let link = dir.join(name);
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(layout.root().join(NAME).join(name), &link)
            .map_err(io_error(format!("link {}", link.display())))?;
    }
    let data = spec.data_dir(NAME);
    std::fs::create_dir_all(&data).map_err(io_error(format!("directory {}", data.display())))?;
    Ok(vec![
        format!("--config.file={}", dir.join("prometheus.yml").display()),
        format!("--storage.tsdb.path={}", data.display()),
        "--storage.tsdb.retention.time=7d".into(),
        format!("--web.listen-address={}", service(spec).address),
        "--log.level=warn".into(),
    ])
}

fn write_targets(
    cluster: &Cluster,
    dir: &Path,
    services: &[Service],
    alertmanager: Option<&Service>,
) -> Result<()> {
    let agents = cluster.jmx_targets();
    let of_kind = |brokers: bool| -> Vec<(String, SocketAddr)> {
        let chosen = agents
            .iter()
            .filter(|(node, _)| node.is_broker() == brokers);
        chosen
            .map(|&(node, address)| (node.to_string(), address))
            .collect()
    };
    let of_services = services
        .iter()
        .map(|service| (service.name.to_owned(), service.address))
        .collect();
    std::fs::create_dir_all(dir).map_err(io_error(format!("directory {}", dir.display())))?;
    for (name, targets) in [
        ("kafka.yml", of_kind(true)),
        ("zookeeper.yml", of_kind(false)),
        ("services.yml", of_services),
        (
            "prometheus.yml",
            vec![(NAME.to_owned(), service(cluster.spec()).address)],
        ),
        (
            "alertmanager.yml",
            alertmanager
                .map(|one| (one.name.to_owned(), one.address))
                .into_iter()
                .collect(),
        ),
    ] {
        let file = dir.join(name);
        std::fs::write(&file, targets_document(&targets))
            .map_err(io_error(format!("targets {}", file.display())))?;
    }
    Ok(())
}

/// One group per target, since each has its own `instance`.
fn targets_document(targets: &[(String, SocketAddr)]) -> String {
    let mut text = String::from("# Written by local-cluster at each `up`.\n");
    for (instance, address) in targets {
        writeln!(
            text,
            "- targets: [\"{address}\"]\n  labels:\n    instance: {instance}"
        )
        .expect("a string takes any text");
    }
    if targets.is_empty() {
        text.push_str("[]\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_named_after_its_node() {
        let targets = [(
            "kafka-1".to_owned(),
            SocketAddr::from(([127, 0, 0, 1], 17071)),
        )];
        let text = targets_document(&targets);
        assert!(
            text.ends_with("- targets: [\"127.0.0.1:17071\"]\n  labels:\n    instance: kafka-1\n")
        );
        assert!(targets_document(&[]).ends_with("[]\n"));
    }
}
