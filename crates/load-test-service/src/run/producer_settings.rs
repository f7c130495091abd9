//! The producer of a run: which properties it has, and why those.
//!
//! What a plan decides (acks, idempotence, compression, batch, linger) is the plan's; all other
//! properties that the user gave to the service win over ours. The defaults of a plan:
//!
//! - **A batch is a run of records to one partition** ([`PartitionRuns`]): `batch.num.messages` is the
//!   length of that run, so that a full run leaves at once, and `linger.ms` only bounds how long a
//!   slow one waits. At 12 partitions that is 1,000 records, some 430 KB before compression.
//! - **Idempotence is on.** With at most one batch per partition in flight it costs nothing (see
//!   [`PartitionRuns`] for the spin that it would cost otherwise), and it keeps the offsets of the
//!   topic equal to what was acknowledged when a broker is lost: a retry is never written twice.
//! - **acks=all**: with `min.insync.replicas=2` nothing acknowledged is lost with one broker.
//!
//! The 16 KB batches that users of Java clients know are some 40 records. librdkafka puts one
//! partition into one request, and a cluster is bound by requests long before it is bound by bytes.
//! Measured on two cores shared with three brokers and with other work (12 partitions, replication 3,
//! 400-byte records, snappy; 300,000 records as fast as possible):
//!
//! | batches | idempotence | records/s | client CPU s per million | brokers' CPU s per million |
//! | --- | --- | --- | --- | --- |
//! | these | on | 218,000-313,000 | 2.0-2.3 | 2.7-6.0 |
//! | these | off | 265,000-421,000 | 2.0-2.8 | 2.4-4.1 |
//! | 16 KB | off | 39,000-41,000 | 5.3-5.7 | 34-35 |
//! | 16 KB | on (spinning) | 14,000-16,000 | 74-99 | 41-43 |
//!
//! `linger.ms` of 3, 5, 8 and 10 at 40,000 records/s, p99 of two such runs each while the machine was
//! nearly quiet: 18-35, 21-38, 15-17 and 17-18 ms; the brokers' CPU falls with it too.
//!
//! [`PartitionRuns`]: crate::generator::PartitionRuns

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_cluster::Connection;
use rdkafka::ClientConfig;

use super::grouping::Grouping;
use crate::plan::{Plan, UNCOMPRESSED_BATCH_BYTES_MAX};

/// Room for the envelope, the key and the framing of one record in a batch.
const RECORD_OVERHEAD_BYTES: u32 = 1_000;
/// How often librdkafka reports its counters, which also bounds how long a run waits for them.
pub const STATISTICS_INTERVAL: Duration = Duration::from_millis(100);

/// The producer's settings.
pub fn producer_config(
    connection: &Connection,
    client_id: &str,
    plan: &Plan,
    grouping: Grouping,
) -> ClientConfig {
    let mut config = connection.producer_config(client_id);
    let tuning = &plan.tuning;
    let timeout = plan.message_timeout().as_millis().to_string();
    // An event that is larger than the batch it was asked to fit in is a batch of its own.
    let event_bytes = plan.event_size_bytes.unwrap_or_default() + RECORD_OVERHEAD_BYTES;
    let batch_size = tuning.batch_size_bytes.max(event_bytes);
    let decided_by_the_plan = [
        ("acks", tuning.acks.property().to_owned()),
        ("enable.idempotence", tuning.idempotence.to_string()),
        ("compression.type", tuning.compression.property().to_owned()),
        ("batch.num.messages", grouping.run_records.to_string()),
        ("batch.size", batch_size.to_string()),
        // Which librdkafka holds against a batch before it compresses it.
        (
            "message.max.bytes",
            batch_size.max(UNCOMPRESSED_BATCH_BYTES_MAX).to_string(),
        ),
        ("linger.ms", tuning.linger_ms.to_string()),
        ("message.timeout.ms", timeout),
    ];
    for (name, value) in decided_by_the_plan {
        config.set(name, value);
    }
    // An alias would contradict what was just set; and a run is never a transaction.
    for name in NOT_FOR_A_RUN {
        config.remove(name);
    }
    let ours = [
        ("max.in.flight.requests.per.connection", "5".to_owned()),
        (
            "statistics.interval.ms",
            STATISTICS_INTERVAL.as_millis().to_string(),
        ),
        // Connect to every broker at once, not with the first record for it.
        ("enable.sparse.connections", "false".to_owned()),
    ];
    for (name, value) in ours {
        if !connection.properties.contains_key(name) {
            config.set(name, value);
        }
    }
    config
}

