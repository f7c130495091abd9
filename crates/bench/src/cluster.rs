//! The cluster that everything is measured on: real brokers with both compilers, warmed up, and a
//! topic of its own for every run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kafka_cluster::{Connection, KafkaCluster, NewTopic, PartitionMetadata};
use local_cluster::security::SUPER;
use local_cluster::{Cluster, Jvm};

/// As the declared topic `log-events` has.
pub const PARTITIONS: u16 = 12;
/// What stays free whatever is measured.
const SPARE_BYTES: u64 = 4 << 30;
/// A record on the disk of one broker, in bytes, at most: 430 bytes, of which compression leaves half.
const STORED_RECORD_BYTES: u64 = 215;
const DEADLINE: Duration = Duration::from_secs(20);
/// Brokers keep deleted segments for a second (`log.segment.delete.delay.ms` below), looked at again.
const GONE: Duration = Duration::from_secs(60);

/// The running cluster and a client of it.
pub struct BenchCluster {
    cluster: Cluster,
    client: KafkaCluster,
}

impl BenchCluster {
    /// Starts it on an address of its own; it ends with this process. A secured one speaks TLS and SCRAM.
    ///
    /// # Errors
    /// What is missing to start it.
    pub async fn start(secured: bool) -> Result<Self> {
        let cluster = local_cluster::start_for_test("bench", |spec| {
            spec.jvm = Jvm::full();
            spec.secure = secured;
            let settings = [
                ("log.segment.delete.delay.ms", "1000"),
                ("log.retention.check.interval.ms", "5000"),
            ];
            let settings = settings.map(|(name, value)| (name.into(), value.into()));
            spec.broker_settings.extend(settings);
        })
        .await?;
        let connection = match cluster.keys() {
            Some(keys) => connection(&cluster.bootstrap(), &keys.client(SUPER))?,
            None => Connection::new(cluster.bootstrap()),
        };
        let client = KafkaCluster::connect(connection)?;
        Ok(Self { cluster, client })
    }

    /// Files of client settings for librdkafka and for Java, of a secured cluster.
    pub fn client_files(&self) -> Option<[PathBuf; 2]> {
        let keys = self.cluster.keys()?;
        Some([keys.client(SUPER), keys.java_client(SUPER)])
    }

    /// `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap()
    }

    /// The cluster itself.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The client.
    pub fn client(&self) -> &KafkaCluster {
        &self.client
    }

    /// Makes a topic for one run, when there is room for it: every partition on its preferred leader, as
    /// many on each broker, settings as the declared `log-events` has them.
    ///
    /// # Errors
    /// Too little disk, or Kafka's refusal.
    pub async fn make_topic(&self, name: &str, partitions: u16, events: u64) -> Result<()> {
        self.require_room(events)?;
        let configs = [("min.insync.replicas", "2"), ("compression.type", "snappy")];
        let topic = NewTopic {
            name: name.to_owned(),
            partitions: partitions.into(),
            replication_factor: 3,
            configs: configs.map(|(k, v)| (k.into(), v.into())).into(),
        };
        self.client.create_topic(&topic, DEADLINE).await?;
        self.client
            .await_visible(name, partitions.into(), DEADLINE)
            .await?;
        let described = self.client.topic(name, DEADLINE).await?;
        let preferred = |p: &PartitionMetadata| p.leader == p.replicas.first().copied();
        ensure!(
            described.partitions.iter().all(preferred),
            "partitions of {name} that is new are not on their preferred leaders: {described:?}"
        );
        Ok(())
    }

    /// Deletes a run's topic and waits until its records are off the disk, so that no run pays for
    /// the one before.
    ///
    /// # Errors
    /// Kafka's refusal, or files that stay.
    pub async fn delete_topic(&self, name: &str) -> Result<()> {
        self.client.delete_topic(name, DEADLINE).await?;
        let what = format!("the files of {name} to be gone");
        local_cluster::wait_for_condition(&what, GONE, || async {
            let left = self.directories_of(name);
            left.first()
                .map_or(Ok(()), |first| Err(format!("{} is there", first.display())))
        })
        .await?;
        Ok(())
    }

    /// CPU seconds of all brokers since they started.
    ///
    /// # Errors
    /// A broker is gone.
    pub fn brokers_cpu(&self) -> Result<f64> {
        let brokers = self.cluster.spec().broker_nodes();
        brokers
            .into_iter()
            .map(|node| {
                let process = self
                    .cluster
                    .process(node)
                    .context("a broker that was started")?;
                cpu_seconds(process.pid)
            })
            .sum()
    }

    fn require_room(&self, events: u64) -> Result<()> {
        let needed = events * STORED_RECORD_BYTES * 3 + SPARE_BYTES;
        let dir = &self.cluster.spec().dir;
        let disk = nix::sys::statvfs::statvfs(dir).context("free disk space")?;
        let free = disk.blocks_available() * disk.fragment_size();
        if free < needed {
            bail!(
                "{events} records on three brokers and some spare need {} MiB of disk, and {} has {}",
                needed >> 20,
                dir.display(),
                free >> 20
            );
        }
        Ok(())
    }

    fn directories_of(&self, topic: &str) -> Vec<PathBuf> {
        let spec = self.cluster.spec();
        let start = format!("{topic}-");
        spec.broker_nodes()
            .into_iter()
            .flat_map(|node| entries(&spec.data_dir(&node.to_string())))
            .filter(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy());
                name.is_some_and(|name| name.starts_with(&start))
            })
            .collect()
    }
}

/// A connection with the properties of a file.
///
/// # Errors
/// The file cannot be read.
pub fn connection(bootstrap: &str, file: &Path) -> Result<Connection> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("client settings {}", file.display()))?;
    Ok(Connection::new(bootstrap).with_property_lines(&text)?)
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(dir).into_iter().flatten().flatten();
    listed.map(|entry| entry.path()).collect()
}

/// Fields 14 and 15 of `/proc/PID/stat` (proc(5)), in ticks of which Linux has 100 a second.
fn cpu_seconds(pid: i32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = ticks(&stat).with_context(|| format!("strange /proc/{pid}/stat: {stat}"))?;
    Ok(ticks as f64 / 100.0)
}

fn ticks(stat: &str) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = behind_name.split(' ').collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_found_behind_a_name_with_spaces() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4 100 0 0 0 250 50 0 0 20 0 9 0 12345 1 1";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("7"), None);
    }
}
