//! Kafka's own ProducerPerformance: how it is started, and what it prints.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::child::Finished;
use crate::measured::Measured;
use crate::rows::Settings;

/// Heap and collector as `kafka-producer-perf-test.sh` and `kafka-run-class.sh` of Kafka 3.9 set them.
pub const JVM: [&str; 7] = [
    "-Xmx512M",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
];

/// Producer properties for these settings; everything else is the tool's default.
pub fn properties(bootstrap: &str, settings: &Settings) -> Vec<String> {
    vec![
        format!("bootstrap.servers={bootstrap}"),
        "acks=all".into(),
        format!("enable.idempotence={}", settings.idempotence),
        "compression.type=snappy".into(),
        format!("batch.size={}", settings.batch_bytes),
        format!("linger.ms={}", settings.linger_ms),
        format!(
            "partitioner.adaptive.partitioning.enable={}",
            settings.adaptive_partitioner
        ),
    ]
}

/// Reads what `WarmProducerPerformance` printed.
///
/// # Errors
/// It is not the output of a whole run.
pub fn read(finished: &Finished) -> Result<Measured> {
    let text = &finished.output;
    let summary = text
        .lines()
        .rfind(|line| line.contains("99.9th"))
        .with_context(|| format!("no summary in {text:?}"))?;
    let figure = |name: &str| {
        let part = summary.split(", ").find(|part| part.contains(name));
        let number = part.and_then(|part| part.split_whitespace().next());
        number
            .and_then(|number| number.parse::<f64>().ok())
            .with_context(|| format!("no {name:?} in {summary:?}"))
    };
    let metrics = metrics(text);
    let cpu_s = cpu(text).with_context(|| format!("no CPU seconds in {text:?}"))?;
    Ok(Measured {
        records: figure("records sent")? as u64,
        throughput: figure("records/sec")?,
        p50_ms: figure(" 50th")?,
        p99_ms: figure(" 99th")?,
        p999_ms: figure(" 99.9th")?,
        max_ms: figure("max latency")?,
        cpu_s,
        cpu_apart_s: finished.cpu_s - cpu_s,
        wall_s: finished.wall_s,
        // The few requests for metadata and for a producer id are among them.
        requests: metrics.get("producer-metrics:request-total").copied(),
        saving_percent: metrics
            .get("producer-metrics:compression-rate-avg")
            .map(|rate| 100.0 * (1.0 - rate)),
        ..Measured::default()
    })
}

/// The lines `group:name:{tags} : value` of `--print-metrics`, without tags.
fn metrics(text: &str) -> BTreeMap<String, f64> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(" : ")?;
            let (name, _tags) = name.split_once(":{")?;
            Some((name.to_owned(), value.trim().parse().ok()?))
        })
        .collect()
}

/// CPU seconds of the measured records: of its run, less what a run of one record costs.
fn cpu(text: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("cpu seconds: "))?;
    let figures: Vec<f64> = line
        .split(", ")
        .filter_map(|part| part.split(' ').next()?.parse().ok())
        .collect();
    match figures[..] {
        [_, fixed, measured] => Some(measured - fixed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
Reading payloads from: /tmp/p
250000 records sent, 49990.0 records/sec (19.8 MB/sec), 5.1 ms avg latency, 99.0 ms max latency.
500000 records sent, 192345.1 records/sec (76.51 MB/sec), 12.34 ms avg latency, 345.00 ms max latency, 10 ms 50th, 20 ms 95th, 30 ms 99th, 40 ms 99.9th.

Metric Name                                                     Value
producer-metrics:compression-rate-avg:{client-id=perf}   : 0.400
producer-metrics:request-total:{client-id=perf}   : 1203.000
producer-node-metrics:request-total:{client-id=perf, node-id=node-1}   : 401.000
cpu seconds: 4.500 before, 0.500 for one record, 3.000 measured
";

    #[test]
    fn the_summary_the_metrics_and_the_cpu_are_read() {
        let finished = Finished {
            output: OUTPUT.into(),
            cpu_s: 8.25,
            wall_s: 4.0,
        };
        let run = read(&finished).unwrap();
        assert_eq!((run.records, run.requests), (500_000, Some(1_203.0)));
        assert!((run.throughput - 192_345.1).abs() < 1e-6);
        let latencies = [run.p50_ms, run.p99_ms, run.p999_ms, run.max_ms];
        assert_eq!(latencies, [10.0, 30.0, 40.0, 345.0]);
        assert!((run.cpu_s - 2.5).abs() < 1e-9 && (run.cpu_apart_s - 5.75).abs() < 1e-9);
        assert!((run.saving_percent.unwrap() - 60.0).abs() < 1e-9);
    }

    #[test]
    fn output_without_a_summary_is_an_error() {
        let finished = Finished {
            output: "Exception".into(),
            cpu_s: 0.0,
            wall_s: 0.0,
        };
        assert!(read(&finished).is_err());
    }
}
