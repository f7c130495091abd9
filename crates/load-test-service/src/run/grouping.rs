//! How a run's records are grouped: so many to one partition, then so many to the next.

use std::time::Duration;

use rdkafka::ClientConfig;

/// Records in flight over all partitions together, where each holds one run. Half of it cost some
/// 10 ms of p99 at 120,000 records a second, measured; more only makes longer queues.
const RECORDS_IN_FLIGHT: u32 = 12_000;
/// Shortest and longest run: below, requests are too many; above, a batch nears the 1 MB that a
/// broker takes by default (`message.max.bytes`).
const RUN_RECORDS: (u32, u32) = (200, 1_500);
/// Records in flight at most, for topics of very many partitions.
const SLOTS_MAX: u32 = 20_000;
/// Shortest age at which a run ends, whatever `linger.ms` is.
const MAX_AGE_FLOOR: Duration = Duration::from_millis(1);

/// Records of a run and of all runs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    /// Records of one run, which is one batch.
    pub run_records: u32,
    /// Records in flight at most.
    pub slots: u32,
}

impl Grouping {
    /// For a topic of this many writable partitions.
    pub fn of(partitions: usize) -> Self {
        let partitions = u32::try_from(partitions).unwrap_or(u32::MAX).max(1);
        let run_records = (RECORDS_IN_FLIGHT / partitions).clamp(RUN_RECORDS.0, RUN_RECORDS.1);
        Self {
            run_records,
            slots: run_records.saturating_mul(partitions).min(SLOTS_MAX),
        }
    }

    /// Records of one run in a phase of `events`: one so small that not every partition would get a
    /// full batch gives each some; and no run is longer than the producer's batch.
    pub fn run_records_for(self, events: u64, partitions: usize, config: &ClientConfig) -> u32 {
        let each = events.div_ceil(partitions.max(1) as u64).max(1);
        let each = u32::try_from(each).unwrap_or(u32::MAX);
        let batch = number(config, "batch.num.messages").unwrap_or(self.run_records);
        self.run_records.min(each).min(batch.max(1))
    }
}

/// The age at which a run ends: the producer's `linger.ms`, when its batch is about to be sent.
pub fn max_run_age(config: &ClientConfig) -> Duration {
    let linger = number(config, "linger.ms").unwrap_or_default();
    Duration::from_millis(linger.into()).max(MAX_AGE_FLOOR)
}

fn number(config: &ClientConfig, name: &str) -> Option<u32> {
    // librdkafka takes fractions of a millisecond.
    config.get(name)?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(properties: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in properties {
            config.set(*name, *value);
        }
        config
    }

    #[test]
    fn few_partitions_get_longer_runs_and_many_a_bounded_sum() {
        let of = |partitions| {
            let Grouping { run_records, slots } = Grouping::of(partitions);
            (run_records, slots)
        };
        assert_eq!(of(12), (1_000, 12_000));
        assert_eq!(of(1), (1_500, 1_500));
        assert_eq!(of(1_000), (200, 20_000));
    }

    #[test]
    fn a_tiny_run_reaches_every_partition() {
        let run = |events| Grouping::of(12).run_records_for(events, 12, &config(&[]));
        assert_eq!(run(1_000), 84);
        assert_eq!(run(1), 1);
        assert_eq!(run(1_000_000), 1_000);
    }

    #[test]
    fn a_run_follows_the_batch_and_the_linger_that_the_producer_has() {
        let config = config(&[("batch.num.messages", "40"), ("linger.ms", "50")]);
        assert_eq!(Grouping::of(12).run_records_for(1_000_000, 12, &config), 40);
        assert_eq!(max_run_age(&config), Duration::from_millis(50));
    }

    #[test]
    fn without_linger_a_run_ends_within_a_millisecond() {
        let age = |linger| max_run_age(&config(&[("linger.ms", linger)]));
        assert_eq!(age("0"), MAX_AGE_FLOOR);
        assert_eq!(age("0.5"), MAX_AGE_FLOOR);
    }
}
