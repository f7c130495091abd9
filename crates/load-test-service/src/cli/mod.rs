//! `load-test-service run`: one run from the command line, in this process and without the service.
//!
//! The flags of the plan are the fields of `POST /api/loadtest/run`, taken from its documentation, so
//! that both stay the same.

mod condition;
mod fields;
mod plan_flags;
mod table;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use kafka_cluster::KafkaCluster;
use service_kit::settings::{KafkaSettings, LogFormat, LogSettings};
use service_kit::{input, runtime, serve, telemetry};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::plan::Plan;
use crate::run::{Outcome, RunReport, VerificationOutcome};
use crate::runs::{Archive, Runner, Running, Task};
use crate::settings::PROTECTED_TOPICS;
use crate::target;
use condition::Condition;
use fields::ReportFields;
use plan_flags::PlanFlags;

/// The run could not be made, or its report not be written.
const COULD_NOT: u8 = 1;
/// The command line is wrong; clap's own status.
const USAGE: u8 = 2;
/// The run ended with events that were not acknowledged, or not at all as planned.
const NOT_COMPLETE: u8 = 3;
/// A condition of `--fail-if` is true, or its field is not in the report.
const CONDITION: u8 = 4;
/// What a shell gives a process that SIGINT ended.
const INTERRUPTED: u8 = 130;

/// Time between two looks at the progress.
const LOOK: Duration = Duration::from_millis(100);

/// What one run from the command line is told.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct RunArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "described where it is declared")]
    pub plan: PlanFlags,

    /// Write the report as JSON to FILE, or with - to standard output in place of the table
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub json: Option<PathBuf>,

    /// End with status 4 if this is true of the report, e.g. 'p99_ms>20'; repeat it as you like
    #[arg(long, value_name = "CONDITION", help_heading = "Result")]
    pub fail_if: Vec<Condition>,

    /// No progress bar; there is none either when standard error is not a terminal
    #[arg(long, help_heading = "Result")]
    pub quiet: bool,

    /// Topics that no load is produced into, separated by commas
    #[arg(long, env = "PROTECTED_TOPICS", default_value = PROTECTED_TOPICS, value_delimiter = ',')]
    pub protected_topics: Vec<String>,

    /// What is logged to standard error
    #[arg(long, env = "RUST_LOG", default_value = "error")]
    pub log_filter: String,

    #[command(flatten)]
    #[expect(missing_docs, reason = "described where it is declared")]
    pub kafka: KafkaSettings,
}

const AFTER_HELP: &str = "\
Conditions: FIELD OPERATOR NUMBER, where OPERATOR is one of > >= < <= == !=, and FIELD is one of
p50_ms p90_ms p95_ms p99_ms p999_ms max_ms mean_ms, or any number of the JSON report by its name:
throughput, duration_ms, failed, max_schedule_lag_ms, failures.not_written, ... (p99_ms and
latency.p99Ms are the same). A field that the report of this run lacks counts as failed.

Ctrl-C ends the run early: what is in flight is waited for (some seconds), then the report is
given; a second one ends at once.

Exit status:
    0  every event was acknowledged, and no condition is true
    1  the run could not be made, or the report not be written
    2  the command line is wrong: nothing was sent
    3  events failed or were not read back, the schedule was not kept, or the run ended early
    4  a condition of --fail-if is true
  130  ended early by Ctrl-C";

/// Makes the run that `args` describe. What goes wrong is one line on standard error.
pub fn run(args: &RunArgs) -> ExitCode {
    let plan = match input::read_pairs::<Plan>(args.plan.pairs()) {
        Ok(plan) => plan,
        Err(problem) => {
            for error in &problem.errors {
                let flag = plan_flags::flag_of(&error.field);
                eprintln!("load-test-service run: {flag} {}", error.message);
            }
            return ExitCode::from(USAGE);
        }
    };
    let ended = telemetry::init(&LogSettings {
        log_format: LogFormat::Text,
        log_filter: args.log_filter.clone(),
    })
    .and_then(|()| Ok(runtime::block_on(make(args, plan))?))
    .flatten();
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("load-test-service run: {error:#}");
            ExitCode::from(COULD_NOT)
        }
    }
}

