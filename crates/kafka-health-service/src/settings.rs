//! The settings of this service: each is one field with its flag, its environment variable, its
//! default and its help.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use prometheus::Registry;
use secure_stream::Tls;
use service_kit::program::Command;
use service_kit::settings::{
    HttpSettings, KafkaSettings, LogSettings, parse_duration, require_private_key,
};

use crate::rules::Limits;
use crate::webhook::Webhook;

/// Watches a Kafka cluster and says what it knows about it: GET /api/health.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "kafka-health-service", version)]
pub struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Address to listen on
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8082")]
    pub listen: SocketAddr,

    /// Folder for the history; made if it is not there. Without it the history ends with the service
    #[arg(long, env = "DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,

    /// Incidents and changes of the status that are kept, of each so many; the oldest go first
    #[arg(long, env = "HISTORY_KEPT", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    pub history_kept: u16,

    /// What is watched, and how often.
    #[command(flatten)]
    pub watch: WatchSettings,

    /// The canary.
    #[command(flatten)]
    pub canary: CanarySettings,

    /// The webhook.
    #[command(flatten)]
    pub webhook: WebhookSettings,

    /// How requests are served.
    #[command(flatten)]
    pub http: HttpSettings,

    /// How the cluster is reached.
    #[command(flatten)]
    pub kafka: KafkaSettings,

    /// What is logged.
    #[command(flatten)]
    pub logs: LogSettings,
}

/// What is watched, and how often.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchSettings {
    /// Ids of the brokers that must be there, such as 1,2,3. Others are learned from metadata and
    /// then expected as long as this service runs
    #[arg(
        long,
        env = "EXPECTED_BROKERS",
        default_value = "",
        hide_default_value = true
    )]
    pub expected_brokers: BrokerIds,

    /// Time from one probe of a broker to the next
    #[arg(long, env = "PROBE_INTERVAL", default_value = "1s", value_parser = parse_duration)]
    pub probe_interval: Duration,

    /// How long a broker may be silent before it counts as down; a refused connection counts at
    /// once
    #[arg(long, env = "PROBE_DEADLINE", default_value = "2500ms", value_parser = parse_duration)]
    pub probe_deadline: Duration,

    /// Time from one reading of topics and partitions to the next
    #[arg(long, env = "METADATA_INTERVAL", default_value = "2s", value_parser = parse_duration)]
    pub metadata_interval: Duration,

    /// Longest time from one full check to the next: consumer lag and topic settings. Lag is
    /// measured more often, every 5 s at most, as long as that takes less than a twentieth of the
    /// time
    #[arg(long, env = "CHECK_INTERVAL", default_value = "30s", value_parser = parse_duration)]
    pub check_interval: Duration,

    /// Known lag, in records, above which a consumer group degrades the cluster; lag never does
    /// unless this is given
    #[arg(long, env = "LAG_LIMIT")]
    pub lag_limit: Option<u64>,

    /// ZooKeeper nodes, such as zookeeper-1:2181,zookeeper-2:2181; none are watched unless given
    #[arg(
        long,
        env = "ZOOKEEPER_ADDRESSES",
        default_value = "",
        hide_default_value = true
    )]
    pub zookeeper_addresses: Addresses,

    /// File with the CAs of the ZooKeeper nodes (PEM): they are asked by TLS, in plain text without it.
    /// This file and the next two are read at each check
    #[arg(long, env = "ZOOKEEPER_CA_FILE", value_name = "FILE")]
    pub zookeeper_ca: Option<PathBuf>,

    /// File with the certificate that is shown to them (PEM), and its key unless that has a file of its
    /// own; ZooKeeper wants one unless ssl.clientAuth says otherwise
    #[arg(
        long,
        env = "ZOOKEEPER_CERTIFICATE_FILE",
        value_name = "FILE",
        requires = "zookeeper_ca"
    )]
    pub zookeeper_certificate: Option<PathBuf>,

    /// File with the key of that certificate (PEM, no passphrase)
    #[arg(
        long,
        env = "ZOOKEEPER_KEY_FILE",
        value_name = "FILE",
        requires = "zookeeper_certificate"
    )]
    pub zookeeper_key: Option<PathBuf>,

    /// Time from one check of a ZooKeeper node to the next
    #[arg(long, env = "ZOOKEEPER_INTERVAL", default_value = "2s", value_parser = parse_duration)]
    pub zookeeper_interval: Duration,

    /// JMX agents of brokers that export Prometheus metrics, such as 1=kafka-1:7071,2=kafka-2:7071: one more
    /// witness of each broker
    #[arg(
        long,
        env = "JMX_AGENTS",
        default_value = "",
        hide_default_value = true
    )]
    pub jmx_agents: JmxAgents,

    /// How many series of lag by group, topic and partition /metrics may show; 0 shows none. How
    /// many did not fit is a metric of its own
    #[arg(long, env = "MOST_PARTITION_SERIES", default_value_t = 2000)]
    pub most_partition_series: usize,
}

