//! A plan from the fields of a request: every field's own limits, and what contradicts what.

use service_kit::{Fields, FromFields};
use utoipa::ToSchema;

use super::{
    Acks, BATCH_SIZE_BYTES, Compression, DURATION_SECONDS, EVENT_COUNT, EVENT_SIZE_BYTES, Keys,
    LABEL_MAX_CHARS, LINGER_MS, PRODUCERS, Plan, Profile, RATE, SCHEDULE_MAX, SEED, Tuning,
    UNCOMPRESSED_BATCH_BYTES_MAX, WARMUP_EVENTS, topic_name_problem,
};

/// What a run should do; in the query or as a JSON body.
#[derive(Debug, serde::Deserialize, ToSchema, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the fields that `Plan` is read from")]
pub struct RunRequest {
    /// Events to send; either this or `durationSeconds`.
    #[schema(minimum = 1, maximum = 100_000_000, example = 10_000)]
    #[param(minimum = 1, maximum = 100_000_000, example = 10_000)]
    event_count: Option<u64>,
    /// Send for so long; either this or `eventCount`.
    #[schema(minimum = 1, maximum = 3_600)]
    #[param(minimum = 1, maximum = 3_600)]
    duration_seconds: Option<u64>,
    /// An existing topic; neither Kafka's own, nor protected, nor compacted where there are no keys.
    #[schema(example = "log-events")]
    #[param(example = "log-events")]
    topic: String,
    /// Events a second, evenly spaced; absent: as fast as possible. `eventCount / rate` is an hour
    /// at most, and `rate * durationSeconds` the most events of a run.
    #[schema(minimum = 1, maximum = 1_000_000)]
    #[param(minimum = 1, maximum = 1_000_000)]
    rate: Option<u64>,
    /// Where the values of the fields from `producers` to `lingerMs` come from that are not given.
    profile: Option<Profile>,
    /// Clients, each with a thread that sends.
    #[schema(minimum = 1, maximum = 16)]
    #[param(minimum = 1, maximum = 16)]
    producers: Option<u16>,
    /// Replicas that have an event before it is acknowledged.
    acks: Option<Acks>,
    /// Whether a retry is never written twice, nor out of order; needs `acks=all`.
    idempotence: Option<bool>,
    /// Compression of batches.
    compression: Option<Compression>,
    /// Size of a batch before compression, at most. Above 1,000,000 it must be compressed, and stored so by
    /// the topic, or brokers refuse it.
    #[schema(minimum = 1_000, maximum = 2_000_000)]
    #[param(minimum = 1_000, maximum = 2_000_000)]
    batch_size_bytes: Option<u32>,
    /// How long a batch that does not fill waits; with keys 20 ms at least, unless given.
    #[schema(minimum = 0, maximum = 10_000)]
    #[param(minimum = 0, maximum = 10_000)]
    linger_ms: Option<u32>,
    /// The keys of the records; none unless given.
    keys: Option<Keys>,
    /// Size of each event; absent: realistic, log-normal around 400 bytes.
    #[schema(minimum = 350, maximum = 900_000)]
    #[param(minimum = 350, maximum = 900_000)]
    event_size_bytes: Option<u32>,
    /// Events sent before the clock starts, as fast as possible; none unless given.
    #[schema(minimum = 0, maximum = 1_000_000)]
    #[param(minimum = 0, maximum = 1_000_000)]
    warmup_events: Option<u64>,
    /// Read everything back after the run and account for each event; false unless given.
    verify: Option<bool>,
    /// Seed of the events: the same seed makes the same events.
    #[schema(minimum = 0)]
    #[param(minimum = 0)]
    seed: Option<u64>,
    /// Write to a topic of its own with the settings of `topic`, and delete that afterwards; false
    /// unless given.
    cleanup: Option<bool>,
    /// Run although the brokers' disks may not hold it; false unless given.
    force: Option<bool>,
    /// A name of your own for the run, at most 100 characters.
    #[schema(max_length = 100)]
    #[param(max_length = 100)]
    label: Option<String>,
}

impl FromFields for Plan {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let event_count = fields.optional_in("eventCount", EVENT_COUNT);
        let duration_seconds = fields.optional_in("durationSeconds", DURATION_SECONDS);
        let topic = fields.required::<String>("topic");
        let rate = fields.optional_in("rate", RATE);
        let profile = fields.optional::<Profile>("profile");
        let keys = fields.with_default("keys", Keys::None);
        let tuning = tuning(fields, profile.flatten(), keys.unwrap_or(Keys::None));
        let event_size_bytes = fields.optional_in("eventSizeBytes", EVENT_SIZE_BYTES);
        let warmup_events = fields.with_default_in("warmupEvents", WARMUP_EVENTS, 0);
        let verify = fields.with_default("verify", false);
        let seed = fields.with_default("seed", SEED);
        let cleanup = fields.with_default("cleanup", false);
        let force = fields.with_default("force", false);
        let label = fields.optional::<String>("label");