/// Properties of the service's connection that a run does not take over: other names of what the plan
/// decides, and transactions.
const NOT_FOR_A_RUN: [&str; 6] = [
    "compression.codec",
    "delivery.timeout.ms",
    "queue.buffering.max.ms",
    "request.required.acks",
    "transaction.timeout.ms",
    "transactional.id",
];

/// Properties that decide about throughput, latency and safety: told with every report, set or not.
const DECISIVE: [&str; 21] = [
    "acks",
    "batch.num.messages",
    "batch.size",
    "client.id",
    "compression.level",
    "compression.type",
    "enable.idempotence",
    "linger.ms",
    "max.in.flight.requests.per.connection",
    "message.max.bytes",
    "message.send.max.retries",
    "message.timeout.ms",
    "partitioner",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "request.timeout.ms",
    "retry.backoff.ms",
    "security.protocol",
    "socket.nagle.disable",
    "socket.send.buffer.bytes",
    "socket.timeout.ms",
];

/// Everything that was set and everything decisive, as librdkafka understood it; secrets are hidden.
pub fn effective_properties(config: &ClientConfig) -> BTreeMap<String, String> {
    let set = config.config_map();
    let native = config.create_native_config().ok();
    let effective = |name: &str| {
        let understood = native.as_ref().and_then(|native| native.get(name).ok());
        understood.or_else(|| set.get(name).map(|value| (*value).to_owned()))
    };
    set.keys()
        .copied()
        .chain(DECISIVE)
        .filter_map(|name| {
            let value = if is_secret(name) {
                "[hidden]".to_owned()
            } else {
                effective(name)?
            };
            Some((name.to_owned(), value))
        })
        .collect()
}

fn is_secret(name: &str) -> bool {
    [
        "password",
        "secret",
        "username",
        "token",
        ".pem",
        "oauthbearer.config",
        "jaas",
    ]
    .iter()
    .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk_space::saving;
    use crate::plan::{BATCH_SIZE_BYTES, EVENT_SIZE_BYTES, Profile, Tuning};

    fn config(connection: &Connection, plan: &Plan) -> ClientConfig {
        producer_config(connection, "test", plan, Grouping::of(plan, 12))
    }

    #[test]
    fn the_plan_decides_on_its_own_properties_and_the_user_on_all_others() {
        let properties = "linger.ms=50\nqueue.buffering.max.ms=70\nsocket.nagle.disable=true\n\
                          transactional.id=t";
        let connection = Connection::new("a:1")
            .with_property_lines(properties)
            .unwrap();
        let mut plan = Plan::new(1, "log-events");
        plan.tuning.linger_ms = 3;
        let config = config(&connection, &plan);
        assert_eq!(config.get("transactional.id"), None);
        let told = effective_properties(&config);
        assert_eq!(told["linger.ms"], "3");
        assert_eq!(told["socket.nagle.disable"], "true");
        assert_eq!(told["acks"], "-1", "as librdkafka writes acks=all");
        assert_eq!(told["compression.type"], "snappy");
        assert!(told.contains_key("socket.timeout.ms"));
    }

    #[test]
    fn librdkafka_takes_what_every_profile_and_every_extreme_asks_for() {
        let connection = Connection::new("a:1");
        let mut plans: Vec<Plan> = Profile::ALL
            .iter()
            .map(|profile| {
                let mut plan = Plan::new(1, "log-events");
                plan.profile = Some(*profile);
                plan.tuning = Tuning::of(plan.profile);
                plan
            })
            .collect();
        let mut large = Plan::new(1, "log-events");
        large.event_size_bytes = Some(*EVENT_SIZE_BYTES.end());
        large.tuning.batch_size_bytes = *BATCH_SIZE_BYTES.end();
        plans.push(large);
        for plan in plans {
            let config = config(&connection, &plan);
            assert!(config.create_native_config().is_ok(), "{plan:?}");
            let size: u32 = config.get("batch.size").unwrap().parse().unwrap();
            let limit: u32 = config.get("message.max.bytes").unwrap().parse().unwrap();
            assert!(size <= limit, "{plan:?}");
            // What a broker takes by default, as it arrives there.
            let sent = f64::from(size) * (1.0 - saving(plan.tuning.compression));
            assert!(sent <= 1_000_000.0, "{plan:?}");
        }
    }

    #[test]
    fn secrets_are_not_told() {
        let connection = Connection::new("a:1")
            .with_property_lines("sasl.password=hunter2\nssl.key.password=hunter2")
            .unwrap();
        let config = config(&connection, &Plan::new(1, "log-events"));
        let told = effective_properties(&config);
        assert_eq!(told["sasl.password"], "[hidden]");
        assert!(!told.values().any(|value| value.contains("hunter2")));
    }
}
