//! Realistic log events, prepared once from a seed and patched in place for each record.
//!
//! What is realistic about it: the mix of severities, few services and hosts writing most, trace
//! ids, stack traces under some errors, and sizes that are log-normal around 400 bytes. Compression
//! is measured on it, so nothing is repeated that a real log would not repeat: a record comes again
//! only after [`TEMPLATES`] others, farther than any codec looks back within a batch, and with
//! another event id, time and request id.

use kafka_cluster::Sequenced;

use super::random::{Random, mix};
use super::template::{Layout, lay_out};
use super::timestamp::TimestampText;
use super::vocabulary as words;
use super::{LogEvent, Metadata, Severity};

/// Prepared records: 1.7 MB of them. A batch holds at most some 2,000 records.
const TEMPLATES: usize = 4096;
/// Bytes of prepared records of a given size, at most: several batches of 1 MB.
const SIZED_BYTES: usize = 8_000_000;
/// Fewest prepared records, however large each.
const SIZED_TEMPLATES_MIN: usize = 8;

/// Length that a message is filled up to, log-normal. What stands around it takes 300 bytes; this
/// median and spread make records of 415 bytes in the middle and some 1,350 for the longest 1 %.
const MESSAGE_MEDIAN: f64 = 60.0;
const MESSAGE_SIGMA: f64 = 0.8;
/// No message is longer, whatever the dice say: well below Kafka's 1 MB limit for a record.
const MESSAGE_MAX: usize = 8_000;

/// Prepared records and what it takes to make the next one of them. Belongs to one thread.
#[derive(Debug)]
pub struct Corpus {
    seed: u64,
    bytes: Vec<u8>,
    templates: Vec<Template>,
    timestamp: TimestampText,
}

/// One prepared record.
#[derive(Debug, Clone, Copy)]
struct Template {
    /// Where it begins.
    start: usize,
    layout: Layout,
    service: &'static str,
}

/// What differs from record to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordFields {
    /// The envelope; its sequence also selects the prepared record and the request id.
    pub envelope: Sequenced,
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
}

impl Corpus {
    /// Prepares the records of this seed. Takes some milliseconds and 2 MB.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::sized(seed, None)
    }

    /// The same with records of exactly `size` bytes each, where that is given: messages are cut, or
    /// filled up with further context. 350 bytes is the least that always fits.
    #[must_use]
    pub fn sized(seed: u64, size: Option<u32>) -> Self {
        let mut random = Random::new(seed);
        let hosts = Hosts::new(&mut random);
        let count = size.map_or(TEMPLATES, |size| {
            (SIZED_BYTES / size.max(1) as usize).clamp(SIZED_TEMPLATES_MIN, TEMPLATES)
        });
        let mut bytes = Vec::with_capacity(count * size.unwrap_or(440) as usize);
        let templates = (0..count)
            .map(|_| {
                let start = bytes.len();
                let (mut event, service) = event(&mut random, &hosts);
                if let Some(size) = size {
                    fit(&mut event, size as usize, &mut random);
                }
                Template {
                    start,
                    layout: lay_out(event, &mut bytes),
                    service,
                }
            })
            .collect();
        Self {
            seed,
            bytes,
            templates,
            timestamp: TimestampText::new(),
        }
    }

    /// The next record, valid until the following call. No allocation.
    ///
    /// The same seed and fields give the same bytes.
    pub fn record(&mut self, fields: &RecordFields) -> &[u8] {
        let sequence = fields.envelope.sequence;
        let Template { start, layout, .. } = *self.template(sequence);
        let record = &mut self.bytes[start..start + layout.len as usize];
        let request_id = (mix(self.seed, sequence), mix(!self.seed, sequence));
        let timestamp = self.timestamp.of(fields.timestamp_ms);
        layout.patch(record, &fields.envelope, timestamp, request_id);
        record
    }

    /// The service that the record of this sequence is of.
    #[must_use]
    pub fn service(&self, sequence: u64) -> &'static str {
        self.template(sequence).service
    }

    fn template(&self, sequence: u64) -> &Template {
        &self.templates[(sequence % self.templates.len() as u64) as usize]
    }
}

/// The pods of each service, by the service's place in the vocabulary.
struct Hosts(Vec<Vec<String>>);

impl Hosts {
    fn new(random: &mut Random) -> Self {
        let pods = |service: &str, random: &mut Random| {
            let replica_set = random.next() >> 24;
            (0..words::HOSTS_PER_SERVICE)
                .map(|_| format!("{service}-{replica_set:010x}-{}", short_id(random, 5)))
                .collect()
        };
        Self(
            words::SERVICES
                .iter()
                .map(|(service, _)| pods(service, random))
                .collect(),
        )
    }
}

