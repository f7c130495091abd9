//! Whether the brokers' disks hold what a run writes. Pure: from a plan, a topic and what the brokers
//! say of their log directories.
//!
//! Directories that have the same size and the same room are taken for one file system, as they are
//! where several brokers run on one machine: what each writes there is added up.

use kafka_cluster::{LogDirectory, PartitionMetadata};

use crate::plan::{Compression, Plan};
use crate::topic_settings::TopicSettings;

/// What must stay free: a broker without room ends at once, and all of its partitions with it.
const RESERVE_BYTES: u64 = 1 << 30;
/// Two looks at one file system may differ by what is written between them.
const SAME_ROOM_BYTES: u64 = 64 << 20;

/// What the answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Room {
    /// It fits wherever that is known.
    Enough,
    /// It does not fit here.
    TooLittle(Shortage),
}

/// Where it does not fit, and the sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// Bytes that the run may write to these directories.
    pub needed_bytes: u64,
    /// What is free there.
    pub usable_bytes: u64,
    /// The brokers that keep them.
    pub brokers: Vec<i32>,
    /// The sum in words.
    pub sum: String,
}

/// Directories that share one file system.
struct Disk {
    total_bytes: u64,
    usable_bytes: u64,
    needed_bytes: u64,
    brokers: Vec<i32>,
}

/// Holds what `plan` writes against the room of `directories`, which are those that were read.
#[must_use]
pub fn judge(
    plan: &Plan,
    settings: &TopicSettings,
    partitions: &[PartitionMetadata],
    directories: &[LogDirectory],
) -> Room {
    let compression = settings.stored_compression(plan.tuning.compression);
    let each = bytes_of_a_partition(plan, settings, compression, partitions.len());
    let mut disks: Vec<Disk> = Vec::new();
    for directory in directories {
        let replicas = u64::try_from(directory.partitions.len()).unwrap_or(u64::MAX);
        add(&mut disks, directory, each.saturating_mul(replicas));
    }
    let full = disks
        .into_iter()
        .filter(|disk| disk.needed_bytes.saturating_add(RESERVE_BYTES) > disk.usable_bytes)
        .filter(|disk| disk.needed_bytes > 0)
        .max_by_key(|disk| disk.needed_bytes.saturating_sub(disk.usable_bytes));
    full.map_or(Room::Enough, |disk| {
        Room::TooLittle(Shortage {
            sum: in_words(plan, compression, partitions, each, &disk),
            needed_bytes: disk.needed_bytes,
            usable_bytes: disk.usable_bytes,
            brokers: disk.brokers,
        })
    })
}

/// Compressed, spread evenly over the partitions, and no more than retention leaves there: a closed
/// segment is deleted, the open one comes on top.
fn bytes_of_a_partition(
    plan: &Plan,
    settings: &TopicSettings,
    compression: Compression,
    partitions: usize,
) -> u64 {
    let stored = plan.bytes_at_most() as f64 * (1.0 - saving(compression));
    let share = (stored / partitions.max(1) as f64).ceil() as u64;
    let kept = settings
        .retention_bytes
        .map(|bytes| bytes.saturating_add(settings.segment_bytes));
    share.min(kept.unwrap_or(u64::MAX))
}

/// What compression saves on our events: somewhat less than the 63 % (snappy, lz4) and 78 % (gzip,
/// zstd) measured on full batches. The tests on the mock cluster hold each codec to it.
#[must_use]
pub fn saving(compression: Compression) -> f64 {
    match compression {
        Compression::None => 0.0,
        Compression::Lz4 | Compression::Snappy => 0.55,
        Compression::Gzip | Compression::Zstd => 0.7,
    }
}

fn add(disks: &mut Vec<Disk>, directory: &LogDirectory, needed_bytes: u64) {
    let same = |disk: &&mut Disk| {
        disk.total_bytes == directory.total_bytes
            && disk.usable_bytes.abs_diff(directory.usable_bytes) <= SAME_ROOM_BYTES
    };
    match disks.iter_mut().find(same) {
        Some(disk) => {
            disk.needed_bytes = disk.needed_bytes.saturating_add(needed_bytes);
            disk.usable_bytes = disk.usable_bytes.min(directory.usable_bytes);
            if !disk.brokers.contains(&directory.broker) {
                disk.brokers.push(directory.broker);
            }
        }
        None => disks.push(Disk {
            total_bytes: directory.total_bytes,
            usable_bytes: directory.usable_bytes,
            needed_bytes,
            brokers: vec![directory.broker],
        }),
    }
}

