//! The numbers that the rules judge by.

use std::time::Duration;

/// How long is too long, and how much is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A broker that has not answered for this long is down. A refused connection needs no wait.
    pub silence: Duration,
    /// A broker's newest probe says nothing about now when it is older than this.
    pub probe_age: Duration,
    /// A broker that was down is up again once metadata, read this long after its return, counts
    /// it in.
    pub settling: Duration,
    /// Age limit of metadata.
    pub metadata_age: Duration,
    /// A partition is offline after this long without a leader. A new topic gets its leaders within
    /// milliseconds; when the controller itself is stopped, partitions were seen without one for a
    /// second.
    pub offline_after: Duration,
    /// Age limit of `min.insync.replicas`.
    pub settings_age: Duration,
    /// Age limit of lag.
    pub groups_age: Duration,
    /// Age limit of what a ZooKeeper node said.
    pub zookeeper_age: Duration,
    /// A group whose known lag is larger degrades the cluster; `None`: lag never does.
    pub lag: Option<u64>,
}

impl Limits {
    /// Limits for collectors with these periods and deadlines. An age limit allows a collector to
    /// miss two rounds, and to take its time over each.
    #[must_use]
    pub fn for_periods(
        probe_interval: Duration,
        probe_deadline: Duration,
        metadata_interval: Duration,
        check_interval: Duration,
        zookeeper_interval: Duration,
    ) -> Self {
        let margin = Duration::from_secs(5);
        Self {
            silence: probe_deadline,
            probe_age: 3 * probe_interval.max(probe_deadline) + margin,
            settling: Duration::from_secs(1),
            metadata_age: 3 * metadata_interval + margin,
            offline_after: Duration::from_secs(3),
            settings_age: 3 * check_interval + margin,
            groups_age: 2 * check_interval + 3 * margin,
            zookeeper_age: 3 * zookeeper_interval + margin,
            lag: None,
        }
    }
}

impl Default for Limits {
    /// Limits for the default settings.
    fn default() -> Self {
        Self::for_periods(
            Duration::from_secs(1),
            Duration::from_millis(2_500),
            Duration::from_secs(2),
            Duration::from_secs(30),
            Duration::from_secs(2),
        )
    }
}