fn event(random: &mut Random, hosts: &Hosts) -> (LogEvent, &'static str) {
    let severity = *random.pick_weighted(&words::SEVERITIES);
    let service = *random.pick_weighted(&words::SERVICES.map(|(name, weight)| (name, weight)));
    let place = words::SERVICES
        .iter()
        .position(|(name, _)| *name == service)
        .unwrap_or(0);
    let pods = &hosts.0[place];
    let event = LogEvent {
        event_id: String::new(),
        service_name: service.to_owned(),
        severity,
        message: message(random, severity),
        timestamp: String::new(),
        metadata: Metadata {
            request_id: String::new(),
            user_id: format!("user-{:06}", random.skewed(1_000_000)),
        },
        environment: (*random.pick_weighted(&words::ENVIRONMENTS)).to_owned(),
        host_name: pods[random.skewed(pods.len())].clone(),
    };
    (event, service)
}

/// Cuts or fills the message until the record takes `size` bytes as JSON.
fn fit(event: &mut LogEvent, size: usize, random: &mut Random) {
    // What needs no escape in JSON is as long there as here.
    let mut message = event.message.replace(['\n', '\t', '"', '\\'], " ");
    event.message.clear();
    let message_len = size.saturating_sub(Layout::size_of(event));
    while message.len() < message_len {
        let pair = *random.pick(&words::CONTEXT);
        message.push(' ');
        message.push_str(&fill_in(random, pair));
        message.push_str(&fill_in(random, " spanId={span}"));
    }
    message.truncate(message_len);
    event.message = message;
}

/// A sentence, then context pairs until the length that the dice ask for; errors may carry a stack
/// trace instead.
fn message(random: &mut Random, severity: Severity) -> String {
    let length = random.log_normal(MESSAGE_MEDIAN, MESSAGE_SIGMA) as usize;
    let pattern = match severity {
        Severity::Debug | Severity::Info => *random.pick(&words::CALM),
        Severity::Warn => *random.pick(&words::WARNING),
        Severity::Error | Severity::Fatal => *random.pick(&words::FAILURE),
    };
    let mut message = fill_in(random, pattern);
    if severity >= Severity::Error && random.chance(words::STACK_TRACE_SHARE) {
        let frames = 6 + random.below(14);
        for _ in 0..frames {
            let frame = *random.pick(&words::FRAMES);
            message.push_str("\n\tat ");
            message.push_str(&fill_in(random, frame));
        }
    }
    if random.chance(words::SPAN_SHARE) {
        message.push_str(&fill_in(random, " spanId={span}"));
    }
    // Loggers print their context in a fixed order, beginning anywhere here.
    let first = random.below(words::CONTEXT.len() as u64) as usize;
    for pair in words::CONTEXT
        .iter()
        .cycle()
        .skip(first)
        .take(words::CONTEXT.len())
    {
        if message.len() >= length {
            break;
        }
        message.push(' ');
        message.push_str(&fill_in(random, pair));
    }
    message.truncate(message.floor_char_boundary(MESSAGE_MAX));
    message
}

/// Replaces each `{name}` of a pattern.
fn fill_in(random: &mut Random, pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len() + 32);
    let mut rest = pattern;
    while let Some((before, behind)) = rest.split_once('{') {
        text.push_str(before);
        let (name, after) = behind.split_once('}').unwrap_or((behind, ""));
        text.push_str(&value(random, name));
        rest = after;
    }
    text.push_str(rest);
    text
}

fn value(random: &mut Random, name: &str) -> String {
    match name {
        "id" => short_id(random, 10),
        "span" => format!("{:016x}", random.next()),
        "uuid" => uuid(random),
        "ms" => format!("{:.0}", random.log_normal(18.0, 1.1)),
        "bytes" => format!("{:.0}", random.log_normal(2_400.0, 1.0)),
        "status" => random.pick(&words::STATUSES).to_string(),
        "path" => {
            let path = *random.pick(&words::PATHS);
            fill_in(random, path)
        }
        "ip" => format!(
            "10.{}.{}.{}",
            random.below(4),
            random.below(256),
            random.below(256)
        ),
        "host" => (*random.pick_weighted(&words::SERVICES)).to_owned(),
        // Small numbers are common, large ones rare.
        _ => random.skewed(5_000).to_string(),
    }
}