/// The canary: records that are written, read back and accounted for.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Canary")]
pub struct CanarySettings {
    /// Topic of the canary, made if it is not there: one partition for each broker. No canary without it
    #[arg(
        long,
        env = "CANARY_TOPIC",
        default_value = "",
        hide_default_value = true
    )]
    pub canary_topic: String,

    /// Time between two records to the same partition
    #[arg(long, env = "CANARY_INTERVAL", default_value = "500ms", value_parser = parse_duration)]
    pub canary_interval: Duration,
}

impl CanarySettings {
    /// The topic, where there is to be a canary.
    #[must_use]
    pub fn topic(&self) -> Option<String> {
        let topic = self.canary_topic.trim();
        (!topic.is_empty()).then(|| topic.to_owned())
    }
}

/// A web address that is told what happens.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Webhook")]
pub struct WebhookSettings {
    /// Address that is told of each change of the status and each incident (Standard Webhooks)
    #[arg(
        long,
        env = "WEBHOOK_URL",
        default_value = "",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub webhook_url: String,

    /// File with the key that messages are signed with, as whsec_BASE64 or as text; unsigned without it
    #[arg(long, env = "WEBHOOK_SECRET_FILE", value_name = "FILE")]
    pub webhook_secret_file: Option<PathBuf>,
}

impl WebhookSettings {
    /// The webhook, where there is one; what it counts is added to `registry`.
    ///
    /// # Errors
    /// As [`Webhook::open`].
    pub fn open(&self, registry: &Registry) -> anyhow::Result<Option<Webhook>> {
        let url = self.webhook_url.trim();
        if url.is_empty() {
            return Ok(None);
        }
        Webhook::open(url, self.webhook_secret_file.as_deref(), registry).map(Some)
    }
}

/// Broker ids, separated by commas; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokerIds(pub Vec<i32>);

/// `host:port` addresses, separated by commas; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(pub Vec<String>);

/// `id=host:port` of JMX agents, separated by commas; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JmxAgents(pub BTreeMap<i32, String>);

/// A list that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{item:?} is not {expected}")]
pub struct ListError {
    item: String,
    expected: &'static str,
}

impl WatchSettings {
    /// What follows from these settings for judging.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            lag: self.lag_limit,
            ..Limits::for_periods(
                self.probe_interval,
                self.probe_deadline,
                self.metadata_interval,
                self.check_interval,
                self.zookeeper_interval,
            )
        }
    }

    /// Refuses the key that is shown to ZooKeeper where others can get at its file.
    ///
    /// # Errors
    /// As [`require_private_key`].
    pub fn check_keys(&self) -> anyhow::Result<()> {
        let files = [&self.zookeeper_certificate, &self.zookeeper_key];
        files
            .into_iter()
            .flatten()
            .try_for_each(|file| require_private_key(file))
    }

    /// How ZooKeeper nodes are asked by TLS; `None` where they are asked in plain text.
    #[must_use]
    pub fn zookeeper_tls(&self) -> Option<Tls> {
        let tls = Tls::with_authorities(self.zookeeper_ca.as_ref()?);
        Some(match &self.zookeeper_certificate {
            Some(file) => tls.with_certificate(file.clone(), self.zookeeper_key.clone()),
            None => tls,
        })
    }
}

impl FromStr for BrokerIds {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        let mut ids = items(text)
            .map(|item| match item.parse() {
                Ok(id) if id >= 0 => Ok(id),
                _ => Err(error(item, "a broker id (0, 1, 2, ...)")),
            })
            .collect::<Result<Vec<i32>, _>>()?;
        ids.sort_unstable();
        ids.dedup();
        Ok(Self(ids))
    }
}

impl FromStr for Addresses {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        let is_address = |item: &str| {
            item.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
            })
        };
        let mut addresses = Vec::new();
        for item in items(text) {
            if !is_address(item) {
                return Err(error(item, "an address (host:port)"));
            }
            if !addresses.iter().any(|address| address == item) {
                addresses.push(item.to_owned());
            }
        }
        Ok(Self(addresses))
    }
}

