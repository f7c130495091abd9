//! What is measured: each row is two clients, or two settings of one, on the same cluster.

use load_test_service::plan::{Keys, Profile, Tuning};
use serde::{Deserialize, Serialize};

/// One comparison.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// How it is chosen.
    pub name: String,
    /// What it answers.
    pub question: String,
    /// How its runs are made.
    pub kind: Kind,
    /// Records of one run.
    pub events: u64,
    /// Records a second; as fast as possible without.
    pub rate: Option<u64>,
    /// Records sent before the measured ones, by the same process, as fast as possible.
    pub warmup: u64,
    /// What the ratio is made of: the second side's median over the first one's.
    pub ratio_of: Figure,
    /// Who is compared.
    pub sides: Vec<Side>,
}

/// How the runs of a row are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Each on a new topic, sides in turn.
    Send,
    /// The same, once, as the search for the best settings of each client.
    Grid,
    /// The same, once, with the system calls counted: no other figure counts.
    Traced,
    /// Reading one topic.
    Read,
}

/// The figure that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Figure {
    /// Records a second.
    Throughput,
    /// The 99th percentile.
    P99,
}

/// One of the compared.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// Its name in the table.
    pub name: String,
    /// Who sends.
    pub client: Client,
    /// How.
    pub settings: Settings,
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Client {
    /// Kafka's own: ProducerPerformance, or ConsumerPerformance where a row reads.
    Kafka,
    /// The load test.
    LoadTest,
    /// The load test against librdkafka's mock cluster, in its own process.
    LoadTestAlone,
}

/// The settings that are compared; acks=all, snappy and one producer are common to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// `batch.size`.
    pub batch_bytes: u32,
    /// `linger.ms`.
    pub linger_ms: u32,
    /// `enable.idempotence`.
    pub idempotence: bool,
    /// `partitioner.adaptive.partitioning.enable` of the Java producer.
    pub adaptive_partitioner: bool,
    /// Whether the service that an event names is its key; no keys otherwise.
    pub keys_by_service: bool,
    /// Whether the load test keeps its ledger, and reads everything back afterwards.
    pub verify: bool,
    /// Whether it is on the secured cluster: TLS and SCRAM-SHA-512.
    pub secured: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_bytes: 0,
            linger_ms: 0,
            idempotence: false,
            adaptive_partitioner: true,
            keys_by_service: false,
            verify: false,
            secured: false,
        }
    }
}

impl Settings {
    fn new(batch_bytes: u32, linger_ms: u32, idempotence: bool) -> Self {
        Self {
            batch_bytes,
            linger_ms,
            idempotence,
            ..Self::default()
        }
    }

    /// Those of a profile of the load test; without one, its defaults.
    fn of(profile: Option<Profile>) -> Self {
        let tuning = Tuning::of(profile);
        Self::new(
            tuning.batch_size_bytes,
            tuning.linger_ms,
            tuning.idempotence,
        )
    }
}

/// Records that every process sends before it is measured.
const WARMUP: u64 = 400_000;

impl Row {
    fn fast(name: &str, question: &str, events: u64, sides: Vec<Side>) -> Self {
        Self {
            name: name.into(),
            question: question.into(),
            kind: Kind::Send,
            events,
            rate: None,
            warmup: WARMUP,
            ratio_of: Figure::Throughput,
            sides,
        }
    }

    fn paced(name: &str, question: &str, rate: u64, sides: Vec<Side>) -> Self {
        Self {
            rate: Some(rate),
            ratio_of: Figure::P99,
            ..Self::fast(name, question, rate * 30, sides)
        }
    }

    fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// A row that only warms brokers up.
    pub fn warming(events: u64, batch_bytes: u32) -> Self {
        let settings = Settings::new(batch_bytes, 10, false);
        let row = Self::fast("warm-up", "", events, vec![load_test("", settings)]);
        Self { warmup: 0, ..row }
    }
}

fn kafka(name: &str, settings: Settings) -> Side {
    Side {
        name: format!("ProducerPerformance{name}"),
        client: Client::Kafka,
        settings,
    }
}

