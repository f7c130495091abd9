//! The records of the load test as a file, one a line, for Kafka's own tools.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;
use kafka_cluster::{RunId, Sequenced};
use load_test_service::log_event::{Corpus, RecordFields};

/// Records in the file; ProducerPerformance draws from them at random.
pub const RECORDS: u64 = 100_000;
/// The seed of the load test's own records.
const SEED: u64 = 1;
/// Records of one millisecond, as at 100,000 a second.
const PER_MILLISECOND: u64 = 100;

/// Writes the file; returns the mean size of a record in bytes.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path) -> Result<f64> {
    let file = std::fs::File::create(path).with_context(|| format!("file {}", path.display()))?;
    let mut file = BufWriter::new(file);
    let mut corpus = Corpus::new(SEED);
    let begun_ms = Timestamp::now().as_millisecond();
    let mut bytes = 0;
    for sequence in 0..RECORDS {
        let record = corpus.record(&RecordFields {
            envelope: Sequenced {
                run: RunId(begun_ms.unsigned_abs()),
                producer: 0,
                sequence,
            },
            timestamp_ms: begun_ms + (sequence / PER_MILLISECOND) as i64,
        });
        bytes += record.len();
        file.write_all(record)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(bytes as f64 / RECORDS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_one_whole_log_event() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mean = write(file.path()).unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(text.lines().count() as u64, RECORDS);
        for line in text.lines().step_by(97) {
            serde_json::from_str::<load_test_service::log_event::LogEvent>(line).unwrap();
        }
        assert!((mean - (text.len() as f64 / RECORDS as f64 - 1.0)).abs() < 1e-6);
    }
}
