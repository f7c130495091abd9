//! A report as people read it in a terminal.

use std::fmt::Write;

use serde::Serialize;

use crate::run::{Latency, LatencyMeasures, RunReport};

/// The report, a line for each group of figures.
pub fn of(report: &RunReport) -> String {
    let mut rows = vec![
        ("run", format!("{} to {}", report.run_id, report.topic)),
        ("outcome", words(&report.outcome)),
        (
            "events",
            format!(
                "{} sent, {} acknowledged, {} failed",
                report.sent, report.acknowledged, report.failed
            ),
        ),
        (
            "throughput",
            format!(
                "{:.0} events/s over {:.3} s",
                report.throughput,
                report.duration_ms / 1e3
            ),
        ),
    ];
    let measures = match report.latency_measures {
        LatencyMeasures::QueueingAtFullSpeed => "queueing",
        LatencyMeasures::ResponseAtGivenRate => "latency",
    };
    rows.extend(report.latency.map(|latency| (measures, line(&latency))));
    rows.extend(report.compression_saving_percent.map(|saving| {
        let megabytes = report.payload_bytes as f64 / 1e6;
        (
            "size",
            format!("{megabytes:.1} MB of events, {saving:.0} % saved by compression"),
        )
    }));
    rows.extend(
        report
            .failures
            .by_error
            .iter()
            .map(|(error, count)| ("failed", format!("{count} by {error}"))),
    );
    rows.extend(report.verification.as_ref().map(|read| {
        let counts = format!(
            "{} of {} read back, {} lost, {} duplicated, {} out of order, {} corrupted",
            read.read_back,
            read.acknowledged,
            read.lost,
            read.duplicated,
            read.out_of_order,
            read.corrupted
        );
        ("verified", counts)
    }));
    rows.extend(
        report
            .invalid_reasons
            .iter()
            .map(|why| ("invalid", why.clone())),
    );
    rows.extend(report.notes.iter().map(|note| ("note", note.clone())));
    let mut text = String::new();
    for (name, value) in rows {
        let _ = writeln!(text, "{name:<11} {value}");
    }
    text
}

/// A value of our JSON in words: `completedWithFailures` is "completed with failures".
pub fn words(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    let mut words = String::new();
    for letter in json.as_str().unwrap_or_default().chars() {
        if letter.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

fn line(latency: &Latency) -> String {
    format!(
        "p50 {:.1}  p90 {:.1}  p99 {:.1}  p99.9 {:.1}  max {:.1} ms",
        latency.p50_ms, latency.p90_ms, latency.p99_ms, latency.p999_ms, latency.max_ms
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Outcome, sample_report};

    #[test]
    fn every_figure_that_counts_is_in_the_table() {
        let text = of(&sample_report("0123456789abcdef"));
        for part in [
            "0123456789abcdef to log-events",
            "outcome     completed\n",
            "1000 acknowledged, 0 failed",
            "2000 events/s over 0.500 s",
            "queueing    p50 5.0",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
    }

    #[test]
    fn values_are_said_in_words() {
        assert_eq!(
            words(&Outcome::CompletedWithFailures),
            "completed with failures"
        );
    }
}
