//! What a run came to, as answered and as stored. Plain data and the arithmetic behind it.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::statistics::WireUse;
use super::timeline::TimelinePoint;
use super::verification::Verification;
use crate::plan::Plan;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Every event was sent and acknowledged.
    Completed,
    /// Every event was sent; some were not acknowledged.
    CompletedWithFailures,
    /// It was cancelled by its user.
    Cancelled,
    /// The service was stopped meanwhile.
    Interrupted,
    /// The run's own deadline came first.
    DeadlineReached,
    /// Kafka acknowledged nothing any more.
    Stalled,
    /// Every event was sent and acknowledged, but not at the times that were asked for: no result.
    /// `invalidReasons` says why.
    Invalid,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Completed,
        Self::CompletedWithFailures,
        Self::Cancelled,
        Self::Interrupted,
        Self::DeadlineReached,
        Self::Stalled,
        Self::Invalid,
    ];

    /// The value of the metric label `outcome`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::CompletedWithFailures => "completed_with_failures",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::DeadlineReached => "deadline_reached",
            Self::Stalled => "stalled",
            Self::Invalid => "invalid",
        }
    }
}

/// What the latencies of a run say something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LatencyMeasures {
    /// Sent as fast as possible: an event's latency is mostly the time that it waited behind the
    /// events before it. It is bound by throughput, and no promise of any latency.
    QueueingAtFullSpeed,
    /// Sent at a given rate: how late an event was acknowledged after it should have been sent.
    ResponseAtGivenRate,
}

/// Latency of acknowledged events, in milliseconds from the intended send time to the
/// acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Half of the events were faster.
    pub p50_ms: f64,
    /// 90 % were faster.
    pub p90_ms: f64,
    /// 95 % were faster.
    pub p95_ms: f64,
    /// 99 % were faster.
    pub p99_ms: f64,
    /// 99.9 % were faster.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// The mean.
    pub mean_ms: f64,
}

impl Latency {
    /// From a histogram of microseconds; `None` when it is empty.
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
        (!histogram.is_empty()).then(|| Self {
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: at(1.0),
            mean_ms: rounded(histogram.mean() / 1_000.0, 3),
        })
    }
}

/// A point of the curve of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PercentilePoint {
    /// So many percent of the events were as fast as this or faster.
    pub percentile: f64,
    /// Milliseconds.
    pub ms: f64,
}

/// The percentiles of the curve: denser towards the slow end.
const CURVE: [f64; 17] = [
    0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.75, 99.9, 99.95, 99.99, 99.995,
    99.999, 100.0,
];

/// The curve of a histogram of microseconds; empty when that is.
pub fn percentile_curve(histogram: &Histogram<u64>) -> Vec<PercentilePoint> {
    if histogram.is_empty() {
        return Vec::new();
    }
    CURVE
        .map(|percentile| PercentilePoint {
            percentile,
            ms: histogram.value_at_percentile(percentile) as f64 / 1_000.0,
        })
        .to_vec()
}

/// What went wrong during a run, and when. All absent where nothing did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disturbances {
    /// The longest time for which a partition acknowledged nothing although events were due there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_gap: Option<AcknowledgementGap>,
    /// The first failed event or lost connection.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "service_kit::time::millis::optional"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_error_at: Option<Timestamp>,
    /// The first acknowledgement after that, on any partition.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "service_kit::time::millis::optional"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_acknowledgement_after_error_at: Option<Timestamp>,
    /// What the client said of its connections, in order of first appearance; 20 kinds at most.
    #[serde(default)]
    pub client_errors: Vec<ClientError>,
}

/// A time without an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcknowledgementGap {
    /// The partition.
    pub partition: i32,
    /// Since when: when the first event that waited should have been sent, or the acknowledgement
    /// before that.
    #[serde(with = "service_kit::time::millis")]
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Timestamp,
    /// Until the next acknowledgement, or the end of the run.
    pub duration_ms: f64,
}

