//! Why brokers refuse a client's connections. librdkafka tells it to nobody who calls: it goes on
//! trying, and the call ends without having found a broker. Only its error callback hears the
//! reason.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{BrokerAddress, Connection, ErrorKind, KafkaError, codes, diagnosis};

/// librdkafka tries again at least once a second (`reconnect.backoff.max.ms`) and tells a reason that
/// stays the same every 30 s (`rd_kafka_broker_set_error`): one that was not heard for longer is over.
const CURRENT: Duration = Duration::from_secs(40);

/// The last refusal that a client met. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Refusals {
    last: Arc<Mutex<Option<Refusal>>>,
    connection: Arc<Connection>,
}

#[derive(Debug, Clone)]
struct Refusal {
    at: Instant,
    code: i32,
    reason: String,
    by: Option<BrokerAddress>,
}

impl Refusals {
    /// Those of a client with this connection.
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            last: Arc::default(),
            connection: Arc::new(connection.clone()),
        }
    }

    /// Keeps what the error callback was told, when it is about a login or TLS.
    pub(super) fn heard(&self, code: i32, reason: &str) {
        if !matches!(code, codes::LOCAL_AUTHENTICATION | codes::LOCAL_SSL) {
            return;
        }
        let refusal = Refusal {
            at: Instant::now(),
            code,
            reason: reason.to_owned(),
            by: diagnosis::accused(reason, &self.connection),
        };
        *self.lock() = Some(refusal);
    }

    /// The same error, or the refusal in place of one that only says that no broker answered. Whoever
    /// refused is asked once more: for the reason in words that tell an unknown CA from a certificate that
    /// has ended, and whether it still does.
    pub(super) async fn explain(&self, error: KafkaError) -> KafkaError {
        if !matches!(error.kind, ErrorKind::Unreachable | ErrorKind::TimedOut) {
            return error;
        }
        let Some(refusal) = self.current() else {
            return error;
        };
        let asked = match &refusal.by {
            Some(by) => diagnosis::try_connection(&self.connection, error.operation, by).await,
            None => Ok(()),
        };
        match asked {
            Ok(()) => {
                self.forget(refusal.at);
                error
            }
            Err(why) if why.kind == ErrorKind::Unauthenticated => why,
            // It is gone since.
            Err(why) if why.kind == ErrorKind::Unreachable => error,
            Err(_) => refusal.error(error.operation),
        }
    }

    fn current(&self) -> Option<Refusal> {
        let last = self.lock();
        last.clone()
            .filter(|refusal| refusal.at.elapsed() < CURRENT)
    }

    /// Unless another was heard meanwhile.
    fn forget(&self, at: Instant) {
        self.lock().take_if(|refusal| refusal.at == at);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Refusal>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusal {
    fn error(self, operation: &'static str) -> KafkaError {
        let message = match self.code {
            codes::LOCAL_AUTHENTICATION => diagnosis::of_login(self.reason),
            _ => self.reason,
        };
        KafkaError::of_read(operation, self.code, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i32) -> KafkaError {
        KafkaError::of_read("Metadata", code, "")
    }

    /// Of a client whose broker only librdkafka could log in to.
    fn refusals() -> Refusals {
        let kerberos = "security.protocol=sasl_ssl\nsasl.mechanism=GSSAPI";
        let connection = Connection::new("unused:1").with_property_lines(kerberos);
        Refusals::new(&connection.unwrap())
    }

    #[tokio::test]
    async fn a_refusal_explains_silence_and_nothing_else() {
        let refusals = refusals();
        let silent = error(codes::LOCAL_TRANSPORT);
        assert_eq!(refusals.explain(silent.clone()).await, silent);
        refusals.heard(codes::LOCAL_AUTHENTICATION, "invalid credentials");
        let explained = refusals.explain(silent).await;
        assert_eq!(explained.kind, ErrorKind::Unauthenticated);
        assert_eq!(
            explained.message,
            "wrong name or password: invalid credentials"
        );
        assert_eq!(explained.operation, "Metadata");
        let denied = error(codes::TOPIC_AUTHORIZATION_FAILED);
        assert_eq!(refusals.explain(denied.clone()).await, denied);
    }

    #[tokio::test]
    async fn a_connection_that_broke_is_no_refusal() {
        let refusals = refusals();
        refusals.heard(codes::LOCAL_TRANSPORT, "connection reset");
        let silent = error(codes::LOCAL_TIMED_OUT);
        assert_eq!(refusals.explain(silent.clone()).await, silent);
    }

    #[tokio::test]
    async fn a_write_whose_outcome_is_not_known_stays_unknown() {
        let refusals = refusals();
        refusals.heard(codes::LOCAL_SSL, "certificate verify failed");
        let lost = KafkaError::of_write("CreateTopics", codes::LOCAL_TRANSPORT, "");
        let explained = refusals.explain(lost).await;
        assert_eq!(explained.kind, ErrorKind::OutcomeUnknown);
    }

    #[tokio::test]
    async fn a_refusal_by_a_broker_that_is_gone_since_explains_nothing() {
        let refusals = Refusals::new(&Connection::new("127.0.0.1:1"));
        refusals.heard(codes::LOCAL_SSL, "certificate verify failed");
        let silent = error(codes::LOCAL_TRANSPORT);
        assert_eq!(refusals.explain(silent.clone()).await, silent);
    }

    #[test]
    fn a_refusal_is_forgotten_unless_another_was_heard_meanwhile() {
        let refusals = refusals();
        refusals.heard(codes::LOCAL_SSL, "first");
        let first = refusals.current().unwrap();
        refusals.heard(codes::LOCAL_SSL, "second");
        let second = refusals.current().unwrap();
        refusals.forget(first.at);
        assert_eq!(refusals.current().unwrap().reason, "second");
        refusals.forget(second.at);
        assert!(refusals.current().is_none());
    }
}
