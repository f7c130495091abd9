//! How a run's records are grouped: so many to one partition, then so many to the next.

use std::time::Duration;

use crate::generator::{RECORD_FRAMING_BYTES, RunLimits};
use crate::plan::{MEAN_EVENT_BYTES, Plan};

/// Records in flight over all partitions together, where each holds one run: two runs each of a
/// million records reached 109,000 and 231,000 a second with half of it, 190,000 and 242,000 with
/// this (the brokers warming up meanwhile); more only makes longer queues.
const RECORDS_IN_FLIGHT: u32 = 24_000;
/// Bytes of the largest batch that this holds for; twice as many of batches up to twice as large.
const BATCH_BYTES: u32 = 1_000_000;
/// Longest run of such a batch.
const RUN_RECORDS_MAX: u32 = 2_000;
/// Shortest run of a batch that is large enough: below, requests are too many.
const RUN_RECORDS_MIN: u32 = 200;
/// Records in flight at most, for topics of very many partitions.
const SLOTS_MAX: u32 = 24_000;
/// Around all records of a batch: 61 bytes and the request's own, rounded up.
const BATCH_FRAMING_BYTES: u32 = 100;
/// Share of a batch, in percent, that a full run of events of differing sizes takes: so that
/// most end by their number; the batch of one that ends by its bytes waits for `linger.ms`.
const USUAL_FILL_PERCENT: u32 = 93;
/// So long before its batch is sent a run ends at the latest, and never more than two fifths of
/// `linger.ms`: a sending thread that loses its core meanwhile would add to a batch that is gone.
const AGE_MARGIN: Duration = Duration::from_millis(2);
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
        let (event_bytes, fill) = match plan.event_size_bytes {
            Some(size) => (size, 100),
            None => (MEAN_EVENT_BYTES, USUAL_FILL_PERCENT),
        };
        let room = plan
            .tuning
            .batch_size_bytes
            .saturating_sub(BATCH_FRAMING_BYTES);
        let usual = room / 100 * fill / (event_bytes + RECORD_FRAMING_BYTES as u32);
        let times = plan.tuning.batch_size_bytes.div_ceil(BATCH_BYTES).max(1);
        let batch = usual.clamp(1, RUN_RECORDS_MAX * times);
        let fair = (RECORDS_IN_FLIGHT * times / partitions).max(RUN_RECORDS_MIN);
        let run_records = batch.min(fair);
        let slots = run_records.saturating_mul(partitions);
        Self {
            run_records,
            slots: slots.min(SLOTS_MAX * times),
        }
    }
}

/// What ends a run in a phase of `events`: one so small that not every partition would get a full
/// batch gives each some.
pub fn limits_in_phase(
    grouping: Grouping,
    plan: &Plan,
    events: u64,
    partitions: usize,
) -> RunLimits {
    let each = events.div_ceil(partitions.max(1) as u64).max(1);
    let each = u32::try_from(each).unwrap_or(u32::MAX);
    let linger = Duration::from_millis(plan.tuning.linger_ms.into());
    let age = linger.saturating_sub(AGE_MARGIN.min(linger * 2 / 5));
    RunLimits {
        records: grouping.run_records.min(each),
        bytes: u64::from(
            plan.tuning
                .batch_size_bytes
                .saturating_sub(BATCH_FRAMING_BYTES),
        ),
        age_ns: u64::try_from(age.max(MAX_AGE_FLOOR).as_nanos()).unwrap_or(u64::MAX),
    }
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
        assert_eq!(of(Some(Profile::Throughput), 12), (1_995, 23_940));
        assert_eq!(of(Some(Profile::Throughput), 1), (1_995, 1_995));
        assert_eq!(of(Some(Profile::Throughput), 1_000), (200, 24_000));
        assert_eq!(of(Some(Profile::Classic), 12), (32, 384));
    }

    #[test]
    fn batches_of_more_than_a_megabyte_have_longer_runs() {
        let mut plan = Plan::new(1, "log-events");
        plan.tuning.batch_size_bytes = 1_600_000;
        let Grouping { run_records, slots } = Grouping::of(&plan, 12);
        assert_eq!((run_records, slots), (3_192, 38_304));
    }

    #[test]
    fn large_events_make_short_runs() {
        let mut plan = Plan::new(1, "log-events");
        plan.tuning.batch_size_bytes = 430_000;
        plan.event_size_bytes = Some(100_000);
        assert_eq!(Grouping::of(&plan, 12).run_records, 4);
        plan.event_size_bytes = Some(900_000);
        assert_eq!(Grouping::of(&plan, 12).run_records, 1);
    }

    fn limits(events: u64, linger_ms: u32) -> RunLimits {
        let mut plan = Plan::new(events, "log-events");
        plan.tuning.linger_ms = linger_ms;
        let grouping = Grouping {
            run_records: 1_000,
            slots: 12_000,
        };
        limits_in_phase(grouping, &plan, events, 12)
    }

    #[test]
    fn a_tiny_run_reaches_every_partition() {
        assert_eq!(limits(1_000, 5).records, 84);
        assert_eq!(limits(1, 5).records, 1);
        assert_eq!(limits(1_000_000, 5).records, 1_000);
    }

    #[test]
    fn a_run_ends_before_its_batch_is_sent() {
        let age = |linger_ms| Duration::from_nanos(limits(1, linger_ms).age_ns);
        assert_eq!(age(0), MAX_AGE_FLOOR);
        assert_eq!(age(5), Duration::from_millis(3));
        assert_eq!(age(50), Duration::from_millis(48));
    }
}