/// Something that the client said, however often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientError {
    /// When first.
    #[serde(with = "service_kit::time::millis")]
    #[schema(value_type = String, format = DateTime)]
    pub first_at: Timestamp,
    /// When last.
    #[serde(with = "service_kit::time::millis")]
    #[schema(value_type = String, format = DateTime)]
    pub last_at: Timestamp,
    /// How often.
    pub count: u64,
    /// Kafka's or librdkafka's name of the error.
    pub error: String,
    /// Its words.
    pub message: String,
}

/// Events that were not acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    /// Certainly not in the log.
    pub not_written: u64,
    /// Sent, and the answer was lost: perhaps in the log.
    pub possibly_written: u64,
    /// By Kafka's name of the error.
    pub by_error: BTreeMap<String, u64>,
}

/// What librdkafka itself saw of the time between the hand-over and the acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientTimes {
    /// An event's time in the client's queue, until a request was made of its batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Spread>,
    /// A request's time in the queue before the socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<Spread>,
    /// From a request's sending to the broker's answer; replication is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip: Option<Spread>,
}

/// A time that librdkafka measured. Mean and maximum are exact; percentiles are put together from
/// those of each tenth of a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// How many samples.
    pub samples: u64,
    /// The mean.
    pub mean_ms: f64,
    /// Half were shorter.
    pub p50_ms: f64,
    /// 99 % were shorter.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// What was sent before the clock started. It is in the topic and in the totals of
/// `/api/loadtest/stats`, and in no other figure of the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Warmup {
    /// Events asked for.
    pub event_count: u64,
    /// Events sent.
    pub sent: u64,
    /// Events acknowledged.
    pub acknowledged: u64,
    /// Events not acknowledged.
    pub failed: u64,
    /// From the first event to the last outcome.
    pub duration_ms: f64,
}

/// What a run came to. Fields that could not be measured are absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// 16 hexadecimal digits; the beginning of the `eventId` of each of its records.
    pub run_id: String,
    /// The user's own name for the run, `null` without one.
    pub label: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why its figures are no result: the events were not sent when they should have been. Empty
    /// where they were.
    #[serde(default)]
    pub invalid_reasons: Vec<String>,
    /// Every effective property of the plan; absent in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Where to.
    pub topic: String,
    /// The topic that was made like it for this run, and deleted again; absent where `cleanup` was not
    /// asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary_topic: Option<String>,
    /// Events asked for, warm-up apart; in a run that ends by time, events sent.
    pub event_count: u64,
    /// Events a second asked for; absent as fast as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// The intended send time of the first event.
    #[serde(with = "service_kit::time::millis")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// The time of the last delivery report.
    #[serde(with = "service_kit::time::millis")]
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: Timestamp,
    /// From the one to the other.
    pub duration_ms: f64,
    /// Acknowledged events per second of that.
    pub throughput: f64,
    /// Events handed to the producer; fewer than `eventCount` when the run ended early.
    pub sent: u64,
    /// Events acknowledged by as many replicas as `acks` asks for.
    pub acknowledged: u64,
    /// Events sent and not acknowledged.
    pub failed: u64,
    /// The same by what is known of them.
    pub failures: Failures,
    /// What the latencies say something about.
    pub latency_measures: LatencyMeasures,
    /// Latencies of acknowledged events; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// The curve of the same; empty when there are none.
    #[serde(default)]
    pub latency_curve: Vec<PercentilePoint>,
    /// The same from the moment an event was handed to the client: without the time that it waited
    /// for its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_time: Option<Latency>,
    /// Where that time went, as librdkafka saw it; absent when nothing was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_times: Option<ClientTimes>,
    /// How it went over time, by the second or, in a long run, in at most 300 points.
    #[serde(default)]
    pub timeline: Vec<TimelinePoint>,
    /// What went wrong, and when.
    #[serde(default)]
    pub disturbances: Disturbances,
    /// What was read back, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// Time in which an event was due and the client could take none: the cluster was slower.
    #[serde(default)]
    pub back_pressure_ms: f64,
    /// Events that were handed over more than 20 ms later than intended although the client would have
    /// taken them: the generator's own fault. Only at a given rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_events: Option<u64>,
    /// The most that an event was handed to the producer later than intended; only at a given rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_schedule_lag_ms: Option<f64>,
    /// Bytes of the events as JSON.
    pub payload_bytes: u64,
    /// Bytes sent to brokers, requests and retries included (librdkafka's `tx_bytes`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_bytes: Option<u64>,
    /// Produce requests sent; each holds records of one partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub produce_requests: Option<u64>,
    /// Times that librdkafka's network threads came back from waiting for each produce request: a few;
    /// hundreds where they spin (`wakeups` of librdkafka).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polls_per_request: Option<f64>,
    /// What compression saved: 1 - `tx_bytes` / `txmsg_bytes` of librdkafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression_saving_percent: Option<f64>,
    /// What was sent before the clock started.
    pub warmup: Warmup,
    /// Every property that was set on the producer, and those that decide about the result.
    pub producer_properties: BTreeMap<String, String>,
    /// What to keep in mind when reading these figures.
    pub notes: Vec<String>,
}

