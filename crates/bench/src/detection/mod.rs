//! How soon the health service tells what is wrong: each fault on a fresh cluster, several times.

mod fault;
mod scene;
mod traffic;
mod watch;

use std::time::Duration;

use anyhow::{Context, Result};
use local_cluster::java::Java;
use local_cluster::layout::Layout;

use crate::machine::Machine;
use crate::measured::Spread;
use fault::Fault;
use scene::Scene;
use watch::Page;

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Detection {
    /// How often each fault is injected.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The faults to inject, by name; all without.
    #[arg(long, value_delimiter = ',')]
    faults: Vec<Fault>,
}

/// What one injection came to, in seconds.
#[derive(Debug, Default)]
struct Round {
    /// None where there is nothing to detect.
    detected_s: Option<f64>,
    cleared_s: Option<f64>,
    /// What it told while all was well again.
    held_back_by: Vec<String>,
    /// Reasons that were not the fault's own doing, by code and subject.
    false_alarms: Vec<String>,
    critical: usize,
    /// How long answers took, in milliseconds, while the fault lasted.
    answers_ms: Vec<(Page, f64)>,
}

/// Injects the faults and prints a table.
///
/// # Errors
/// A cluster that does not start, a fault that is not noticed within its limit.
pub fn measure(options: &Detection) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let faults = if options.faults.is_empty() {
        Fault::ALL.to_vec()
    } else {
        options.faults.clone()
    };
    runtime.block_on(async {
        let java = Java::prepare(&Layout::find()?).await?;
        println!(
            "{}\n",
            Machine::describe(&java.program, &java.jars.class_path).line()
        );
        let mut rows = Vec::new();
        for fault in faults {
            let scene = Scene::start().await?;
            let mut rounds = Vec::new();
            for number in 1..=options.rounds {
                eprintln!("{} {number}/{}", fault.name(), options.rounds);
                scene.calm().await?;
                let round = fault
                    .inject(&scene, number)
                    .await
                    .with_context(|| format!("{}, round {number}", fault.name()))?;
                eprintln!("  {}", line(&round));
                for reason in &round.held_back_by {
                    eprintln!("    {reason}");
                }
                rounds.push(round);
            }
            rows.push((fault, rounds));
        }
        print!("{}", table(&rows));
        Ok(())
    })
}

/// One round, for those who wait.
fn line(round: &Round) -> String {
    let seconds = |figure: Option<f64>| figure.map_or("-".to_owned(), |s| format!("{s:.1} s"));
    format!(
        "detected after {}, cleared after {}, {} false alarms",
        seconds(round.detected_s),
        seconds(round.cleared_s),
        round.false_alarms.len()
    )
}

fn table(rows: &[(Fault, Vec<Round>)]) -> String {
    let mut text = "\
| fault | counts from | told by | seconds to detect, median (worst) | seconds to clear, median (worst) | CRITICAL seen | false alarms |
| --- | --- | --- | ---: | ---: | ---: | --- |
"
    .to_owned();
    for (fault, rounds) in rows {
        let told = fault.told();
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            told.what,
            told.counts_from,
            told.by,
            spread(rounds.iter().map(|round| round.detected_s)),
            spread(rounds.iter().map(|round| round.cleared_s)),
            rounds.iter().filter(|round| round.critical > 0).count(),
            false_alarms(rounds),
        ));
    }
    text.push('\n');
    for (fault, rounds) in rows {
        for page in Page::ALL {
            let answers = rounds.iter().flat_map(|round| &round.answers_ms);
            let mut answers: Vec<f64> = answers
                .filter(|(asked, _)| *asked == page)
                .map(|(_, ms)| *ms)
                .collect();
            answers.sort_by(f64::total_cmp);
            if let (Some(median), Some(p99)) = (rank(&answers, 0.5), rank(&answers, 0.99)) {
                text.push_str(&format!(
                    "- {}: GET {} while it lasted: median {median:.1} ms, p99 {p99:.1} ms, {} answers\n",
                    fault.told().what,
                    page.path(),
                    answers.len()
                ));
            }
        }
    }
    text
}

fn spread(figures: impl Iterator<Item = Option<f64>>) -> String {
    let figures: Vec<f64> = figures.flatten().collect();
    Spread::of(figures).map_or_else(
        || "-".to_owned(),
        |spread| format!("{:.1} ({:.1})", spread.median, spread.most),
    )
}

fn false_alarms(rounds: &[Round]) -> String {
    let mut all: Vec<&str> = rounds
        .iter()
        .flat_map(|round| &round.false_alarms)
        .map(String::as_str)
        .collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    if count == 0 {
        "0".to_owned()
    } else {
        format!("{count}: {}", all.join(", "))
    }
}

/// The value at a rank of sorted figures.
fn rank(sorted: &[f64], share: f64) -> Option<f64> {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied()
}

/// How long anything is waited for before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_that_of_the_sorted_figures() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(rank(&sorted, 0.5), Some(50.0));
        assert_eq!(rank(&sorted, 0.99), Some(99.0));
        assert_eq!(rank(&[7.0], 0.99), Some(7.0));
        assert_eq!(rank(&[], 0.99), None);
    }

    #[test]
    fn the_table_has_medians_the_worst_and_what_was_a_false_alarm() {
        let round = |detected_s, alarm: &[&str]| Round {
            detected_s: Some(detected_s),
            cleared_s: Some(2.0),
            false_alarms: alarm.iter().map(ToString::to_string).collect(),
            answers_ms: vec![(Page::Health, 3.0)],
            ..Round::default()
        };
        let rounds = vec![round(1.0, &[]), round(4.0, &["x y"]), round(2.0, &["x y"])];
        let text = table(&[(Fault::BrokerKilled, rounds)]);
        assert!(
            text.contains("| 2.0 (4.0) | 2.0 (2.0) | 0 | 2: x y |"),
            "{text}"
        );
        assert!(
            text.contains("GET /api/health while it lasted: median 3.0 ms"),
            "{text}"
        );
    }
}
