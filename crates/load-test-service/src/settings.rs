//! The service's settings: each one flag, environment variable, default and help in one place.

use std::net::SocketAddr;
use std::path::PathBuf;

use kafka_cluster::Connection;
use service_kit::program;
use service_kit::settings::{HttpSettings, KafkaSettings, LogSettings};

use crate::cli::RunArgs;
use crate::log_processor::LogProcessorSettings;

/// Topics that no load is produced into unless told otherwise: audit logs are evidence.
pub const PROTECTED_TOPICS: &str = "audit-logs";

/// Loads the cluster with realistic log events and reports what was acknowledged, how fast.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "load-test-service", version)]
pub struct Settings {
    /// Address to listen on
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8083")]
    pub listen: SocketAddr,

    /// Folder for what runs came to; made if it is not there
    #[arg(long, env = "DATA_DIR", default_value = ".cluster/load-test-service")]
    pub data_dir: PathBuf,

    /// Runs that are kept, on disk and in the list; the oldest go first
    #[arg(long, env = "REPORTS_KEPT", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..))]
    pub reports_kept: u16,

    /// Topics that no load is produced into, separated by commas
    #[arg(
        long,
        env = "PROTECTED_TOPICS",
        default_value = PROTECTED_TOPICS,
        value_delimiter = ','
    )]
    pub protected_topics: Vec<String>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "described where it is declared")]
    pub log_processor: LogProcessorArgs,

    #[command(flatten)]
    #[expect(missing_docs, reason = "described where it is declared")]
    pub kafka: KafkaSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "described where it is declared")]
    pub http: HttpSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "described where it is declared")]
    pub logs: LogSettings,

    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program does instead of serving.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described where it is declared")]
    Common(program::Command),
    /// Makes one run in this process, without the service
    Run(Box<RunArgs>),
}

/// The consumer group that reads what is produced.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Log processor")]
pub struct LogProcessorArgs {
    /// Members of the consumer group in this process; 0 for none. More than there are partitions
    /// have nothing to do
    #[arg(long, env = "LOG_PROCESSOR_MEMBERS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=64))]
    pub log_processor_members: u32,

    /// Topics that it consumes, separated by commas
    #[arg(
        long,
        env = "LOG_PROCESSOR_TOPICS",
        default_value = "log-events,critical-logs,audit-logs",
        value_delimiter = ','
    )]
    pub log_processor_topics: Vec<String>,

    /// The consumer group's id
    #[arg(long, env = "LOG_PROCESSOR_GROUP", default_value = "log-processor")]
    pub log_processor_group: String,

    /// File of librdkafka properties for the group, in place of --kafka-properties-file: where each
    /// program is a principal of its own, it is another one than the load test
    #[arg(long, env = "LOG_PROCESSOR_PROPERTIES_FILE", value_name = "FILE")]
    pub log_processor_properties_file: Option<PathBuf>,
}

impl Settings {
    /// Settings as if started without any flag, but for these; the environment is read as ever.
    #[must_use]
    pub fn with_flags(flags: &[&str]) -> Self {
        <Self as clap::Parser>::parse_from([&["load-test-service"], flags].concat())
    }
}

impl LogProcessorArgs {
    /// How the group connects: as the service does, but for a file of its own.
    ///
    /// # Errors
    /// As [`KafkaSettings::connection`].
    pub fn connection(&self, kafka: &KafkaSettings) -> anyhow::Result<Connection> {
        let mut kafka = kafka.clone();
        if let Some(file) = &self.log_processor_properties_file {
            kafka.kafka_properties_file = Some(file.clone());
        }
        kafka.connection()
    }

    /// The group's settings; without a topic there is no member either.
    #[must_use]
    pub fn settings(&self) -> LogProcessorSettings {
        let topics: Vec<String> = self
            .log_processor_topics
            .iter()
            .filter(|topic| !topic.is_empty())
            .cloned()
            .collect();
        LogProcessorSettings {
            group: self.log_processor_group.clone(),
            members: if topics.is_empty() {
                0
            } else {
                self.log_processor_members
            },
            topics,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Settings::command().debug_assert();
    }

    #[test]
    fn the_processor_consumes_the_three_topics_with_one_member() {
        let settings = Settings::with_flags(&[]).log_processor.settings();
        assert_eq!(
            settings.topics,
            ["log-events", "critical-logs", "audit-logs"]
        );
        assert_eq!(
            (settings.members, settings.group.as_str()),
            (1, "log-processor")
        );
    }

    #[test]
    fn the_processor_may_be_another_principal_than_the_service() {
        let file = |user: &str| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            std::io::Write::write_all(&mut file, format!("sasl.username={user}\n").as_bytes())
                .unwrap();
            file
        };
        let (service, processor) = (file("load-test-service"), file("log-processor"));
        let path = |file: &tempfile::NamedTempFile| file.path().to_str().unwrap().to_owned();
        let user = |flags: &[&str]| {
            let settings = Settings::with_flags(flags);
            let connection = settings.log_processor.connection(&settings.kafka).unwrap();
            connection.properties["sasl.username"].clone()
        };
        let (service, processor) = (path(&service), path(&processor));
        let both = ["--kafka-properties-file", &service];
        assert_eq!(user(&both), "load-test-service");
        let other = ["--log-processor-properties-file", &processor];
        assert_eq!(user(&[both, other].concat()), "log-processor");
    }

    #[test]
    fn an_empty_list_of_topics_means_no_member() {
        let settings = Settings::with_flags(&["--log-processor-topics", ""])
            .log_processor
            .settings();
        assert_eq!((settings.members, settings.topics.len()), (0, 0));
    }
}
