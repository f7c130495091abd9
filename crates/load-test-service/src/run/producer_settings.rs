//! The producer of a run: which properties it has, and why those.
//!
//! - **A batch is a run of records to one partition** ([`PartitionRuns`]): `batch.num.messages` is the
//!   length of that run, so that a full run leaves at once, and `linger.ms` only bounds how long a
//!   slow one waits. At 12 partitions that is 1,000 records, some 400 KB before compression.
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

/// How long a batch that does not fill waits.
const LINGER: Duration = Duration::from_millis(8);
/// After this a record without acknowledgement has failed: three times what the loss of a broker
/// costs (`zookeeper.session.timeout.ms` is 9 s here).
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often librdkafka reports its counters, which also bounds how long a run waits for them.
pub const STATISTICS_INTERVAL: Duration = Duration::from_millis(100);

/// The producer's settings: the user's own properties win over ours.
pub fn producer_config(
    connection: &Connection,
    client_id: &str,
    grouping: Grouping,
) -> ClientConfig {
    let mut config = connection.producer_config(client_id);
    let ours = [
        ("acks", "all".to_owned()),
        ("enable.idempotence", "true".to_owned()),
        ("max.in.flight.requests.per.connection", "5".to_owned()),
        ("compression.type", "snappy".to_owned()),
        ("batch.num.messages", grouping.run_records.to_string()),
        ("batch.size", "1000000".to_owned()),
        ("linger.ms", LINGER.as_millis().to_string()),
        (
            "message.timeout.ms",
            MESSAGE_TIMEOUT.as_millis().to_string(),
        ),
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

    #[test]
    fn the_users_properties_win_and_are_told() {
        let connection = Connection::new("a:1")
            .with_property_lines("linger.ms=50")
            .unwrap();
        let config = producer_config(&connection, "test", Grouping::of(12));
        let told = effective_properties(&config);
        assert_eq!(told["linger.ms"], "50");
        assert_eq!(told["acks"], "-1", "as librdkafka writes acks=all");
        assert_eq!(told["compression.type"], "snappy");
        assert!(told.contains_key("socket.timeout.ms"));
    }

    #[test]
    fn secrets_are_not_told() {
        let connection = Connection::new("a:1")
            .with_property_lines("sasl.password=hunter2\nssl.key.password=hunter2")
            .unwrap();
        let config = producer_config(&connection, "test", Grouping::of(12));
        let told = effective_properties(&config);
        assert_eq!(told["sasl.password"], "[hidden]");
        assert!(!told.values().any(|value| value.contains("hunter2")));
    }
}