fn load_test(name: &str, settings: Settings) -> Side {
    Side {
        name: format!("load test{name}"),
        client: Client::LoadTest,
        settings,
    }
}

fn alone(settings: Settings) -> Side {
    Side {
        client: Client::LoadTestAlone,
        ..load_test(" on a mock cluster", settings)
    }
}

fn equal(batch_bytes: u32, linger_ms: u32, idempotence: bool) -> Vec<Side> {
    let settings = Settings::new(batch_bytes, linger_ms, idempotence);
    vec![kafka("", settings), load_test("", settings)]
}

/// Bytes before compression that are 16 KB on the wire, which is how the Java producer counts.
const CLASSIC_ON_THE_WIRE_BYTES: u32 = 39_000;

fn classic() -> Vec<Side> {
    let mut sides = equal(16_384, 5, false);
    let on_the_wire = Settings::new(CLASSIC_ON_THE_WIRE_BYTES, 5, false);
    sides.push(load_test(", 16 KB on the wire", on_the_wire));
    sides
}

/// What TLS and SCRAM cost: the same client on a plain and on a secured cluster beside it.
pub fn secured() -> Vec<Row> {
    let plain = Settings::of(Some(Profile::Throughput));
    let latency = Settings::of(Some(Profile::Latency));
    let both = |side: fn(&str, Settings) -> Side, settings: Settings| {
        let secured = Settings {
            secured: true,
            ..settings
        };
        vec![side("", settings), side(", secured", secured)]
    };
    vec![
        Row::fast(
            "secured",
            "what TLS and SCRAM cost the load test",
            3_000_000,
            both(load_test, plain),
        ),
        Row::fast(
            "secured-kafka",
            "what they cost ProducerPerformance",
            3_000_000,
            both(kafka, Settings::new(1_000_000, 50, true)),
        ),
        Row::paced(
            "secured-paced-10k",
            "what they cost in latency at 10,000 events a second",
            10_000,
            both(load_test, latency),
        ),
    ]
}

/// The grid that the best settings of each client are searched in. librdkafka counts a batch before
/// compression: its largest is 0.6 MB on the wire, where that of the Java producer is 1 MB.
const GRID_BATCH_BYTES: [u32; 3] = [65_536, 262_144, 1_000_000];
const GRID_BATCH_BYTES_BEFORE_COMPRESSION: u32 = 1_600_000;
const GRID_LINGER_MS: [u32; 2] = [10, 50];

fn grid() -> Vec<Side> {
    let mut sides = Vec::new();
    for batch_bytes in GRID_BATCH_BYTES {
        for linger_ms in GRID_LINGER_MS {
            let settings = Settings::new(batch_bytes, linger_ms, true);
            let not_adaptive = Settings {
                adaptive_partitioner: false,
                ..settings
            };
            sides.push(load_test("", settings));
            sides.push(kafka("", settings));
            sides.push(kafka("", not_adaptive));
        }
    }
    for linger_ms in GRID_LINGER_MS {
        let settings = Settings::new(GRID_BATCH_BYTES_BEFORE_COMPRESSION, linger_ms, true);
        sides.push(load_test("", settings));
    }
    sides
}