fn in_words(
    plan: &Plan,
    compression: Compression,
    partitions: &[PartitionMetadata],
    each: u64,
    disk: &Disk,
) -> String {
    let copies: usize = partitions.iter().map(|p| p.replicas.len()).sum();
    let brokers: Vec<String> = disk.brokers.iter().map(ToString::to_string).collect();
    format!(
        "up to {} of events, {:.0} % less by {}, over {} partitions is {} in each of {copies} replicas; \
         those on the disk of broker {} take {}, {} are free there, and {} must stay free",
        size(plan.bytes_at_most()),
        saving(compression) * 100.0,
        compression.property(),
        partitions.len(),
        size(each),
        brokers.join(", "),
        size(disk.needed_bytes),
        size(disk.usable_bytes),
        size(RESERVE_BYTES),
    )
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 30 {
        format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
    } else {
        format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// Twelve partitions on brokers 1 to 3.
    fn partitions() -> Vec<PartitionMetadata> {
        (0..12)
            .map(|id| PartitionMetadata {
                id,
                leader: Some(1),
                replicas: vec![1, 2, 3],
                in_sync_replicas: vec![1, 2, 3],
            })
            .collect()
    }

    fn directory(broker: i32, total: u64, usable: u64) -> LogDirectory {
        LogDirectory {
            broker,
            path: "/data".to_owned(),
            total_bytes: total,
            usable_bytes: usable,
            partitions: (0..12).collect(),
        }
    }

    /// 1 GiB of events before compression.
    fn plan(compression: Compression) -> Plan {
        let mut plan = Plan::new(GIB / 1_024, "log-events");
        plan.event_size_bytes = Some(1_024);
        plan.tuning.compression = compression;
        plan
    }

    fn shortage(plan: &Plan, settings: &TopicSettings, directories: &[LogDirectory]) -> Shortage {
        match judge(plan, settings, &partitions(), directories) {
            Room::TooLittle(shortage) => shortage,
            Room::Enough => panic!("it does not fit"),
        }
    }

    fn separate(usable: u64) -> Vec<LogDirectory> {
        let sizes = [100, 200, 300];
        let of = |(broker, total): (i32, u64)| directory(broker, total * GIB, usable);
        (1..=3).zip(sizes).map(of).collect()
    }

    #[test]
    fn each_broker_keeps_a_replica_of_everything_and_a_reserve() {
        let (plan, settings) = (plan(Compression::None), TopicSettings::default());
        let enough = separate(2 * GIB + 12);
        assert_eq!(
            judge(&plan, &settings, &partitions(), &enough),
            Room::Enough
        );
        let shortage = shortage(&plan, &settings, &separate(2 * GIB - 1));
        assert!(shortage.needed_bytes >= GIB, "{shortage:?}");
        assert_eq!(shortage.brokers.len(), 1);
        assert!(
            shortage.sum.contains("1.0 GiB of events, 0 % less by none"),
            "{shortage:?}"
        );
    }

    #[test]
    fn brokers_on_one_disk_need_the_sum_of_theirs() {
        let one_disk: Vec<_> = (1..=3)
            .map(|id| directory(id, 100 * GIB, 3 * GIB))
            .collect();
        let plan = plan(Compression::None);
        let shortage = shortage(&plan, &TopicSettings::default(), &one_disk);
        assert_eq!(shortage.brokers, [1, 2, 3]);
        assert!(shortage.needed_bytes >= 3 * GIB, "{shortage:?}");
    }

    #[test]
    fn compression_counts_but_that_of_the_topic_decides() {
        let mut settings = TopicSettings::default();
        let half = separate(GIB + GIB / 2);
        let snappy = plan(Compression::Snappy);
        assert_eq!(
            judge(&snappy, &settings, &partitions(), &half),
            Room::Enough
        );
        settings.compression_type = Some("uncompressed".to_owned());
        assert!(shortage(&snappy, &settings, &half).needed_bytes >= GIB);
    }

    #[test]
    fn a_topic_that_forgets_needs_no_more_than_it_keeps() {
        let settings = TopicSettings {
            retention_bytes: Some(16 << 20),
            segment_bytes: 16 << 20,
            ..TopicSettings::default()
        };
        let tight = separate(GIB + GIB / 2);
        let plan = plan(Compression::None);
        assert_eq!(judge(&plan, &settings, &partitions(), &tight), Room::Enough);
    }

    #[test]
    fn where_nothing_is_known_nothing_is_refused() {
        let plan = plan(Compression::None);
        let room = judge(&plan, &TopicSettings::default(), &partitions(), &[]);
        assert_eq!(room, Room::Enough);
    }
}
