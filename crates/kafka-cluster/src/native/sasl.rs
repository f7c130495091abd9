//! New credentials for a client that lives.

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka_sys as sys;

use super::borrow::{c_text, text};
use super::codes;
use crate::KafkaError;
use crate::credentials::Credentials;

const OPERATION: &str = "set credentials";

/// Gives a client the name and password of its next connections; those that are open stay.
///
/// # Errors
/// The client does not use a mechanism with passwords, or one of the two holds a zero byte.
pub(crate) fn set_credentials<C: ClientContext>(
    client: &Client<C>,
    credentials: &Credentials,
) -> Result<(), KafkaError> {
    let username = c_text(OPERATION, &credentials.username)?;
    let password = c_text(OPERATION, &credentials.password)?;
    // SAFETY: the client is borrowed, so it is alive; both texts are copied; an error is ours to
    // destroy once it was read.
    unsafe {
        let error = sys::rd_kafka_sasl_set_credentials(
            client.native_ptr(),
            username.as_ptr(),
            password.as_ptr(),
        );
        if error.is_null() {
            return Ok(());
        }
        let code = codes::rd_kafka_error_code(error);
        let message = text(sys::rd_kafka_error_string(error));
        sys::rd_kafka_error_destroy(error);
        Err(KafkaError::of_read(OPERATION, code, message))
    }
}
