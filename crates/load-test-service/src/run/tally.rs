//! What became of the records of one phase of a run, and how that of several producers adds up.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::client_times::TimesSeen;
use super::gaps::Gaps;
use super::troubles::Troubles;
use crate::ledger::Ledger;

/// Latencies are kept in microseconds up to ten minutes, to three digits: 170 KB.
const LATENCY_MAX_US: u64 = 600_000_000;

/// What became of the records of one phase.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Microseconds from the intended send time to the acknowledgement, of acknowledged records.
    pub latency_us: Histogram<u64>,
    /// The same from the moment a record was handed to the producer.
    pub service_us: Histogram<u64>,
    /// Failed and certainly not in the log.
    pub not_written: u64,
    /// Failed and perhaps in the log.
    pub possibly_written: u64,
    /// Failures by Kafka's name of the error.
    pub errors: BTreeMap<String, u64>,
    /// Time of the latest outcome on the run's clock, in nanoseconds; 0 without any.
    pub last_outcome_ns: u64,
    /// The longest time without an acknowledgement.
    pub gaps: Gaps,
    /// What went wrong and when.
    pub troubles: Troubles,
    /// The fate of each record, where that is kept; by number of the producer.
    pub ledgers: Vec<Ledger>,
    /// Where the time went.
    pub times: TimesSeen,
}

impl Tally {
    /// Nothing yet, on so many lanes.
    pub fn empty(lanes: usize) -> Self {
        let histogram = || {
            Histogram::new_with_max(LATENCY_MAX_US, 3)
                .expect("1 to ten minutes at three digits is a valid range")
        };
        Self {
            latency_us: histogram(),
            service_us: histogram(),
            not_written: 0,
            possibly_written: 0,
            errors: BTreeMap::new(),
            last_outcome_ns: 0,
            gaps: Gaps::of(lanes),
            troubles: Troubles::default(),
            ledgers: Vec::new(),
            times: TimesSeen::default(),
        }
    }

    /// With that of another producer of the same phase, the next by number.
    pub fn merge(&mut self, other: Self) {
        // They have the same bounds.
        let _ = self.latency_us.add(&other.latency_us);
        let _ = self.service_us.add(&other.service_us);
        self.not_written += other.not_written;
        self.possibly_written += other.possibly_written;
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
        self.last_outcome_ns = self.last_outcome_ns.max(other.last_outcome_ns);
        self.gaps.merge(&other.gaps);
        self.troubles.merge(other.troubles);
        self.times.merge(&other.times);
        self.ledgers.extend(other.ledgers);
    }

    /// Acknowledged records.
    pub fn acknowledged(&self) -> u64 {
        self.latency_us.len()
    }

    /// Records without acknowledgement.
    pub fn failed(&self) -> u64 {
        self.not_written + self.possibly_written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Fate;

    #[test]
    fn two_producers_add_up_and_keep_their_ledgers_apart() {
        let of = |latency_us, not_written, last_outcome_ns| {
            let mut tally = Tally::empty(1);
            tally.latency_us.record(latency_us).unwrap();
            tally.not_written = not_written;
            tally
                .errors
                .insert("_MSG_TIMED_OUT".to_owned(), not_written);
            tally.last_outcome_ns = last_outcome_ns;
            let mut ledger = Ledger::default();
            ledger.settle(0, Fate::Acknowledged);
            tally.ledgers.push(ledger);
            tally
        };
        let mut all = of(1_000, 2, 70);
        all.merge(of(9_000, 3, 50));
        assert_eq!((all.acknowledged(), all.failed()), (2, 5));
        assert_eq!(all.errors["_MSG_TIMED_OUT"], 5);
        assert_eq!((all.last_outcome_ns, all.ledgers.len()), (70, 2));
        assert!(all.latency_us.max() >= 9_000);
    }
}
