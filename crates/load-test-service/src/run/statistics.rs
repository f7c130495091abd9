//! What librdkafka counts itself: bytes on the wire, and which connections are up.
//!
//! Source: librdkafka `STATISTICS.md`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The part of librdkafka's statistics that a run needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ClientStatistics {
    /// Bytes sent to all brokers, requests of every kind.
    #[serde(rename = "tx_bytes")]
    pub sent_bytes: u64,
    /// Keys and payloads of the records in them, before compression.
    #[serde(rename = "txmsg_bytes")]
    pub record_bytes: u64,
    /// Produce requests sent, over all brokers.
    #[serde(skip)]
    pub produce_requests: u64,
    /// Times that the threads of all brokers came back from waiting.
    #[serde(skip)]
    pub wakeups: u64,
    /// Brokers by name, bootstrap connections among them.
    #[serde(default)]
    pub brokers: BTreeMap<String, BrokerStatistics>,
    /// State of the idempotent producer; absent without idempotence.
    #[serde(default)]
    pub eos: Option<IdempotenceStatistics>,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BrokerStatistics {
    /// Broker id; -1 for a bootstrap connection.
    #[serde(rename = "nodeid")]
    pub id: i32,
    /// `UP` when it can be used.
    pub state: String,
    /// Microseconds in the producer's queue, from the hand-over to the making of a request.
    #[serde(default)]
    pub int_latency: Window,
    /// Microseconds of a request in the queue before the socket.
    #[serde(default)]
    pub outbuf_latency: Window,
    /// Microseconds from a request's sending to its answer.
    #[serde(default)]
    pub rtt: Window,
    /// Requests sent, by kind.
    #[serde(default, rename = "req")]
    pub requests: BTreeMap<String, u64>,
    /// Times that the connection's thread came back from waiting.
    #[serde(default)]
    pub wakeups: u64,
}

/// What librdkafka saw of one time since its last report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Window {
    /// How many samples.
    pub cnt: u64,
    /// Their sum.
    pub sum: u64,
    /// The largest.
    pub max: u64,
    /// Half of them were smaller.
    pub p50: u64,
    /// 90 % of them.
    pub p90: u64,
    /// 99 % of them.
    pub p99: u64,
}

/// State of the idempotent producer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IdempotenceStatistics {
    /// `Assigned` once it has its producer id.
    #[serde(rename = "idemp_state")]
    pub state: String,
}

impl ClientStatistics {
    /// Reads librdkafka's JSON; `None` when it is none.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let mut read: Self = serde_json::from_slice(json).ok()?;
        let produce = |broker: &BrokerStatistics| broker.requests.get("Produce").copied();
        read.produce_requests = read.brokers.values().filter_map(produce).sum();
        read.wakeups = read.brokers.values().map(|broker| broker.wakeups).sum();
        Some(read)
    }

    /// The counters of two clients together.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            sent_bytes: self.sent_bytes + other.sent_bytes,
            record_bytes: self.record_bytes + other.record_bytes,
            produce_requests: self.produce_requests + other.produce_requests,
            wakeups: self.wakeups + other.wakeups,
            brokers: BTreeMap::new(),
            eos: None,
        }
    }

    /// Whether records can be sent to all of `leaders` at once: connections up, and the producer id
    /// there where one is needed.
    pub fn ready_for(&self, leaders: &[i32]) -> bool {
        let up = |leader: &i32| {
            self.brokers
                .values()
                .any(|broker| broker.id == *leader && broker.state == "UP")
        };
        leaders.iter().all(up) && self.eos.as_ref().is_none_or(|eos| eos.state == "Assigned")
    }
}

/// What went over the wire between two looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WireUse {
    /// Bytes sent.
    pub wire_bytes: u64,
    /// Produce requests sent.
    pub produce_requests: u64,
    /// Times that librdkafka's network threads came back from waiting.
    pub wakeups: u64,
    /// What compression saved of the records' bytes, in percent; framing and requests counted as
    /// cost, so that it can be negative without compression.
    pub saving_percent: f64,
}

/// `1 - Δtx_bytes/Δtxmsg_bytes`; `None` when no record was sent between the two.
pub fn wire_use(before: &ClientStatistics, after: &ClientStatistics) -> Option<WireUse> {
    let wire_bytes = after.sent_bytes.checked_sub(before.sent_bytes)?;
    let record_bytes = after.record_bytes.checked_sub(before.record_bytes)?;
    (record_bytes > 0).then(|| WireUse {
        wire_bytes,
        produce_requests: after
            .produce_requests
            .saturating_sub(before.produce_requests),
        wakeups: after.wakeups.saturating_sub(before.wakeups),
        saving_percent: 100.0 * (1.0 - wire_bytes as f64 / record_bytes as f64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[u8] = br#"{"name":"x","brokers":{
        "GroupCoordinator":{"nodeid":-1,"state":"INIT"},
        "a:1/1":{"nodeid":1,"state":"UP","wakeups":5,"rtt":{"avg":1,"cnt":4,"sum":10,"max":9,"p50":1,"p90":2,"p99":9},
            "req":{"Produce":7,"Metadata":1}},
        "b:1/2":{"nodeid":2,"state":"CONNECT","wakeups":2,"req":{"Produce":2}}},
        "topics":{},"eos":{"idemp_state":"Assigned","txn_state":"Init"},
        "tx":3,"tx_bytes":400,"rx":3,"rx_bytes":9,"txmsgs":2,"txmsg_bytes":1000}"#;

    #[test]
    fn the_statistics_of_librdkafka_are_read() {
        let statistics = ClientStatistics::parse(SAMPLE).unwrap();
        assert_eq!(
            (statistics.sent_bytes, statistics.record_bytes),
            (400, 1000)
        );
        assert_eq!((statistics.produce_requests, statistics.wakeups), (9, 7));
        assert_eq!(statistics.brokers["a:1/1"].rtt.p99, 9);
        assert!(statistics.ready_for(&[1]));
        assert!(!statistics.ready_for(&[1, 2]));
    }

    #[test]
    fn without_a_producer_id_nothing_is_ready() {
        let mut statistics = ClientStatistics::parse(SAMPLE).unwrap();
        statistics.eos = Some(IdempotenceStatistics {
            state: "WaitPID".to_owned(),
        });
        assert!(!statistics.ready_for(&[1]));
    }

    #[test]
    fn the_saving_is_of_the_bytes_between_two_looks() {
        let look = |sent_bytes, record_bytes| ClientStatistics {
            sent_bytes,
            record_bytes,
            ..ClientStatistics::default()
        };
        let used = wire_use(&look(100, 50), &look(500, 1050)).unwrap();
        assert_eq!(used.wire_bytes, 400);
        assert!((used.saving_percent - 60.0).abs() < 1e-9);
        assert_eq!(wire_use(&look(100, 50), &look(500, 50)), None);
    }
}