impl FromStr for JmxAgents {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        let mut agents = BTreeMap::new();
        for item in items(text) {
            let parsed = item.split_once('=').and_then(|(id, address)| {
                let id = id.parse::<i32>().ok().filter(|id| *id >= 0)?;
                let address = address.parse::<Addresses>().ok()?.0.pop()?;
                Some((id, address))
            });
            let Some((id, address)) = parsed else {
                return Err(error(item, "an agent (id=host:port)"));
            };
            agents.insert(id, address);
        }
        Ok(Self(agents))
    }
}

impl fmt::Display for BrokerIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&ids.join(","))
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    let blank = text.trim().is_empty();
    text.split(',').map(str::trim).skip(usize::from(blank))
}

fn error(item: &str, expected: &'static str) -> ListError {
    ListError {
        item: item.to_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Settings, clap::Error> {
        Settings::try_parse_from([&["kafka-health-service"], arguments].concat())
    }

    #[test]
    fn without_arguments_nothing_is_expected_and_zookeeper_is_off() {
        let watch = parse(&[]).unwrap().watch;
        assert_eq!(watch.expected_brokers, BrokerIds(Vec::new()));
        assert_eq!(watch.zookeeper_addresses, Addresses(Vec::new()));
        assert_eq!(watch.limits(), Limits::default());
        assert_eq!(watch.zookeeper_tls(), None);
    }

    #[test]
    fn lists_are_separated_by_commas_and_repetitions_dropped() {
        let watch = parse(&[
            "--expected-brokers",
            "3, 1,2,1",
            "--zookeeper-addresses",
            "a:1,b:2,a:1",
        ])
        .unwrap()
        .watch;
        assert_eq!(watch.expected_brokers, BrokerIds(vec![1, 2, 3]));
        assert_eq!(
            watch.zookeeper_addresses,
            Addresses(vec!["a:1".into(), "b:2".into()])
        );
    }

    #[test]
    fn a_bad_item_is_named() {
        for (arguments, named) in [
            (["--expected-brokers", "1,x"], "\"x\" is not a broker id"),
            (["--expected-brokers", "1,,2"], "\"\" is not a broker id"),
            (["--expected-brokers", "-1"], "-1"),
            (
                ["--zookeeper-addresses", "zookeeper-1"],
                "\"zookeeper-1\" is not an address",
            ),
            (["--zookeeper-addresses", ":2181"], "is not an address"),
            (
                ["--jmx-agents", "kafka-1:7071"],
                "is not an agent (id=host:port)",
            ),
            (
                ["--jmx-agents", "1=kafka-1"],
                "is not an agent (id=host:port)",
            ),
        ] {
            let message = parse(&arguments).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn a_ca_means_tls_and_a_key_without_a_certificate_is_refused() {
        let ca = ["--zookeeper-ca", "ca.pem"];
        let key = ["--zookeeper-key", "key.pem"];
        let certificate = ["--zookeeper-certificate", "node.pem"];
        let tls = parse(&[ca, certificate].concat())
            .unwrap()
            .watch
            .zookeeper_tls();
        let file = PathBuf::from("node.pem");
        let expected = Tls::with_authorities("ca.pem").with_certificate(file.clone(), Some(file));
        assert_eq!(tls, Some(expected));
        for incomplete in [[ca, key].concat(), certificate.to_vec()] {
            assert!(parse(&incomplete).is_err(), "{incomplete:?}");
        }
    }

    #[test]
    fn a_key_for_zookeeper_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("node.pem");
        std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\n").unwrap();
        let arguments = ["--zookeeper-ca", "ca.pem", "--zookeeper-certificate"];
        let arguments = [&arguments[..], &[file.to_str().unwrap()]].concat();
        let watch = parse(&arguments).unwrap().watch;
        let check = |mode| {
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
            watch.check_keys()
        };
        let message = check(0o644).unwrap_err().to_string();
        assert!(message.contains("node.pem has mode 0644"), "{message}");
        assert!(check(0o600).is_ok());
    }

    #[test]
    fn a_lag_limit_is_handed_to_the_rules() {
        let watch = parse(&["--lag-limit", "10000"]).unwrap().watch;
        assert_eq!(watch.limits().lag, Some(10_000));
    }

    #[test]
    fn the_healthcheck_is_a_subcommand() {
        assert_eq!(
            parse(&["healthcheck"]).unwrap().command,
            Some(Command::Healthcheck)
        );
    }
}