/// A random UUID: version 4, variant 1.
fn uuid(random: &mut Random) -> String {
    let (high, low) = (random.next(), random.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

/// Letters and digits as they stand in pod names and order numbers.
fn short_id(random: &mut Random, length: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..length)
        .map(|_| char::from(*random.pick(LETTERS)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use kafka_cluster::RunId;

    use super::super::read_envelope;
    use super::*;

    fn fields(sequence: u64) -> RecordFields {
        RecordFields {
            envelope: Sequenced {
                run: RunId(0x1234),
                producer: 0,
                sequence,
            },
            timestamp_ms: 1_763_831_160_042 + sequence as i64,
        }
    }

    #[test]
    fn a_given_size_is_kept_to_the_byte() {
        for size in [350, 400, 1_000, 100_000, 900_000] {
            let mut corpus = Corpus::sized(1, Some(size));
            for sequence in 0..corpus.templates.len() as u64 {
                let fields = fields(sequence);
                let record = corpus.record(&fields);
                assert_eq!(record.len(), size as usize, "{sequence}");
                assert_eq!(read_envelope(record), Ok(fields.envelope));
            }
            event(&mut corpus, 0);
        }
    }

    #[test]
    fn the_service_of_a_record_is_known_without_reading_it() {
        let mut corpus = Corpus::new(1);
        for sequence in [0, 1, 2, 4_096, 10_000] {
            let service = corpus.service(sequence);
            assert_eq!(event(&mut corpus, sequence).service_name, service);
        }
    }

    fn event(corpus: &mut Corpus, sequence: u64) -> LogEvent {
        serde_json::from_slice(corpus.record(&fields(sequence))).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let (mut one, mut other) = (Corpus::new(7), Corpus::new(7));
        for sequence in [0, 1, 4_095, 4_096, 1_000_000_007] {
            assert_eq!(
                one.record(&fields(sequence)),
                other.record(&fields(sequence))
            );
        }
    }

    #[test]
    fn another_seed_gives_other_events() {
        let (mut one, mut other) = (Corpus::new(7), Corpus::new(8));
        assert_ne!(event(&mut one, 0), event(&mut other, 0));
    }

    #[test]
    fn patching_leaves_no_trace_of_the_record_before() {
        let (mut used, mut fresh) = (Corpus::new(7), Corpus::new(7));
        for sequence in 0..3 * TEMPLATES as u64 {
            used.record(&fields(sequence));
        }
        assert_eq!(used.record(&fields(5)), fresh.record(&fields(5)));
    }

    #[test]
    fn every_record_is_a_log_event_in_valid_json_with_a_true_checksum() {
        let mut corpus = Corpus::new(1);
        for sequence in 0..TEMPLATES as u64 + 10 {
            let fields = fields(sequence);
            let record = corpus.record(&fields);
            assert_eq!(read_envelope(record), Ok(fields.envelope));
            let event: LogEvent = serde_json::from_slice(record).unwrap();
            assert!(event.event_id.contains("-0000-"));
            let time: jiff::Timestamp = event.timestamp.parse().unwrap();
            assert_eq!(time.as_millisecond(), fields.timestamp_ms);
            assert_eq!(event.metadata.request_id.len(), 32);
        }
    }

    #[test]
    fn a_changed_byte_is_found() {
        let mut corpus = Corpus::new(1);
        let mut record = corpus.record(&fields(0)).to_vec();
        let last = record.len() - 3;
        record[last] ^= 1;
        assert_eq!(
            read_envelope(&record),
            Err(kafka_cluster::SequencedError::Corrupted)
        );
    }

    #[test]
    fn request_ids_do_not_come_again_with_the_prepared_record() {
        let mut corpus = Corpus::new(1);
        let first = event(&mut corpus, 3).metadata.request_id;
        let again = event(&mut corpus, 3 + TEMPLATES as u64).metadata.request_id;
        assert_ne!(first, again);
    }

    #[test]
    fn records_are_some_400_bytes_with_a_long_tail() {
        let mut corpus = Corpus::new(1);
        let mut sizes: Vec<usize> = (0..TEMPLATES as u64)
            .map(|sequence| corpus.record(&fields(sequence)).len())
            .collect();
        sizes.sort_unstable();
        let median = sizes[sizes.len() / 2];
        assert!((380..420).contains(&median), "median {median}");
        let (low, high) = (sizes[sizes.len() / 100], sizes[sizes.len() * 99 / 100]);
        assert!(low > 250 && high > 600, "1 % {low}, 99 % {high}");
    }

    #[test]
    fn severities_services_and_hosts_are_as_uneven_as_real_ones() {
        let mut corpus = Corpus::new(1);
        let mut services: HashMap<String, usize> = HashMap::new();
        let mut calm = 0;
        let mut stack_traces = 0;
        for sequence in 0..TEMPLATES as u64 {
            let event = event(&mut corpus, sequence);
            calm += usize::from(event.severity == Severity::Info);
            stack_traces += usize::from(event.message.contains("\n\tat "));
            assert!(event.host_name.starts_with(&event.service_name));
            *services.entry(event.service_name).or_default() += 1;
        }
        let share = |count: usize| count * 100 / TEMPLATES;
        assert!((76..84).contains(&share(calm)), "{calm}");
        assert!((30..130).contains(&stack_traces), "{stack_traces}");
        assert!((26..34).contains(&share(services["api-gateway"])));
        assert_eq!(services.len(), words::SERVICES.len());
    }
}
