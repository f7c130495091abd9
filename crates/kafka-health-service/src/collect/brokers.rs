//! Probes every expected broker, each in a task of its own: one that hangs delays nobody else's.

use std::collections::BTreeSet;
use std::time::Duration;

use kafka_cluster::{BrokerAddress, ErrorKind, KafkaCluster, KafkaError, codes};
use tokio::task::JoinSet;

use super::Context;
use super::connect::connect;
use super::pace::{Outcome, Pace};
use crate::moment::Moment;
use crate::snapshot::{Address, Answer, Connect, NoAnswer, Probe};

/// After a probe that failed at once (a connection that broke) the next one follows soon.
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// How long a connection is awaited before the broker is asked all the same.
const HEAD_START: Duration = Duration::from_millis(100);
/// librdkafka gives up a broker, and what it was asked, when metadata does not name it any more.
/// Source: `rdkafka.h`, `RD_KAFKA_RESP_ERR__DESTROY_BROKER`.
const BROKER_GIVEN_UP: i32 = -137;

/// Starts a prober for each broker as soon as it is expected; ends with all of them.
pub(super) async fn run(context: Context) {
    let mut changes = context.store.changes();
    let mut probed = BTreeSet::new();
    let mut probers = JoinSet::new();
    loop {
        let snapshot = changes.borrow_and_update().clone();
        for id in snapshot.brokers.keys() {
            if probed.insert(*id) {
                probers.spawn(probe_again_and_again(*id, context.clone()));
            }
        }
        drop(snapshot);
        let changed = context.stop.run_until_cancelled(changes.changed()).await;
        if !matches!(changed, Some(Ok(()))) {
            break;
        }
    }
    while probers.join_next().await.is_some() {}
}

async fn probe_again_and_again(id: i32, context: Context) {
    let settings = &context.settings;
    let pace = Pace::every(settings.probe_interval, AFTER_FAILURE);
    let attempt = || async {
        let snapshot = context.store.read();
        let address = snapshot
            .brokers
            .get(&id)
            .and_then(|broker| broker.address.clone());
        drop(snapshot);
        let Some(address) = address else {
            // librdkafka cannot ask a broker whose address no metadata ever gave.
            return Outcome::Failure;
        };
        let probe = probe(&context.cluster, id, &address, settings.probe_deadline).await;
        let outcome = match &probe.answer {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        };
        context.store.update(|snapshot| {
            if let Some(broker) = snapshot.brokers.get_mut(&id) {
                broker.probes.record(probe);
            }
        });
        outcome
    };
    pace.repeat(&context.stop, attempt).await;
}

/// Connects, and asks once that was not refused: librdkafka would wait for the broker until the
/// deadline, and connect hundreds of times a second meanwhile, since each change of a broker's state
/// ends the pause before its next connection (`rd_kafka_broker_get_async`).
async fn probe(cluster: &KafkaCluster, id: i32, address: &Address, deadline: Duration) -> Probe {
    let began = Moment::now();
    let connect = connect((address.host.as_str(), address.port), deadline);
    tokio::pin!(connect);
    let first = tokio::time::timeout(HEAD_START, &mut connect).await;
    let (connect, answer) = match first {
        Ok(Connect::Refused) => (Connect::Refused, Err(NoAnswer::TimedOut)),
        Ok(connected) => (connected, ask(cluster, id, address, deadline).await),
        Err(_) => tokio::join!(connect, ask(cluster, id, address, deadline)),
    };
    let connect = Some(connect).filter(|_| answer.is_err());
    Probe {
        began,
        ended: Moment::now(),
        connect,
        answer,
    }
}

async fn ask(
    cluster: &KafkaCluster,
    id: i32,
    address: &Address,
    deadline: Duration,
) -> Result<Answer, NoAnswer> {
    let began = Moment::now();
    let answer = match cluster.probe(id, deadline).await {
        Ok(took) => Ok(took),
        Err(error) => {
            let broker = BrokerAddress {
                id,
                host: address.host.clone(),
                port: address.port,
            };
            Err(cluster.explain_at(error, &broker).await)
        }
    };
    of_answer(answer, began.age(Moment::now()))
}

/// A broker that refuses to tell has answered: Kafka's own error codes are positive, librdkafka's
/// negative. That it refuses for want of a right is another matter, and kept.
fn of_answer(answer: Result<Duration, KafkaError>, waited: Duration) -> Result<Answer, NoAnswer> {
    match answer {
        Ok(took) => Ok(Answer { took, denied: None }),
        Err(error) if error.code > 0 => Ok(Answer {
            took: waited,
            denied: (error.kind == ErrorKind::Denied).then_some(error.message),
        }),
        Err(error) if matches!(error.code, codes::LOCAL_TIMED_OUT | BROKER_GIVEN_UP) => {
            Err(NoAnswer::TimedOut)
        }
        Err(error) if error.kind == ErrorKind::Unauthenticated => {
            Err(NoAnswer::Unauthenticated(error.message))
        }
        Err(error) => Err(NoAnswer::Failed(error.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITED: Duration = Duration::from_millis(7);

    #[test]
    fn a_refusal_by_the_broker_itself_is_an_answer_and_a_missing_right_is_kept() {
        let error = |code| KafkaError::of_read("DescribeConfigs", code, "said so");
        let denied = of_answer(Err(error(codes::CLUSTER_AUTHORIZATION_FAILED)), WAITED).unwrap();
        assert_eq!(denied.denied.as_deref(), Some("said so"));
        assert_eq!(denied.took, WAITED);
        let refused = of_answer(Err(error(codes::INVALID_REQUEST)), WAITED).unwrap();
        assert_eq!(refused.denied, None);
    }

    #[test]
    fn an_error_of_the_client_is_no_answer() {
        let silent = KafkaError::of_read("DescribeConfigs", codes::LOCAL_TIMED_OUT, "timed out");
        assert_eq!(of_answer(Err(silent), WAITED), Err(NoAnswer::TimedOut));
        let refused = KafkaError::of_read("DescribeConfigs", codes::LOCAL_SSL, "has expired");
        assert_eq!(
            of_answer(Err(refused), WAITED),
            Err(NoAnswer::Unauthenticated("has expired".to_owned()))
        );
        let broken = KafkaError::of_read("DescribeConfigs", codes::LOCAL_TRANSPORT, "broke");
        assert_eq!(
            of_answer(Err(broken), WAITED),
            Err(NoAnswer::Failed("broke".to_owned()))
        );
    }
}
