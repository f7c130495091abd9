//! `/runs/{id}`: a run while it goes on, and its report with its plots.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use service_kit::{Answer, NoInput, PathParam};
use service_pages::number;

use super::form::in_words;
use super::{page, plots, tone};
use crate::routes::{Found, find, location};
use crate::run::{
    Latency, LatencyMeasures, Outcome, RunReport, TimelinePoint, Verification, VerificationOutcome,
};
use crate::runs::{ProgressView, RunRecord, RunState};
use crate::search::{ComparisonReport, SweepReport};
use crate::state::AppState;

/// A page of a run in progress loads itself again this often where there is no script.
const REFRESH_S: u32 = 2;

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    name: String,
    state: String,
    tone: &'static str,
    when: String,
    kind: String,
    conclusion: Vec<String>,
    live: Option<Live>,
    tiles: Vec<Tile>,
    notes: Vec<String>,
    plots: Vec<String>,
    tables: Vec<Table>,
    properties: BTreeMap<String, String>,
    record: RunRecord,
}

/// One figure.
struct Tile {
    what: &'static str,
    value: String,
    tone: &'static str,
}

/// A table; without a head its first column names the rows.
struct Table {
    title: &'static str,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// A run in progress.
pub struct Live {
    pub run_id: String,
    pub name: String,
    pub events: String,
    pub doing: String,
    pub percent: Option<u64>,
    pub tiles: Vec<(&'static str, String)>,
}

impl Live {
    pub fn of(record: &RunRecord) -> Self {
        let progress = record.progress.as_ref();
        Self {
            run_id: record.run_id.clone(),
            name: name(record),
            events: format!("{}/progress", location(&record.run_id)),
            doing: progress.map(doing).unwrap_or_default(),
            percent: progress.and_then(percent),
            tiles: progress.map(live_tiles).unwrap_or_default(),
        }
    }
}

/// The page of one run.
pub async fn run(
    State(state): State<AppState>,
    PathParam(id): PathParam<String>,
    _: NoInput,
) -> Answer<Response> {
    let record = match find(&state, &id)? {
        Found::Over(record) => RunRecord::clone(&record),
        Found::Running(running) => running.record(),
    };
    let refresh_s = (record.state == RunState::Running).then_some(REFRESH_S);
    let title = name(&record);
    page(
        StatusCode::OK,
        &title,
        refresh_s,
        RunPage::of(record).render(),
    )
}

/// Cancels a run and leads back to its page, which shows how it ends.
pub async fn cancel(
    State(state): State<AppState>,
    PathParam(id): PathParam<String>,
    _: NoInput,
) -> Answer<Response> {
    if let Found::Running(running) = find(&state, &id)? {
        running.cancel();
    }
    Ok(Redirect::to(&format!("/runs/{id}")).into_response())
}

impl RunPage {
    fn of(record: RunRecord) -> Self {
        let report = record.report.as_ref();
        let state = match report {
            Some(report) => words(&report.outcome),
            None => words(&record.state),
        };
        let mut notes = report
            .map(|report| report.notes.clone())
            .unwrap_or_default();
        notes.extend(record.sweep.iter().flat_map(|sweep| sweep.notes.clone()));
        notes.extend(record.comparison.iter().flat_map(|both| both.notes.clone()));
        notes.extend(record.notes.iter().cloned());
        let running = record.state == RunState::Running;
        let tiles = match (report, &record.progress) {
            (Some(report), _) => tiles(report),
            (None, Some(progress)) if !running => left_tiles(progress),
            _ => Vec::new(),
        };
        Self {
            name: name(&record),
            state,
            tone: report.map_or(tone(record.state), tone_of),
            when: format!("{:.0}", record.accepted_at)
                .replace('T', " ")
                .replace('Z', ""),
            kind: words(&record.kind),
            live: running.then(|| Live::of(&record)),
            tiles,
            notes,
            plots: plots_of(&record),
            conclusion: conclusion(&record),
            tables: tables_of(&record),
            properties: report
                .map(|report| report.producer_properties.clone())
                .unwrap_or_default(),
            record,
        }
    }
}

fn name(record: &RunRecord) -> String {
    match &record.label {
        Some(label) => label.clone(),
        None => format!("Run {}", record.run_id),
    }
}

fn words(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().map(in_words).unwrap_or_default()
}

fn tone_of(report: &RunReport) -> &'static str {
    match report.outcome {
        Outcome::Completed => "good",
        Outcome::Cancelled | Outcome::Interrupted => "warn",
        _ => "bad",
    }
}

fn doing(progress: &ProgressView) -> String {
    let phase = words(&progress.phase);
    match &progress.step {
        Some(step) => format!("Step {}: {}, {phase}", step.number, step.name),
        None => phase,
    }
}

fn percent(progress: &ProgressView) -> Option<u64> {
    let settled = progress.counted.acknowledged + progress.counted.failed;
    // Of several parts nobody knows beforehand how many there will be.
    let whole = progress.event_count.filter(|_| progress.step.is_none())?;
    Some((settled * 100 / whole.max(1)).min(100))
}

fn live_tiles(progress: &ProgressView) -> Vec<(&'static str, String)> {
    let mut tiles = vec![
        (
            "Acknowledged",
            number::grouped(progress.counted.acknowledged),
        ),
        ("Failed", number::grouped(progress.counted.failed)),
    ];
    if let Some(last) = &progress.last_second {
        tiles.push(("Events/s, last second", number::rounded(last.throughput)));
        tiles.extend(
            last.p99_ms
                .map(|ms| ("p99, last second", number::duration_ms(ms))),
        );
    }
    tiles.push(("Elapsed", number::duration_ms(progress.elapsed_ms as f64)));
    tiles
}

/// What a killed service left.
fn left_tiles(progress: &ProgressView) -> Vec<Tile> {
    live_tiles(progress)
        .into_iter()
        .map(|(what, value)| Tile {
            what,
            value,
            tone: "",
        })
        .collect()
}

fn tiles(report: &RunReport) -> Vec<Tile> {
    let tile = |what, value| Tile {
        what,
        value,
        tone: "",
    };
    let mut tiles = vec![
        tile("Events/s", number::rounded(report.throughput)),
        tile("Acknowledged", number::grouped(report.acknowledged)),
        Tile {
            what: "Failed",
            value: number::grouped(report.failed),
            tone: if report.failed > 0 { "bad" } else { "" },
        },
        tile("Duration", number::duration_ms(report.duration_ms)),
    ];
    if let Some(latency) = &report.latency {
        tiles.push(tile("Median", number::duration_ms(latency.p50_ms)));
        tiles.push(tile("p99", number::duration_ms(latency.p99_ms)));
    }
    tiles.extend(
        report
            .compression_saving_percent
            .map(|saving| tile("Saved by compression", format!("{saving:.0} %"))),
    );
    tiles
}

/// What was found, or why there is no result.
fn conclusion(record: &RunRecord) -> Vec<String> {
    let invalid = record
        .report
        .iter()
        .flat_map(|report| &report.invalid_reasons);
    let found = record.conclusion().map(str::to_owned);
    found.into_iter().chain(invalid.cloned()).collect()
}

fn plots_of(record: &RunRecord) -> Vec<String> {
    let timeline: &[TimelinePoint] = match (&record.report, &record.progress) {
        (Some(report), _) => &report.timeline,
        (None, Some(progress)) => &progress.timeline,
        (None, None) => &[],
    };
    let mut plots = vec![plots::throughput(timeline), plots::latency(timeline)];
    plots.extend(
        record
            .report
            .iter()
            .map(|report| plots::percentiles(&report.latency_curve)),
    );
    plots.extend(record.sweep.iter().map(plots::sweep));
    plots
}

fn tables_of(record: &RunRecord) -> Vec<Table> {
    let mut all = record.report.as_ref().map(tables).unwrap_or_default();
    all.extend(record.sweep.iter().map(steps));
    all.extend(record.comparison.iter().map(differences));
    all
}

fn steps(sweep: &SweepReport) -> Table {
    let ms = |ms: Option<f64>| ms.map(number::duration_ms).unwrap_or_default();
    let row = |step: &crate::search::limit::SweepStep| {
        vec![
            number::grouped(step.rate),
            words(&step.purpose),
            ms(step.p50_ms),
            ms(step.p99_ms),
            ms(step.max_ms),
            number::rounded(step.throughput),
            step.reason.clone().unwrap_or_else(|| "yes".to_owned()),
        ]
    };
    Table {
        title: "Steps",
        head: vec![
            "Rate", "Why", "Median", "p99", "Slowest", "Events/s", "Held",
        ],
        rows: sweep.steps.iter().map(row).collect(),
    }
}

fn differences(comparison: &ComparisonReport) -> Table {
    let row = |difference: &crate::search::difference::Difference| {
        vec![
            in_words(&difference.measure),
            number::rounded(difference.median_a),
            number::rounded(difference.median_b),
            format!("{:.3}", difference.ratio),
            format!(
                "{:.3} to {:.3} ({} %)",
                difference.ratio_low, difference.ratio_high, difference.confidence_percent
            ),
            difference.verdict.clone(),
        ]
    };
    Table {
        title: "Plan b against plan a",
        head: vec![
            "Measure",
            "Median of a",
            "Median of b",
            "b / a",
            "Interval",
            "Verdict",
        ],
        rows: comparison.differences.iter().map(row).collect(),
    }
}

fn tables(report: &RunReport) -> Vec<Table> {
    let mut tables = Vec::new();
    tables.extend(latencies(report));
    if let Some(verification) = &report.verification {
        tables.push(read_back(verification));
    }
    if !report.failures.by_error.is_empty() {
        let errors = report.failures.by_error.iter();
        tables.push(Table {
            title: "Failures",
            head: vec!["Error", "Events"],
            rows: errors
                .map(|(error, count)| vec![error.clone(), number::grouped(*count)])
                .collect(),
        });
    }
    tables
}

fn latencies(report: &RunReport) -> Option<Table> {
    let row = |name: &str, latency: &Latency| {
        let ms = [
            latency.p50_ms,
            latency.p90_ms,
            latency.p95_ms,
            latency.p99_ms,
            latency.p999_ms,
            latency.max_ms,
            latency.mean_ms,
        ];
        let cells = ms.map(number::duration_ms).into_iter();
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    let from_intended = row("From the intended send time", report.latency.as_ref()?);
    let from_hand_over = report.service_time.as_ref();
    Some(Table {
        title: match report.latency_measures {
            LatencyMeasures::QueueingAtFullSpeed => {
                "Latency (as fast as possible: mostly time in the queue)"
            }
            LatencyMeasures::ResponseAtGivenRate => "Latency (at the given rate)",
        },
        head: vec![
            "", "Median", "90 %", "95 %", "99 %", "99.9 %", "Slowest", "Mean",
        ],
        rows: std::iter::once(from_intended)
            .chain(from_hand_over.map(|latency| row("From the hand-over to the client", latency)))
            .collect(),
    })
}

fn read_back(verification: &Verification) -> Table {
    let row = |name: &str, count: u64| vec![name.to_owned(), number::grouped(count)];
    Table {
        title: match verification.outcome {
            VerificationOutcome::Passed => "Read back: everything is there",
            VerificationOutcome::Failed => "Read back: not as it was acknowledged",
            VerificationOutcome::Incomplete => "Read back: not to the end",
        },
        head: vec!["", "Events"],
        rows: vec![
            row("Acknowledged", verification.acknowledged),
            row("There", verification.read_back),
            row("Lost", verification.lost),
            row("Duplicated", verification.duplicated),
            row("Out of order", verification.out_of_order),
            row("Corrupted", verification.corrupted),
        ],
    }
}
