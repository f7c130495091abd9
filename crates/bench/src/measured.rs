//! What one run of one client came to. Plain data, the same for every client.

use serde::{Deserialize, Serialize};

/// One run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Measured {
    /// Records acknowledged.
    pub records: u64,
    /// Acknowledged records per second.
    pub throughput: f64,
    /// Latency in milliseconds: ours from the intended send time, ProducerPerformance's from the call
    /// of `send`.
    pub p50_ms: f64,
    /// The slowest 1 % took longer.
    pub p99_ms: f64,
    /// The slowest 0.1 % took longer.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// CPU seconds of the client while it was measured.
    pub cpu_s: f64,
    /// CPU seconds of the client for everything else: its start, its warm-up, its end.
    pub cpu_apart_s: f64,
    /// CPU seconds of all brokers meanwhile, start and warm-up of the client included.
    pub brokers_cpu_s: f64,
    /// Seconds of the whole process.
    pub wall_s: f64,
    /// Produce requests of the measured part.
    pub requests: Option<f64>,
    /// Times that the client's network threads came back from waiting, per produce request.
    pub polls_per_request: Option<f64>,
    /// What compression saved, in percent.
    pub saving_percent: Option<f64>,
    /// Records read back per second.
    pub read_throughput: Option<f64>,
    /// Most memory of the client, in MiB.
    pub memory_mib: f64,
    /// Why this run is no result.
    pub invalid: Option<String>,
}

impl Measured {
    /// CPU seconds per million records.
    pub fn cpu_per_million(&self) -> f64 {
        self.cpu_s / (self.records as f64 / 1e6)
    }

    /// Records in one produce request.
    pub fn records_per_request(&self) -> Option<f64> {
        let requests = self.requests.filter(|requests| *requests > 0.0)?;
        Some(self.records as f64 / requests)
    }
}

/// The middle, the least and the most of several figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The median; of an even number, the mean of the middle two.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of these figures; `None` without any.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let (upper, lower) = (sorted.len() / 2, (sorted.len() - 1) / 2);
        Some(Self {
            median: f64::midpoint(sorted[lower], sorted[upper]),
            least,
            most,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        let odd = Spread::of([3.0, 1.0, 9.0]).unwrap();
        assert_eq!((odd.median, odd.least, odd.most), (3.0, 1.0, 9.0));
        assert!((Spread::of([4.0, 1.0, 2.0, 9.0]).unwrap().median - 3.0).abs() < 1e-9);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn costs_are_per_million_and_per_request() {
        let run = Measured {
            records: 2_000_000,
            cpu_s: 5.0,
            requests: Some(4_000.0),
            ..Measured::default()
        };
        assert!((run.cpu_per_million() - 2.5).abs() < 1e-9);
        assert_eq!(run.records_per_request(), Some(500.0));
        assert_eq!(Measured::default().records_per_request(), None);
    }
}
