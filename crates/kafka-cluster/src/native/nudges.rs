//! Keeping librdkafka away from a broker that hangs.
//!
//! librdkafka takes the broker it sent to last, in whole seconds (`rd_kafka_broker_weight_usable`),
//! and so goes back to one that hangs for as long as nothing is sent to others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;

use super::client::Client;
use super::describe_configs::probe_broker;
use crate::BrokerAddress;

/// What a nudge needs to reach the brokers' threads.
const TIME: Duration = Duration::from_millis(25);
/// How long a broker that does not answer its nudge gets no other.
const DEADLINE: Duration = Duration::from_secs(3);
/// How long a broker may take to accept a connection.
const CONNECT: Duration = Duration::from_millis(200);

/// Sends something small to each broker that is not known to hang.
pub(super) async fn nudge(client: &Arc<Client>) {
    for broker in client.nudges.begin() {
        let client = client.clone();
        tokio::spawn(async move {
            // A request to a broker that listens to nobody would make librdkafka connect hundreds
            // of times a second until its deadline.
            let connect = TcpStream::connect((broker.host.as_str(), broker.port));
            if matches!(tokio::time::timeout(CONNECT, connect).await, Ok(Ok(_))) {
                let _ = probe_broker(&client, broker.id, DEADLINE).await;
            }
            client.nudges.end(broker.id);
        });
    }
    tokio::time::sleep(TIME).await;
}

/// The brokers that metadata named last, and whether their nudge is not answered yet.
#[derive(Default)]
pub(super) struct Nudges(Mutex<BTreeMap<i32, Broker>>);

struct Broker {
    address: BrokerAddress,
    awaited: bool,
}

impl Nudges {
    pub(super) fn learn(&self, brokers: &[BrokerAddress]) {
        let mut state = self.lock();
        let before = std::mem::take(&mut *state);
        state.extend(brokers.iter().map(|address| {
            let awaited = before.get(&address.id).is_some_and(|known| known.awaited);
            let address = address.clone();
            (address.id, Broker { address, awaited })
        }));
    }

    /// Marks the brokers that are not awaited as awaited, and names them.
    fn begin(&self) -> Vec<BrokerAddress> {
        let mut state = self.lock();
        let idle = state.values_mut().filter(|broker| !broker.awaited);
        idle.map(|broker| {
            broker.awaited = true;
            broker.address.clone()
        })
        .collect()
    }

    fn end(&self, id: i32) {
        if let Some(broker) = self.lock().get_mut(&id) {
            broker.awaited = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Broker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_does_not_answer_its_nudge_gets_no_other() {
        let addresses = [1, 2, 3].map(|id| BrokerAddress {
            id,
            host: "127.0.0.1".to_owned(),
            port: 9092,
        });
        let nudges = Nudges::default();
        let begun = || -> Vec<i32> { nudges.begin().iter().map(|broker| broker.id).collect() };
        assert!(begun().is_empty());
        nudges.learn(&addresses[..2]);
        assert_eq!(begun(), [1, 2]);
        nudges.end(2);
        nudges.learn(&addresses);
        assert_eq!(begun(), [2, 3]);
        nudges.end(1);
        assert_eq!(begun(), [1]);
    }
}
