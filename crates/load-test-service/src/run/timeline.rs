//! How a run went second by second: events acknowledged and failed, and their latency.
//!
//! Each producer keeps the second that it is in to itself and adds it here when it is over, so that
//! the threads meet once a second and not once an event.

use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::report::{milliseconds, throughput};

const SECOND_NS: u64 = 1_000_000_000;

/// Most points: a run that is longer has points of two seconds, then four, and so on.
const POINTS_MAX: usize = 300;

/// Digits of these histograms: two, which is 1 % of a latency.
const DIGITS: u8 = 2;

/// One stretch of a run, by the time of the outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelinePoint {
    /// Its beginning, from the start of the run.
    pub at_ms: f64,
    /// Its length; the last one is cut off by the end of the run.
    pub duration_ms: f64,
    /// Events acknowledged in it.
    pub acknowledged: u64,
    /// Events that failed in it.
    pub failed: u64,
    /// Events acknowledged per second.
    pub throughput: f64,
    /// Median latency of those; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 99 % of them were faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// The slowest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<f64>,
}

/// The points of a run so far.
#[derive(Debug)]
pub struct Timeline {
    seconds_per_point: u64,
    stretches: Vec<Stretch>,
}

/// What happened in one stretch of time.
#[derive(Debug, Clone)]
struct Stretch {
    /// Microseconds from the intended send time, of acknowledged events.
    latency_us: Histogram<u32>,
    failed: u64,
}

/// One producer's present second.
#[derive(Debug)]
pub struct PresentSecond {
    second: u64,
    stretch: Stretch,
}

impl Stretch {
    fn empty() -> Self {
        Self {
            latency_us: Histogram::new(DIGITS).expect("two digits are a valid precision"),
            failed: 0,
        }
    }

    fn add(&mut self, other: &Self) {
        // It grows as it must: it has no limit that the other could be beyond.
        let _ = self.latency_us.add(&other.latency_us);
        self.failed += other.failed;
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            seconds_per_point: 1,
            stretches: Vec::new(),
        }
    }
}

impl Timeline {
    /// The points of a run that has lasted for `duration_ns`.
    pub fn points(&self, duration_ns: u64) -> Vec<TimelinePoint> {
        let length_ns = self.seconds_per_point * SECOND_NS;
        let point = |(index, stretch): (usize, &Stretch)| {
            let at_ns = index as u64 * length_ns;
            // An outcome of the last moment may come after the end that was looked at.
            let duration_ns = length_ns.min(duration_ns.saturating_sub(at_ns)).max(1);
            let latency = &stretch.latency_us;
            let value = |quantile| {
                let us = latency.value_at_quantile(quantile);
                (!latency.is_empty()).then(|| milliseconds(us * 1_000))
            };
            TimelinePoint {
                at_ms: milliseconds(at_ns),
                duration_ms: milliseconds(duration_ns),
                acknowledged: latency.len(),
                failed: stretch.failed,
                throughput: throughput(latency.len(), duration_ns),
                p50_ms: value(0.5),
                p99_ms: value(0.99),
                max_ms: value(1.0),
            }
        };
        self.stretches.iter().enumerate().map(point).collect()
    }

    fn add(&mut self, second: u64, stretch: &Stretch) {
        let mut index = second / self.seconds_per_point;
        while index >= POINTS_MAX as u64 {
            self.join_neighbours();
            index = second / self.seconds_per_point;
        }
        let index = index as usize;
        if index >= self.stretches.len() {
            self.stretches.resize(index + 1, Stretch::empty());
        }
        self.stretches[index].add(stretch);
    }

    fn join_neighbours(&mut self) {
        let mut joined: Vec<Stretch> = Vec::with_capacity(POINTS_MAX);
        for pair in self.stretches.chunks(2) {
            let mut both = pair[0].clone();
            if let Some(second) = pair.get(1) {
                both.add(second);
            }
            joined.push(both);
        }
        self.stretches = joined;
        self.seconds_per_point *= 2;
    }
}

impl PresentSecond {
    /// The first second, empty.
    pub fn new() -> Self {
        Self {
            second: 0,
            stretch: Stretch::empty(),
        }
    }

    /// An event was acknowledged, so long after the start of the run.
    pub fn acknowledged(&mut self, since_start_ns: u64, latency_us: u64, into: &Mutex<Timeline>) {
        self.move_to(since_start_ns / SECOND_NS, into);
        // It grows as it must; to saturate would keep it at its first size.
        let _ = self.stretch.latency_us.record(latency_us);
    }

    /// An event failed.
    pub fn failed(&mut self, since_start_ns: u64, into: &Mutex<Timeline>) {
        self.move_to(since_start_ns / SECOND_NS, into);
        self.stretch.failed += 1;
    }

    /// Adds what there is: the second is over, or the run.
    pub fn flush(&mut self, into: &Mutex<Timeline>) {
        if self.stretch.latency_us.is_empty() && self.stretch.failed == 0 {
            return;
        }
        into.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(self.second, &self.stretch);
        self.stretch.latency_us.reset();
        self.stretch.failed = 0;
    }

    fn move_to(&mut self, second: u64, into: &Mutex<Timeline>) {
        if second != self.second {
            self.flush(into);
            self.second = second;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(timeline: &Mutex<Timeline>, duration_ns: u64) -> Vec<(f64, u64, u64)> {
        let timeline = timeline.lock().unwrap();
        let points = timeline.points(duration_ns);
        points
            .iter()
            .map(|point| (point.at_ms, point.acknowledged, point.failed))
            .collect()
    }

    #[test]
    fn seconds_without_any_outcome_are_points_too() {
        let timeline = Mutex::default();
        let mut present = PresentSecond::new();
        present.acknowledged(10, 5_000, &timeline);
        present.acknowledged(SECOND_NS - 1, 7_000, &timeline);
        present.failed(2 * SECOND_NS + 1, &timeline);
        present.flush(&timeline);
        let expected = [(0.0, 2, 0), (1_000.0, 0, 0), (2_000.0, 0, 1)];
        assert_eq!(counts(&timeline, 2_500_000_000), expected);
        let points = timeline.lock().unwrap().points(2_500_000_000);
        assert_eq!(points[1].p99_ms, None);
        assert!((points[0].max_ms.unwrap() - 7.0).abs() < 0.07);
        assert!((points[2].duration_ms - 500.0).abs() < 1e-9);
    }

    #[test]
    fn two_producers_add_up_to_exact_percentiles() {
        let timeline = Mutex::default();
        for latency_us in [1_000, 9_000] {
            let mut present = PresentSecond::new();
            for _ in 0..50 {
                present.acknowledged(0, latency_us, &timeline);
            }
            present.flush(&timeline);
        }
        let point = timeline.lock().unwrap().points(SECOND_NS)[0];
        assert_eq!(point.acknowledged, 100);
        assert!((point.p50_ms.unwrap() - 1.0).abs() < 0.02, "{point:?}");
        assert!((point.p99_ms.unwrap() - 9.0).abs() < 0.1, "{point:?}");
    }

    #[test]
    fn an_hour_has_no_more_points_than_a_page_can_show_and_loses_no_event() {
        let timeline = Mutex::default();
        let mut present = PresentSecond::new();
        for second in 0..3_600 {
            present.acknowledged(second * SECOND_NS, 1_000, &timeline);
        }
        present.flush(&timeline);
        let points = timeline.lock().unwrap().points(3_600 * SECOND_NS);
        assert_eq!(points.len(), 225);
        assert!(points.iter().all(|point| point.acknowledged == 16));
        assert!((points[1].at_ms - 16_000.0).abs() < 1e-9);
    }
}
