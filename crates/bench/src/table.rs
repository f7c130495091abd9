//! Results as text: a Markdown table of medians, with the least and the most in brackets, and the
//! ratios below it.

use std::fmt::Write;

use crate::measured::{Measured, Spread};
use crate::results::{Results, RowResult};
use crate::rows::{Client, Figure, Kind, Row, Settings, Side};

const HEAD: &str = "\
| row | client | settings | events/s | p50 ms | p99 ms | CPU s per million | CPU s apart | brokers' CPU s \
per million | records per request | polls per request | saving % |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

/// The whole report.
pub fn markdown(results: &Results) -> String {
    let mut text = format!("{}\n\n{HEAD}", results.machine.line());
    for result in &results.rows {
        for (side, runs) in result.row.sides.iter().zip(&result.runs) {
            push_side(&mut text, &result.row, side, runs);
        }
    }
    text.push('\n');
    for line in results.rows.iter().flat_map(summary) {
        let _ = writeln!(text, "- {line}");
    }
    text
}

/// What a row comes to: a line for each side that is compared with the first one.
pub fn summary(result: &RowResult) -> Vec<String> {
    let row = &result.row;
    match (row.kind, result.runs.as_slice()) {
        (Kind::Grid | Kind::Traced, _) | (_, []) => Vec::new(),
        (_, [runs]) => duration(row, runs).into_iter().collect(),
        (_, [first, others @ ..]) => row
            .sides
            .iter()
            .skip(1)
            .zip(others)
            .filter_map(|(side, runs)| comparison(row, side, first, runs))
            .collect(),
    }
}

/// How long the only side of a row took.
fn duration(row: &Row, runs: &[Measured]) -> Option<String> {
    let runs_ms = runs
        .iter()
        .map(|run| 1e3 * run.records as f64 / run.throughput);
    let Spread {
        median,
        least,
        most,
    } = Spread::of(runs_ms)?;
    Some(format!(
        "{}: {} events in {median:.0} ms ({least:.0}-{most:.0}), {} runs",
        row.name,
        row.events,
        runs.len()
    ))
}

/// One run, for those who wait.
pub fn line(side: &Side, run: &Measured) -> String {
    let optional = |figure: Option<f64>| figure.map_or("-".into(), |figure| format!("{figure:.1}"));
    let mut text = format!(
        "{} ({}): {:.0}/s, p50 {:.1} p99 {:.1} p99.9 {:.1} max {:.1} ms, CPU {:.2} s per million and {:.1} s apart, \
         brokers {:.1} s, {} records per request, {} polls per request",
        side.name,
        settings(side),
        run.throughput,
        run.p50_ms,
        run.p99_ms,
        run.p999_ms,
        run.max_ms,
        run.cpu_per_million(),
        run.cpu_apart_s,
        run.brokers_cpu_s,
        optional(run.records_per_request()),
        optional(run.polls_per_request),
    );
    if let Some(read) = run.read_throughput {
        let _ = write!(text, ", read back at {read:.0}/s");
    }
    if let Some(why) = &run.invalid {
        let _ = write!(text, ", NO RESULT: {why}");
    }
    text
}

/// A side's medians by the first one's, and the least and the most of the pairs.
fn comparison(row: &Row, side: &Side, first: &[Measured], second: &[Measured]) -> Option<String> {
    let ratio = |of: &dyn Fn(&Measured) -> f64| {
        let pairs = Spread::of(first.iter().zip(second).map(|(a, b)| of(b) / of(a)))?;
        let medians =
            Spread::of(second.iter().map(of))?.median / Spread::of(first.iter().map(of))?.median;
        let (least, most) = (pairs.least, pairs.most);
        Some(format!("{medians:.2} (pairs {least:.2}-{most:.2})"))
    };
    let (figure, of): (_, fn(&Measured) -> f64) = match row.ratio_of {
        Figure::Throughput => ("throughput", |run| run.throughput),
        Figure::P99 => ("p99", |run| run.p99_ms),
    };
    Some(format!(
        "{}: {} / {}: {figure} {}, CPU {} warm and {} of whole processes, {} pairs{}",
        row.name,
        side.name,
        row.sides.first()?.name,
        ratio(&of)?,
        ratio(&Measured::cpu_per_million)?,
        ratio(&|run| run.cpu_s + run.cpu_apart_s)?,
        first.len().min(second.len()),
        no_results(first.iter().chain(second))
    ))
}

