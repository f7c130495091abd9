//! How a run's records are grouped: so many to one partition, then so many to the next.

use std::time::Duration;

use rdkafka::ClientConfig;

use crate::plan::{MEAN_EVENT_BYTES, Plan};

/// Records in flight over all partitions together, where each holds one run. Half of it cost some
/// 10 ms of p99 at 120,000 records a second, measured; more only makes longer queues.
const RECORDS_IN_FLIGHT: u32 = 12_000;
/// Longest run of a batch that the user did not choose: above, a batch nears the 1 MB that a broker
/// takes by default (`message.max.bytes`).
const RUN_RECORDS_MAX: u32 = 1_500;
/// Shortest run of such a batch: below, requests are too many.
const RUN_RECORDS_MIN: u32 = 200;
/// Records in flight at most, for topics of very many partitions.
const SLOTS_MAX: u32 = 20_000;
/// Shortest age at which a run ends, whatever `linger.ms` is.
const MAX_AGE_FLOOR: Duration = Duration::from_millis(1);

/// Records of a run and of all runs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    /// Records of one run, which is one batch.
    pub run_records: u32,
    /// Records in flight at most, of each producer.
    pub slots: u32,
}

impl Grouping {
    /// For a topic of this many writable partitions: as many records as fill the plan's batch, but
    /// fewer where there are so many partitions that their batches together make a long queue.
    pub fn of(plan: &Plan, partitions: usize) -> Self {
        let partitions = u32::try_from(partitions).unwrap_or(u32::MAX).max(1);
        let event_bytes = plan.event_size_bytes.unwrap_or(MEAN_EVENT_BYTES);
        let batch = (plan.tuning.batch_size_bytes / event_bytes).clamp(1, RUN_RECORDS_MAX);
        let fair = (RECORDS_IN_FLIGHT / partitions).max(RUN_RECORDS_MIN);
        let run_records = batch.min(fair);
        Self {
            run_records,
            slots: run_records.saturating_mul(partitions).min(SLOTS_MAX),
        }
    }
}

/// Records of one run in a phase of `events`: one so small that not every partition would get a full
/// batch gives each some.
pub fn of_phase(run_records: u32, events: u64, partitions: usize) -> u32 {
    let each = events.div_ceil(partitions.max(1) as u64).max(1);
    run_records.min(u32::try_from(each).unwrap_or(u32::MAX))
}

/// The age at which a run ends: the producer's `linger.ms`, when its batch is about to be sent.
pub fn max_run_age(config: &ClientConfig) -> Duration {
    let linger = config.get("linger.ms").and_then(|ms| ms.parse().ok());
    Duration::from_millis(linger.unwrap_or_default()).max(MAX_AGE_FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Profile, Tuning};

    fn of(profile: Option<Profile>, partitions: usize) -> (u32, u32) {
        let mut plan = Plan::new(1, "log-events");
        plan.tuning = Tuning::of(profile);
        let Grouping { run_records, slots } = Grouping::of(&plan, partitions);
        (run_records, slots)
    }

    #[test]
    fn a_run_fills_a_batch_unless_there_are_very_many_partitions() {
        assert_eq!(of(None, 12), (1_000, 12_000));
        assert_eq!(of(None, 1), (1_000, 1_000));
        assert_eq!(of(None, 1_000), (200, 20_000));
        assert_eq!(of(Some(Profile::Throughput), 3), (1_500, 4_500));
        assert_eq!(of(Some(Profile::Classic), 12), (38, 456));
    }

    #[test]
    fn large_events_make_short_runs() {
        let mut plan = Plan::new(1, "log-events");
        plan.event_size_bytes = Some(100_000);
        assert_eq!(Grouping::of(&plan, 12).run_records, 4);
        plan.event_size_bytes = Some(900_000);
        assert_eq!(Grouping::of(&plan, 12).run_records, 1);
    }

    #[test]
    fn a_tiny_run_reaches_every_partition() {
        assert_eq!(of_phase(1_000, 1_000, 12), 84);
        assert_eq!(of_phase(1_000, 1, 12), 1);
        assert_eq!(of_phase(1_000, 1_000_000, 12), 1_000);
    }

    #[test]
    fn without_linger_a_run_ends_within_a_millisecond() {
        let age = |linger| {
            let mut config = ClientConfig::new();
            config.set("linger.ms", linger);
            max_run_age(&config)
        };
        assert_eq!(age("0"), MAX_AGE_FLOOR);
        assert_eq!(age("50"), Duration::from_millis(50));
    }
}
