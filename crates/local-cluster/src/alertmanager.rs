//! Alertmanager beside Prometheus, where its program is installed and somebody says where alerts go.

use std::path::PathBuf;

use local_cluster::error::io_error;
use local_cluster::layout::Layout;
use local_cluster::{ClusterSpec, Result};

use crate::service::Service;

/// Its name in `status`.
pub const NAME: &str = "alertmanager";
const PORT: u16 = 9093;
/// The variable that says where alerts go, and the word for it in the configuration.
pub const ADDRESS: &str = "ALERT_WEBHOOK_URL";
/// Debian's name of the program, and everybody else's.
const PROGRAMS: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

/// The program, and where alerts go.
#[derive(Debug, Clone)]
pub struct Alertmanager {
    program: PathBuf,
    address: String,
}

/// Its place.
pub fn service(spec: &ClusterSpec) -> Service {
    Service::new(spec, NAME, PORT)
}

/// What is to be started; says why not where somebody wants alerts and nothing can deliver them.
pub fn wanted() -> Option<Alertmanager> {
    let address = std::env::var(ADDRESS).unwrap_or_default().trim().to_owned();
    if address.is_empty() {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path);
    let program = places.find_map(|directory| {
        let candidates = PROGRAMS.map(|name| directory.join(name));
        candidates.into_iter().find(|program| program.is_file())
    });
    if program.is_none() {
        say!(
            "{ADDRESS} is set, and Alertmanager is not installed: alerts are not delivered (Debian: \
             prometheus-alertmanager)"
        );
    }
    Some(Alertmanager {
        program: program?,
        address,
    })
}

/// Starts it, after writing what it is to read.
pub fn start(alertmanager: &Alertmanager, spec: &ClusterSpec, layout: &Layout) -> Result<()> {
    let dir = spec.dir.join(NAME);
    let data = spec.data_dir(NAME);
    for dir in [&dir, &data] {
        std::fs::create_dir_all(dir).map_err(io_error(format!("directory {}", dir.display())))?;
    }
    let common = layout.root().join("prometheus/alertmanager.yml");
    let text = std::fs::read_to_string(&common)
        .map_err(io_error(format!("configuration {}", common.display())))?;
    let file = dir.join("alertmanager.yml");
    let own = configured(&text, &alertmanager.address);
    // An address often is a secret.
    cluster_keys::write_secret(&file, own.as_bytes())?;
    let service = service(spec);
    let args = vec![
        format!("--config.file={}", file.display()),
        format!("--storage.path={}", data.display()),
        format!("--web.listen-address={}", service.address),
        // It is alone.
        "--cluster.listen-address=".into(),
        "--log.level=warn".into(),
    ];
    service.launch(&alertmanager.program, args, vec![])
}

/// The address goes in as a YAML text: JSON's texts are YAML's too.
fn configured(text: &str, address: &str) -> String {
    let address = format!("{address:?}");
    text.replace(&format!("url: {ADDRESS}"), &format!("url: {address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_goes_into_the_configuration_of_the_checkout() {
        let text = include_str!("../../../prometheus/alertmanager.yml");
        let own = configured(text, "http://127.0.0.1:9/a?b=c");
        assert!(
            own.contains("- url: \"http://127.0.0.1:9/a?b=c\"\n"),
            "{own}"
        );
    }
}
