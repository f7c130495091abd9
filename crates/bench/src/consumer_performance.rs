//! Kafka's own ConsumerPerformance: what it is told, and what it prints.

use anyhow::{Context, Result};

use crate::child::Finished;
use crate::measured::Measured;

/// Its class.
pub const CLASS: &str = "org.apache.kafka.tools.ConsumerPerformance";

/// Reads all `records` of a topic, by a group of its own.
pub fn arguments(bootstrap: &str, topic: &str, records: u64) -> Vec<String> {
    let records = records.to_string();
    let arguments = [
        "--bootstrap-server",
        bootstrap,
        "--topic",
        topic,
        "--messages",
        &records,
        "--timeout",
        "60000",
        "--hide-header",
    ];
    arguments.map(str::to_owned).into()
}

/// Reads the line that it prints: start.time, end.time, data.consumed.in.MB, MB.sec,
/// data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec.
/// The throughput is the last one, without the time to join the group.
///
/// # Errors
/// It printed something else.
pub fn read(finished: &Finished) -> Result<Measured> {
    let text = &finished.output;
    let fields = |line: &str| -> Vec<String> { line.split(',').map(|f| f.trim().into()).collect() };
    let line = text
        .lines()
        .map(fields)
        .rfind(|fields| fields.len() == 10)
        .with_context(|| format!("no figures in {text:?}"))?;
    let figure = |place: usize| line[place].parse::<f64>().context("a figure");
    Ok(Measured {
        records: figure(4)? as u64,
        throughput: figure(9)?,
        cpu_s: finished.cpu_s,
        wall_s: finished.wall_s,
        ..Measured::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_fetching() {
        let output = "2026-01-01 00:00:00:000, 2026-01-01 00:00:05:000, 400.1, 80.0, 1000123, 200024.6, 500, 4500, 88.9, 222249.6\n";
        let run = read(&Finished {
            output: output.into(),
            cpu_s: 4.0,
            wall_s: 6.0,
        });
        let run = run.unwrap();
        assert_eq!(run.records, 1_000_123);
        assert!((run.throughput - 222_249.6).abs() < 1e-6);
    }
}
