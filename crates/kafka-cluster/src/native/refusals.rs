//! Why brokers refuse a client's connections. librdkafka tells it to nobody who calls: it goes on
//! trying, and the call ends without having found a broker. Only its error callback hears the
//! reason.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{ErrorKind, KafkaError, codes};

/// librdkafka tries again at least once a second (`reconnect.backoff.max.ms`): a reason that was not
/// heard again for this long is over.
const CURRENT: Duration = Duration::from_secs(10);

/// The last refusal that a client met. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals(Arc<Mutex<Option<Refusal>>>);

#[derive(Debug)]
struct Refusal {
    at: Instant,
    code: i32,
    reason: String,
}

impl Refusals {
    /// Keeps what the error callback was told, when it is about a login or TLS.
    pub(super) fn heard(&self, code: i32, reason: &str) {
        if !matches!(code, codes::LOCAL_AUTHENTICATION | codes::LOCAL_SSL) {
            return;
        }
        let refusal = Refusal {
            at: Instant::now(),
            code,
            reason: reason.to_owned(),
        };
        *self.lock() = Some(refusal);
    }

    /// The same error, or the refusal in place of one that only says that no broker answered.
    pub(super) fn explain(&self, error: KafkaError) -> KafkaError {
        let silent = matches!(error.kind, ErrorKind::Unreachable | ErrorKind::TimedOut);
        match &*self.lock() {
            Some(refusal) if silent && refusal.at.elapsed() < CURRENT => {
                KafkaError::of_read(error.operation, refusal.code, refusal.reason.clone())
            }
            _ => error,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Refusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i32) -> KafkaError {
        KafkaError::of_read("Metadata", code, "")
    }

    #[test]
    fn a_refusal_explains_silence_and_nothing_else() {
        let refusals = Refusals::default();
        let silent = error(codes::LOCAL_TRANSPORT);
        assert_eq!(refusals.explain(silent.clone()), silent);
        refusals.heard(codes::LOCAL_AUTHENTICATION, "wrong password");
        let explained = refusals.explain(silent);
        assert_eq!(explained.kind, ErrorKind::Unauthenticated);
        assert_eq!(explained.message, "wrong password");
        assert_eq!(explained.operation, "Metadata");
        let denied = error(codes::TOPIC_AUTHORIZATION_FAILED);
        assert_eq!(refusals.explain(denied.clone()), denied);
    }

    #[test]
    fn a_connection_that_broke_is_no_refusal() {
        let refusals = Refusals::default();
        refusals.heard(codes::LOCAL_TRANSPORT, "connection reset");
        let silent = error(codes::LOCAL_TIMED_OUT);
        assert_eq!(refusals.explain(silent.clone()), silent);
    }

    #[test]
    fn a_write_whose_outcome_is_not_known_stays_unknown() {
        let refusals = Refusals::default();
        refusals.heard(codes::LOCAL_SSL, "certificate verify failed");
        let lost = KafkaError::of_write("CreateTopics", codes::LOCAL_TRANSPORT, "");
        assert_eq!(refusals.explain(lost).kind, ErrorKind::OutcomeUnknown);
    }
}
