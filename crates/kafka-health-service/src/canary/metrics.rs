//! What the canary counts.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use super::tally::{Event, Fate};

/// From a millisecond to the time-out of a client.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
];

/// The canary's counters and histograms, by the broker that led the partition. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CanaryMetrics {
    sent: IntCounterVec,
    good: IntCounterVec,
    fates: IntCounterVec,
    produce: HistogramVec,
    round_trip: HistogramVec,
}

impl CanaryMetrics {
    /// Makes them and adds them to `registry`; they have no series before there is something to count.
    ///
    /// # Errors
    /// The registry has metrics of these names.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let histogram = |name: &str, help: &str| {
            let options = HistogramOpts::new(name, help).buckets(BUCKETS.into());
            let histogram = HistogramVec::new(options, &["broker_id"])?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        Ok(Self {
            sent: counter(
                "kafka_canary_sent_total",
                "Records that the canary sent, by the leader of their partition.",
                &["broker_id"],
            )?,
            good: counter(
                "kafka_canary_good_total",
                "Of those the ones that were acknowledged by all replicas in sync and read back within two seconds.",
                &["broker_id"],
            )?,
            fates: counter(
                "kafka_canary_outcomes_total",
                "What became of the canary's records: ok, late, failed, lost, duplicated or corrupted.",
                &["broker_id", "outcome"],
            )?,
            produce: histogram(
                "kafka_canary_produce_seconds",
                "From sending a record to its acknowledgement by all replicas in sync.",
            )?,
            round_trip: histogram(
                "kafka_canary_round_trip_seconds",
                "From sending a record until it was acknowledged and read back.",
            )?,
        })
    }

    pub(super) fn count(&self, event: &Event) {
        match event {
            Event::Sent { leader } => {
                let leader = leader.to_string();
                self.sent.with_label_values(&[&leader]).inc();
                // From the start, so that the first loss is a step and not a new series.
                for fate in Fate::ALL {
                    self.fates
                        .with_label_values(&[leader.as_str(), fate.name()]);
                }
                self.good.with_label_values(&[&leader]);
            }
            Event::Fate { leader, fate } => {
                let leader = leader.to_string();
                let labels = [leader.as_str(), fate.name()];
                self.fates.with_label_values(&labels).inc();
                if *fate == Fate::Ok {
                    self.good.with_label_values(&[&leader]).inc();
                }
            }
            Event::Produced { leader, took } => {
                let histogram = self.produce.with_label_values(&[leader.to_string()]);
                histogram.observe(took.as_secs_f64());
            }
            Event::RoundTrip { leader, took } => {
                let histogram = self.round_trip.with_label_values(&[leader.to_string()]);
                histogram.observe(took.as_secs_f64());
            }
        }
    }
}
