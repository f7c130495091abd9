//! The settings of the admin service: each one a flag, an environment variable, a default and its
//! help.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use service_kit::settings::{HttpSettings, KafkaSettings, LogSettings, parse_duration};

use crate::cli::Command;
use crate::guard::GuardSettings;
use crate::topic::{MAX_PARTITIONS, MAX_REPLICATION_FACTOR};

/// Administers the topics of a Kafka cluster over HTTP.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "kafka-admin-service", version)]
pub struct Settings {
    /// Address to listen on
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,

    /// File that declares the topics that the cluster is meant to have; they are made at start
    #[arg(long, env = "TOPICS_FILE", value_name = "FILE")]
    pub topics_file: Option<PathBuf>,

    /// How often the declared topics are compared with the cluster, e.g. 30s
    #[arg(long, env = "DECLARED_CHECK_INTERVAL", default_value = "30s", value_parser = parse_duration)]
    pub declared_check_interval: Duration,

    /// Partitions of a new topic when the request does not say
    #[arg(
        long,
        env = "DEFAULT_PARTITIONS",
        default_value_t = 12,
        value_parser = clap::value_parser!(i32).range(1..=i64::from(MAX_PARTITIONS))
    )]
    pub default_partitions: i32,

    /// Replication factor of a new topic when the request does not say
    #[arg(
        long,
        env = "DEFAULT_REPLICATION_FACTOR",
        default_value_t = 3,
        value_parser = clap::value_parser!(i32).range(1..=i64::from(MAX_REPLICATION_FACTOR))
    )]
    pub default_replication_factor: i32,

    /// Ids of the brokers that must be there, such as 1,2,3, so that a missing one can be named.
    /// Others are learned from Kafka as long as this service runs
    #[arg(
        long,
        env = "EXPECTED_BROKERS",
        value_name = "IDS",
        default_value = "",
        hide_default_value = true
    )]
    pub expected_brokers: BrokerIds,

    /// API requests that are worked on at once; more queue for a second and are then answered 503
    #[arg(
        long,
        env = "MAX_CONCURRENT_REQUESTS",
        default_value_t = 64,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub max_concurrent_requests: u16,

    /// Whether to refuse every call that would change something
    #[arg(long, env = "READ_ONLY", default_value_t = false, action = clap::ArgAction::Set)]
    pub read_only: bool,

    /// Topic that keeps who changed what, and is not deleted by this service; without it nobody does
    #[arg(long, env = "AUDIT_TOPIC", value_name = "TOPIC")]
    pub audit_topic: Option<String>,

    /// Folder for what is kept so that changes can be taken back; without one it is kept until the
    /// service restarts
    #[arg(long, env = "DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,

    /// What topics must be like
    #[command(flatten)]
    pub guard: GuardSettings,

    /// How to reach Kafka
    #[command(flatten)]
    pub kafka: KafkaSettings,

    /// How to answer and to stop
    #[command(flatten)]
    pub http: HttpSettings,

    /// What to log
    #[command(flatten)]
    pub logs: LogSettings,

    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Broker ids, separated by commas; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokerIds(pub Vec<i32>);

impl FromStr for BrokerIds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        let ids = items.map(|item| match item.parse() {
            Ok(id) if id >= 0 => Ok(id),
            _ => Err(format!("{item:?} is not a broker id")),
        });
        ids.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Settings, clap::Error> {
        Settings::try_parse_from([&["kafka-admin-service"], arguments].concat())
    }

    #[test]
    fn without_arguments_it_listens_on_loopback_with_the_shape_of_the_contract() {
        let settings = parse(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8081");
        assert_eq!(
            (
                settings.default_partitions,
                settings.default_replication_factor
            ),
            (12, 3)
        );
        assert_eq!(settings.expected_brokers, BrokerIds::default());
        assert_eq!(settings.topics_file, None);
    }

    #[test]
    fn broker_ids_are_separated_by_commas_and_what_is_none_is_named() {
        let ids = parse(&["--expected-brokers", "1, 2,3,"])
            .unwrap()
            .expected_brokers;
        assert_eq!(ids, BrokerIds(vec![1, 2, 3]));
        for wrong in ["1,x", "-1"] {
            let told = parse(&[&format!("--expected-brokers={wrong}")])
                .unwrap_err()
                .to_string();
            assert!(told.contains("is not a broker id"), "{told}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused_at_start() {
        for argument in [
            "--default-partitions=0",
            "--default-partitions=100001",
            "--default-replication-factor=32768",
            "--max-concurrent-requests=0",
            "--declared-check-interval=0s",
        ] {
            assert!(parse(&[argument]).is_err(), "{argument}");
        }
    }
}