/// All rows, in the order of the table. `best` are the winners of the grid, Kafka's first.
pub fn all(best: Option<[Settings; 2]>) -> Vec<Row> {
    let [kafka_best, load_test_best] = best.unwrap_or([
        Settings::new(262_144, 50, true),
        Settings::of(Some(Profile::Throughput)),
    ]);
    let latency = Settings::of(Some(Profile::Latency));
    let idempotent_latency = Settings {
        idempotence: true,
        ..latency
    };
    // ProducerPerformance with the same linger and with batches that never fill at these rates.
    let paced = |ours: Settings| {
        let kafkas = Settings::new(262_144, ours.linger_ms, ours.idempotence);
        vec![kafka("", kafkas), load_test("", ours)]
    };
    let keyed = Settings {
        keys_by_service: true,
        linger_ms: Tuning::of(Some(Profile::Latency))
            .with_keys(Keys::Service)
            .linger_ms,
        ..latency
    };
    let defaults = Settings::of(None);
    let verified = Settings {
        verify: true,
        ..defaults
    };
    let profiles = [
        ("", None),
        (", throughput", Some(Profile::Throughput)),
        (", latency", Some(Profile::Latency)),
        (", durable", Some(Profile::Durable)),
        (", classic", Some(Profile::Classic)),
    ];
    let mut traced = vec![kafka("", Settings::new(262_144, 10, true))];
    traced.extend(profiles.map(|(name, profile)| load_test(name, Settings::of(profile))));
    traced.push(load_test(", 256 KB", Settings::new(262_144, 10, true)));
    vec![
        Row::fast(
            "grid",
            "which settings are the best of each, idempotent",
            1_000_000,
            grid(),
        )
        .of_kind(Kind::Grid),
        Row::fast(
            "best",
            "how fast each is with its best settings of the grid",
            5_000_000,
            vec![kafka("", kafka_best), load_test("", load_test_best)],
        ),
        Row::fast(
            "equal-256k",
            "equal settings",
            2_000_000,
            equal(262_144, 10, false),
        ),
        Row::fast(
            "equal-256k-idempotent",
            "equal settings with idempotence",
            2_000_000,
            equal(262_144, 10, true),
        ),
        Row::fast(
            "classic-16k",
            "16 KB batches, as users know them",
            1_000_000,
            classic(),
        ),
        Row::paced(
            "paced-40k",
            "latency at 40,000 events a second",
            40_000,
            paced(latency),
        ),
        Row::paced(
            "paced-40k-idempotent",
            "the same with idempotence",
            40_000,
            paced(idempotent_latency),
        ),
        Row::paced(
            "paced-10k",
            "latency at 10,000 events a second",
            10_000,
            paced(latency),
        ),
        Row::paced(
            "paced-10k-idempotent",
            "the same with idempotence",
            10_000,
            paced(idempotent_latency),
        ),
        Row::paced(
            "keys-by-service",
            "what keys cost in latency over 12 partitions",
            40_000,
            vec![
                load_test(", null keys", latency),
                load_test(", keys by service", keyed),
            ],
        ),
        Row::fast(
            "ledger",
            "what accounting for every event costs",
            2_000_000,
            vec![
                load_test(", ledger off", defaults),
                load_test(", ledger on", verified),
            ],
        ),
        Row::fast(
            "read",
            "reading back",
            3_000_000,
            vec![
                Side {
                    name: "ConsumerPerformance".into(),
                    ..kafka("", defaults)
                },
                load_test(" (checks every record)", defaults),
            ],
        )
        .of_kind(Kind::Read),
        Row::fast(
            "generator-alone",
            "what the generator could do without brokers",
            5_000_000,
            vec![alone(Settings::of(Some(Profile::Throughput)))],
        ),
        Row {
            warmup: 0,
            ..Row::fast(
                "small",
                "a run of 1,000 events",
                1_000,
                vec![load_test("", defaults)],
            )
        },
        Row {
            warmup: 0,
            ..Row::fast(
                "spin",
                "waits for sockets per produce request, by strace",
                300_000,
                traced,
            )
        }
        .of_kind(Kind::Traced),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_comparison_has_two_sides() {
        let rows = all(None);
        for row in &rows {
            let same = rows.iter().filter(|other| other.name == row.name).count();
            assert_eq!(same, 1, "{}", row.name);
            let compared = row.kind == Kind::Send && row.sides.len() >= 2;
            let alone = row.sides.len() == 1;
            assert!(compared || alone || row.kind != Kind::Send, "{}", row.name);
        }
    }

    #[test]
    fn the_grid_is_that_of_both_clients_but_for_the_partitioner_and_one_size() {
        let count = |client| grid().iter().filter(|side| side.client == client).count();
        assert_eq!((count(Client::LoadTest), count(Client::Kafka)), (8, 12));
    }
}
