//! Where the time between hand-over and acknowledgement goes, put together from librdkafka's reports.

use hdrhistogram::Histogram;

use super::report::{ClientTimes, Spread};
use super::statistics::{ClientStatistics, Window};

/// The three stretches of that time, summed up over a phase.
#[derive(Debug, Clone, Default)]
pub struct TimesSeen {
    queue: Samples,
    socket: Samples,
    round_trip: Samples,
}

#[derive(Debug, Clone)]
struct Samples {
    count: u64,
    sum_us: u64,
    max_us: u64,
    /// Each report's percentiles, weighted by its samples.
    histogram_us: Histogram<u64>,
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            count: 0,
            sum_us: 0,
            max_us: 0,
            histogram_us: Histogram::new(2).expect("two digits are a valid precision"),
        }
    }
}

impl TimesSeen {
    /// Adds what one report says of all brokers.
    pub fn add(&mut self, statistics: &ClientStatistics) {
        for broker in statistics.brokers.values() {
            self.queue.add(&broker.int_latency);
            self.socket.add(&broker.outbuf_latency);
            self.round_trip.add(&broker.rtt);
        }
    }

    /// With what another producer saw.
    pub fn merge(&mut self, other: &Self) {
        self.queue.merge(&other.queue);
        self.socket.merge(&other.socket);
        self.round_trip.merge(&other.round_trip);
    }

    /// For the report; `None` when nothing was sent.
    pub fn told(&self) -> Option<ClientTimes> {
        (self.queue.count > 0).then(|| ClientTimes {
            queue: self.queue.told(),
            socket: self.socket.told(),
            round_trip: self.round_trip.told(),
        })
    }
}

impl Samples {
    fn add(&mut self, window: &Window) {
        if window.cnt == 0 {
            return;
        }
        self.count += window.cnt;
        self.sum_us += window.sum;
        self.max_us = self.max_us.max(window.max);
        // Half of the samples are at most p50, 40 % between p50 and p90, 9 % and 1 % above.
        let shares = [
            (window.p50, 50),
            (window.p90, 40),
            (window.p99, 9),
            (window.max, 1),
        ];
        for (us, percent) in shares {
            // A hundredth of a sample is what is counted, so that one sample has all its shares.
            let _ = self.histogram_us.record_n(us, window.cnt * percent);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_us += other.sum_us;
        self.max_us = self.max_us.max(other.max_us);
        // It grows as it must.
        let _ = self.histogram_us.add(&other.histogram_us);
    }

    fn told(&self) -> Option<Spread> {
        let ms = |us: u64| us as f64 / 1_000.0;
        let quantile = |quantile| ms(self.histogram_us.value_at_quantile(quantile));
        (self.count > 0).then(|| Spread {
            samples: self.count,
            mean_ms: ms(self.sum_us / self.count),
            p50_ms: quantile(0.5),
            p99_ms: quantile(0.99),
            max_ms: ms(self.max_us),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(cnt: u64, each: u64) -> Window {
        Window {
            cnt,
            sum: cnt * each,
            max: each,
            p50: each,
            p90: each,
            p99: each,
        }
    }

    #[test]
    fn reports_weigh_as_much_as_they_have_samples() {
        let mut samples = Samples::default();
        samples.add(&window(90, 1_000));
        samples.add(&window(10, 50_000));
        samples.add(&Window::default());
        let told = samples.told().unwrap();
        assert_eq!(told.samples, 100);
        assert!((told.mean_ms - 5.9).abs() < 0.001, "{told:?}");
        assert!((told.p50_ms - 1.0).abs() < 0.02, "{told:?}");
        assert!((told.p99_ms - 50.0).abs() < 0.6, "{told:?}");
        assert!((told.max_ms - 50.0).abs() < 1e-9, "{told:?}");
    }

    #[test]
    fn nothing_sent_is_nothing_told() {
        assert_eq!(TimesSeen::default().told(), None);
    }
}