async fn make(args: &RunArgs, plan: Plan) -> anyhow::Result<u8> {
    target::check_name(&plan.topic, &args.protected_topics)?;
    let connection = args.kafka.connection()?;
    let cluster = KafkaCluster::connect(connection.clone()).context("Kafka settings")?;
    let targets = vec![target::examine(&cluster, &plan).await?];
    let metrics = Metrics::register(&prometheus::Registry::new(), &[])?;
    let stop = serve::stop_on_signals();
    let runner = Runner::new(connection, metrics, Archive::in_memory(1), stop.clone());
    let Ok(mut started) = runner.start(Task::Run(Box::new(plan)), targets) else {
        // Nothing else runs here: the signal came before the run.
        return Ok(INTERRUPTED);
    };
    let bar = if args.quiet {
        ProgressBar::hidden()
    } else {
        bar(&started.running)
    };
    let ending = loop {
        tokio::select! {
            ending = &mut started.ending => break ending,
            () = tokio::time::sleep(LOOK) => show(&bar, &started.running, &stop),
        }
    };
    bar.finish_and_clear();
    let record = ending.context("the run ended without a report")??;
    let report = record.report.as_ref().context("the run has no report")?;
    let verdicts = judge(&args.fail_if, report)?;
    give(args, report, &verdicts)?;
    Ok(status(report, &verdicts))
}

/// Indicatif draws nothing where standard error is no terminal.
fn bar(running: &Arc<Running>) -> ProgressBar {
    let events = running.progress().event_count;
    let bar = events.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = "{bar:30} {percent:>3} %  {human_pos} of {human_len} acknowledged  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, running: &Running, stop: &CancellationToken) {
    let view = running.progress();
    if let Some(events) = view.event_count {
        bar.set_length(events);
    }
    bar.set_position(view.counted.acknowledged);
    let failed = match view.counted.failed {
        0 => String::new(),
        failed => format!("  {failed} failed"),
    };
    let message = match (stop.is_cancelled(), view.last_second) {
        (true, _) => "ending early".to_owned(),
        (false, Some(last)) => format!(
            "{:.0}/s  p99 {:.1} ms{failed}",
            last.throughput,
            last.p99_ms.unwrap_or_default()
        ),
        (false, None) => format!("{}{failed}", table::words(&view.phase)),
    };
    bar.set_message(message);
}

/// The conditions that fail the run, in words.
fn judge(conditions: &[Condition], report: &RunReport) -> anyhow::Result<Vec<String>> {
    let fields = ReportFields::of(report)?;
    Ok(conditions
        .iter()
        .filter_map(|condition| condition.failure(&fields))
        .collect())
}

fn give(args: &RunArgs, report: &RunReport, verdicts: &[String]) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(report)?;
    let mut out = std::io::stdout().lock();
    match &args.json {
        Some(path) if path.as_os_str() == "-" => writeln!(out, "{json}")?,
        Some(path) => {
            std::fs::write(path, json + "\n")
                .with_context(|| format!("cannot write the report to {}", path.display()))?;
            out.write_all(table::of(report).as_bytes())?;
        }
        None => out.write_all(table::of(report).as_bytes())?,
    }
    for verdict in verdicts {
        eprintln!("load-test-service run: {verdict}");
    }
    Ok(())
}

fn status(report: &RunReport, verdicts: &[String]) -> u8 {
    match report.outcome {
        Outcome::Interrupted | Outcome::Cancelled => INTERRUPTED,
        Outcome::Completed if !as_acknowledged(report) => NOT_COMPLETE,
        Outcome::Completed if verdicts.is_empty() => 0,
        Outcome::Completed => CONDITION,
        _ => NOT_COMPLETE,
    }
}

/// Whether what was read back, if anything, is what was acknowledged.
fn as_acknowledged(report: &RunReport) -> bool {
    let verification = report.verification.as_ref();
    verification.is_none_or(|read| read.outcome == VerificationOutcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::sample_report;

    #[test]
    fn the_status_tells_how_the_run_ended() {
        let mut report = sample_report("a");
        let verdict = ["p99_ms>1: it is 5".to_owned()];
        assert_eq!(status(&report, &[]), 0);
        assert_eq!(status(&report, &verdict), CONDITION);
        report.outcome = Outcome::CompletedWithFailures;
        assert_eq!(status(&report, &verdict), NOT_COMPLETE);
        report.outcome = Outcome::Interrupted;
        assert_eq!(status(&report, &verdict), INTERRUPTED);
    }

    #[test]
    fn conditions_are_judged_by_the_report() {
        let conditions = ["p99_ms>1000", "failed>0", "throughput<=1e9"];
        let conditions = conditions.map(|text| text.parse().unwrap());
        let verdicts = judge(&conditions, &sample_report("a")).unwrap();
        assert_eq!(verdicts.len(), 1, "{verdicts:?}");
        assert!(verdicts[0].starts_with("throughput<=1e9"), "{verdicts:?}");
    }
}
