//! The machine that figures were measured on: without it they mean nothing.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// What decides about the figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// As the processor calls itself.
    pub cpu_model: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Operating system and kernel.
    pub kernel: String,
    /// The Java of brokers and of Kafka's tools.
    pub java: String,
    /// Jars of Kafka and ZooKeeper.
    pub jars: String,
    /// librdkafka of the load test.
    pub librdkafka: String,
}

impl Machine {
    /// Describes this one.
    pub fn describe(java: &Path, jars: &[std::path::PathBuf]) -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZeroUsize::get),
            cpu_model: field(&read("/proc/cpuinfo"), "model name"),
            memory_mib: memory_mib(&read("/proc/meminfo")),
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            java: java_version(java),
            jars: jar_names(jars),
            librdkafka: rdkafka::util::get_rdkafka_version().1,
        }
    }

    /// A machine of which nothing is known.
    #[cfg(test)]
    pub fn unknown() -> Self {
        let unknown = || "unknown".to_owned();
        Self {
            cores: 0,
            cpu_model: unknown(),
            memory_mib: 0,
            kernel: unknown(),
            java: unknown(),
            jars: unknown(),
            librdkafka: unknown(),
        }
    }

    /// As one line of text.
    pub fn line(&self) -> String {
        let Self {
            cores,
            cpu_model,
            memory_mib,
            kernel,
            java,
            jars,
            librdkafka,
        } = self;
        let gib = memory_mib.div_ceil(1024);
        format!(
            "{cores} cores ({cpu_model}), {gib} GiB, {kernel}; {java}; {jars}; librdkafka {librdkafka}; \
             3 ZooKeepers, 3 brokers and the client share the cores"
        )
    }
}

fn field(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(|| "unknown".into(), |(_, value)| value.trim().to_owned())
}

fn memory_mib(meminfo: &str) -> u64 {
    let kib = field(meminfo, "MemTotal");
    let digits = kib.split(' ').next().unwrap_or_default();
    digits.parse::<u64>().unwrap_or_default() / 1024
}

/// The last line of `java -version`, which names build and mode.
fn java_version(java: &Path) -> String {
    let output = Command::new(java).arg("-version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let last = text
        .ok()
        .and_then(|text| text.lines().last().map(str::to_owned));
    last.unwrap_or_else(|| "unknown Java".into())
}

fn jar_names(jars: &[std::path::PathBuf]) -> String {
    let stems = jars.iter().filter_map(|jar| jar.file_stem()?.to_str());
    let telling = ["kafka_2.13-", "kafka-clients-", "zookeeper-3"];
    let named: Vec<&str> = stems
        .filter(|stem| telling.iter().any(|start| stem.starts_with(start)))
        .collect();
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_processor_are_read_as_the_kernel_writes_them() {
        assert_eq!(
            memory_mib("MemTotal:       24598508 kB\nMemFree: 1 kB\n"),
            24_021
        );
        assert_eq!(
            field("processor\t: 0\nmodel name\t: AMD EPYC\n", "model name"),
            "AMD EPYC"
        );
        assert_eq!(field("", "model name"), "unknown");
    }

    #[test]
    fn only_the_jars_that_decide_are_named() {
        let jars = [
            "/l/jline-3.jar",
            "/l/kafka_2.13-3.9.2.jar",
            "/l/zookeeper-3.8.6.jar",
        ];
        assert_eq!(
            jar_names(&jars.map(Into::into)),
            "kafka_2.13-3.9.2, zookeeper-3.8.6"
        );
    }
}