        if let Some(message) = topic.as_deref().and_then(topic_name_problem) {
            fields.check("topic", false, "invalid", message);
        }
        if let Some(Some(label)) = &label {
            check_label(fields, label);
        }
        if let (Some(verify), Some(tuning)) = (verify, tuning) {
            fields.check(
                "verify",
                !(verify && tuning.acks == Acks::Zero),
                "contradiction",
                "needs acks: with acks=0 nothing is acknowledged that could be looked for",
            );
        }
        let events = match (event_count, duration_seconds, rate) {
            (Some(count), Some(seconds), Some(rate)) => events(fields, count, seconds, rate),
            _ => None,
        };
        let plan = Self {
            event_count: events?,
            duration_seconds: duration_seconds?,
            topic: topic?,
            rate: rate?,
            profile: profile?,
            tuning: tuning?,
            keys: keys?,
            event_size_bytes: event_size_bytes?,
            warmup_events: warmup_events?,
            verify: verify?,
            seed: seed?,
            cleanup: cleanup?,
            force: force?,
            label: label?,
        };
        Some(plan)
    }
}

/// How many events at most, from the fields that say so.
fn events(
    fields: &mut Fields,
    count: Option<u64>,
    seconds: Option<u64>,
    rate: Option<u64>,
) -> Option<u64> {
    let most = *EVENT_COUNT.end();
    match (count, seconds, rate) {
        (Some(_), Some(_), _) => {
            let message = "cannot be given together with eventCount";
            fields.check("durationSeconds", false, "contradiction", message);
            None
        }
        (None, None, _) => {
            let message = "is required, or durationSeconds";
            fields.check("eventCount", false, "missing", message);
            None
        }
        (Some(count), None, Some(rate)) => {
            let limit = SCHEDULE_MAX.as_secs();
            let message = format!("is too low: {count} events would take more than {limit} s");
            fields.check(
                "rate",
                count <= rate.saturating_mul(limit),
                "too_low",
                message,
            );
            Some(count)
        }
        (Some(count), None, None) => Some(count),
        (None, Some(seconds), Some(rate)) => {
            let count = rate.saturating_mul(seconds);
            let message = format!("is too long: at this rate it is more than {most} events");
            fields.check("durationSeconds", count <= most, "too_long", message);
            Some(count)
        }
        (None, Some(_), None) => Some(most),
    }
}

/// The producers: what is given, and the rest from the profile.
fn tuning(fields: &mut Fields, profile: Option<Profile>, keys: Keys) -> Option<Tuning> {
    let defaults = Tuning::of(profile).with_keys(keys);
    let producers = fields.with_default_in("producers", PRODUCERS, defaults.producers);
    let acks = fields.with_default("acks", defaults.acks);
    let idempotence = fields.optional::<bool>("idempotence");
    let compression = fields.with_default("compression", defaults.compression);
    let batch_size_bytes = fields.with_default_in(
        "batchSizeBytes",
        BATCH_SIZE_BYTES,
        defaults.batch_size_bytes,
    );
    let linger_ms = fields.with_default_in("lingerMs", LINGER_MS, defaults.linger_ms);

    let (acks, idempotence) = (acks?, idempotence?);
    let durable = profile == Some(Profile::Durable);
    fields.check(
        "acks",
        acks == Acks::All || !durable,
        "contradiction",
        "must be all: profile durable loses nothing",
    );
    fields.check(
        "idempotence",
        idempotence != Some(false) || !durable,
        "contradiction",
        "must be true: profile durable writes nothing twice",
    );
    fields.check(
        "idempotence",
        acks == Acks::All || idempotence != Some(true) || durable,
        "contradiction",
        "needs acks=all",
    );
    let (compression, batch_size_bytes) = (compression?, batch_size_bytes?);
    fields.check(
        "batchSizeBytes",
        compression != Compression::None || batch_size_bytes <= UNCOMPRESSED_BATCH_BYTES_MAX,
        "contradiction",
        "more than 1000000 needs compression: brokers take 1 MB",
    );
    Some(Tuning {
        producers: producers?,
        acks,
        // Without acks=all there is none, and nobody asked for it.
        idempotence: idempotence.unwrap_or(defaults.idempotence && acks == Acks::All),
        compression,
        batch_size_bytes,
        linger_ms: linger_ms?,
    })
}

fn check_label(fields: &mut Fields, label: &str) {
    let short = label.chars().count() <= LABEL_MAX_CHARS;
    let printable = !label.chars().any(char::is_control);
    let message = format!("must have at most {LABEL_MAX_CHARS} characters");
    fields.check("label", short, "too_long", message);
    let message = "must not have control characters";
    fields.check("label", printable, "invalid", message);
}
