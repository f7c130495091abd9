//! The plots of a run: over time, and by percentile.

use service_pages::plot::{Axis, Plot, Scale, Series};

use crate::run::{PercentilePoint, TimelinePoint};
use crate::search::SweepReport;

const MS_PER_S: f64 = 1_000.0;

/// Acknowledged events a second over time; failed ones as well where there are any.
pub fn throughput(points: &[TimelinePoint]) -> String {
    let per_second = |of: fn(&TimelinePoint) -> f64| -> Vec<_> {
        points
            .iter()
            .map(|point| (middle_s(point), Some(of(point))))
            .collect()
    };
    let mut series = vec![joined("acknowledged", per_second(|point| point.throughput))];
    if points.iter().any(|point| point.failed > 0) {
        let failed = per_second(|point| point.failed as f64 / point.duration_ms * MS_PER_S);
        series.push(joined("failed", failed));
    }
    Plot {
        title: "Events per second".to_owned(),
        x: seconds(),
        y: linear(""),
        series,
        mark: None,
    }
    .figure()
}

/// Latency over time.
pub fn latency(points: &[TimelinePoint]) -> String {
    let by_time = |of: fn(&TimelinePoint) -> Option<f64>| -> Vec<_> {
        points
            .iter()
            .map(|point| (middle_s(point), of(point)))
            .collect()
    };
    Plot {
        title: "Latency in ms, by the second".to_owned(),
        x: seconds(),
        y: log(""),
        series: vec![
            joined("median", by_time(|point| point.p50_ms)),
            joined("99 % were faster", by_time(|point| point.p99_ms)),
            joined("slowest", by_time(|point| point.max_ms)),
        ],
        mark: None,
    }
    .figure()
}

/// Latency by percentile, the rare ones drawn wide apart.
pub fn percentiles(curve: &[PercentilePoint]) -> String {
    let points = curve.iter().map(|point| (point.percentile, Some(point.ms)));
    Plot {
        title: "Latency in ms, by percentile".to_owned(),
        x: Axis {
            label: "% of events were faster".to_owned(),
            scale: Scale::Tail,
        },
        y: log(""),
        series: vec![joined("latency", points.collect())],
        mark: None,
    }
    .figure()
}

/// Latency of each step by its rate.
pub fn sweep(report: &SweepReport) -> String {
    let steps = |holds: bool| {
        let steps = report.steps.iter().filter(move |step| step.holds == holds);
        steps.map(|step| (step.rate as f64, step.p99_ms)).collect()
    };
    let dots = |name: &str, points| Series {
        name: name.to_owned(),
        points,
        joined: false,
    };
    Plot {
        title: "99th percentile of latency in ms, by rate".to_owned(),
        x: log("events a second"),
        y: log(""),
        series: vec![
            dots("held the objective", steps(true)),
            dots("did not", steps(false)),
        ],
        mark: Some((
            report.objective_p99_ms,
            format!("objective: {} ms", report.objective_p99_ms),
        )),
    }
    .figure()
}

fn middle_s(point: &TimelinePoint) -> f64 {
    (point.at_ms + point.duration_ms / 2.0) / MS_PER_S
}

fn joined(name: &str, points: Vec<(f64, Option<f64>)>) -> Series {
    Series {
        name: name.to_owned(),
        points,
        joined: true,
    }
}

fn seconds() -> Axis {
    linear("seconds")
}

fn linear(label: &str) -> Axis {
    Axis {
        label: label.to_owned(),
        scale: Scale::Linear,
    }
}

fn log(label: &str) -> Axis {
    Axis {
        label: label.to_owned(),
        scale: Scale::Log,
    }
}