/// Events acknowledged per second; 0 when no time passed.
pub fn throughput(acknowledged: u64, duration_ns: u64) -> f64 {
    if duration_ns == 0 {
        return 0.0;
    }
    rounded(acknowledged as f64 / (duration_ns as f64 / 1e9), 1)
}

/// Nanoseconds as milliseconds with three decimals.
pub fn milliseconds(ns: u64) -> f64 {
    rounded(ns as f64 / 1e6, 3)
}

impl RunReport {
    /// Fills in what librdkafka counted.
    pub fn set_wire_use(&mut self, used: Option<WireUse>) {
        self.wire_bytes = used.map(|used| used.wire_bytes);
        self.produce_requests = used.map(|used| used.produce_requests);
        self.polls_per_request = used
            .filter(|used| used.produce_requests > 0)
            .map(|used| rounded(used.wakeups as f64 / used.produce_requests as f64, 1));
        self.compression_saving_percent = used.map(|used| rounded(used.saving_percent, 1));
    }
}

fn rounded(number: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (number * factor).round() / factor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_samples_in_milliseconds() {
        let mut histogram = Histogram::new_with_max(600_000_000, 3).unwrap();
        for microseconds in 1..=10_000 {
            histogram.record(microseconds).unwrap();
        }
        let latency = Latency::of(&histogram).unwrap();
        assert!((latency.p50_ms - 5.0).abs() < 0.01, "{latency:?}");
        assert!((latency.p99_ms - 9.9).abs() < 0.01, "{latency:?}");
        assert!((latency.p999_ms - 9.99).abs() < 0.01, "{latency:?}");
        assert!((latency.max_ms - 10.0).abs() < 0.01, "{latency:?}");
        assert!((latency.mean_ms - 5.0).abs() < 0.01, "{latency:?}");
    }

    #[test]
    fn the_curve_rises_from_the_fastest_to_the_slowest() {
        let mut histogram = Histogram::new_with_max(600_000_000, 3).unwrap();
        assert_eq!(percentile_curve(&histogram), []);
        for microseconds in 1..=10_000 {
            histogram.record(microseconds).unwrap();
        }
        let curve = percentile_curve(&histogram);
        assert!(curve.is_sorted_by_key(|point| point.ms), "{curve:?}");
        assert!((curve[3].ms - 5.0).abs() < 0.01, "{curve:?}");
        assert!((curve[16].ms - 10.0).abs() < 0.01, "{curve:?}");
    }

    #[test]
    fn without_an_acknowledgement_there_is_no_latency() {
        assert_eq!(
            Latency::of(&Histogram::new_with_max(600_000_000, 3).unwrap()),
            None
        );
    }

    #[test]
    fn throughput_counts_acknowledged_events_over_the_whole_time() {
        assert!((throughput(10_000, 250_000_000) - 40_000.0).abs() < 1e-9);
        assert!(throughput(0, 0).abs() < 1e-9);
    }

    #[test]
    fn durations_keep_microseconds() {
        assert!((milliseconds(1_234_567) - 1.235).abs() < 1e-9);
    }
}