fn no_results<'a>(runs: impl Iterator<Item = &'a Measured>) -> String {
    let reasons: Vec<&str> = runs.filter_map(|run| run.invalid.as_deref()).collect();
    if reasons.is_empty() {
        return String::new();
    }
    format!(
        ", of which {} are no results: {}",
        reasons.len(),
        reasons.join("; ")
    )
}

fn push_side(text: &mut String, row: &Row, side: &Side, runs: &[Measured]) {
    let spread = |of: &dyn Fn(&Measured) -> Option<f64>, decimals: usize| {
        let figures: Vec<f64> = runs.iter().filter_map(of).collect();
        match (Spread::of(figures), runs.len()) {
            (None, _) => "-".to_owned(),
            (Some(one), 1) => format!("{:.decimals$}", one.median),
            (
                Some(Spread {
                    median,
                    least,
                    most,
                }),
                _,
            ) => {
                format!("{median:.decimals$} ({least:.decimals$}-{most:.decimals$})")
            }
        }
    };
    let sends = matches!(row.kind, Kind::Send | Kind::Grid);
    let timed = |figure: f64| (row.kind != Kind::Traced).then_some(figure);
    let sent = |figure: f64| (sends && figure > 0.0).then_some(figure);
    let with_warmup = (row.events + row.warmup) as f64 / 1e6;
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        row.name,
        side.name,
        settings(side),
        spread(&|run| timed(run.throughput), 0),
        spread(&|run| sent(run.p50_ms), 1),
        spread(&|run| sent(run.p99_ms), 1),
        spread(&|run| timed(run.cpu_per_million()), 2),
        spread(&|run| sent(run.cpu_apart_s), 1),
        spread(&|run| sent(run.brokers_cpu_s / with_warmup), 1),
        spread(&Measured::records_per_request, 0),
        spread(&|run| run.polls_per_request, 1),
        spread(&|run| run.saving_percent, 1),
    );
}

fn settings(side: &Side) -> String {
    let Settings {
        batch_bytes,
        linger_ms,
        idempotence,
        ..
    } = side.settings;
    let mut text = format!("{batch_bytes} B, {linger_ms} ms");
    if idempotence {
        text.push_str(", idempotent");
    }
    if side.client == Client::Kafka && !side.settings.adaptive_partitioner {
        text.push_str(", not adaptive");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows;

    fn runs(throughputs: [f64; 3]) -> Vec<Measured> {
        let run = |throughput| Measured {
            throughput,
            records: 1_000_000,
            cpu_s: 2.0,
            ..Measured::default()
        };
        throughputs.map(run).into()
    }

    #[test]
    fn a_comparison_is_of_medians_and_shows_the_pairs() {
        let row = rows::all(None)
            .into_iter()
            .find(|row| row.name == "equal-256k")
            .unwrap();
        let mut result = RowResult {
            row,
            runs: vec![runs([100.0, 300.0, 200.0]), runs([300.0, 240.0, 210.0])],
        };
        let line = summary(&result).remove(0);
        assert!(
            line.contains("throughput 1.20 (pairs 0.80-3.00), CPU 1.00 (pairs 1.00-1.00) warm and 1.00 (pairs 1.00-1.00) of whole processes, 3 pairs"),
            "{line}"
        );
        result.runs[0][1].invalid = Some("stalled".into());
        assert!(
            summary(&result)
                .remove(0)
                .ends_with("of which 1 are no results: stalled")
        );
    }
}
