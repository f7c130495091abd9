//! By which of two names brokers log in to each other.
//!
//! A password cannot be replaced under the brokers that use it: who has not restarted yet would be refused by
//! the others. So the other name gets a new one, the brokers take it at their next start, one after the other,
//! and then the first name's password is replaced by one that nobody has used.

use serde::{Deserialize, Serialize};

use crate::principals::BROKER_LOGINS;

/// What people are told at a start while it changes.
pub const BROKER_LOGIN_CHANGES: &str = "a renewal of the brokers' own password was begun and not finished: \
                                        ./setup.sh --renew kafka-broker finishes it";

/// Whom the brokers log in as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerLogin {
    /// One of [`BROKER_LOGINS`], from each broker's next start on.
    pub name: String,
    /// Brokers may run that still log in as the other one.
    pub changing: bool,
}

impl BrokerLogin {
    /// The other one of [`BROKER_LOGINS`].
    #[must_use]
    pub fn other(&self) -> &'static str {
        let [first, second] = BROKER_LOGINS;
        if self.name == first { second } else { first }
    }
}

impl Default for BrokerLogin {
    fn default() -> Self {
        Self {
            name: BROKER_LOGINS[0].to_owned(),
            changing: false,
        }
    }
}
