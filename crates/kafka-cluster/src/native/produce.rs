//! Handing records of one topic over to a producer.
//!
//! The client's own `send` copies the topic's name and looks the topic up for every record, which was
//! a tenth of all that a record cost the sending thread.

use std::ffi::{c_char, c_int};

use rdkafka::client::{Client, ClientContext};
use rdkafka_sys as sys;

use super::borrow::{c_text, text};
use super::handles::TopicHandle;
use crate::KafkaError;

const OPERATION: &str = "Produce";
/// Lets librdkafka choose. Source: `rdkafka.h`, `RD_KAFKA_PARTITION_UA`.
const UNASSIGNED: i32 = -1;

unsafe extern "C" {
    fn rd_kafka_last_error() -> c_int;
    fn rd_kafka_fatal_error(
        client: *mut sys::rd_kafka_t,
        message: *mut c_char,
        message_size: usize,
    ) -> c_int;
}

/// Why a producer will never send again, if so.
pub(crate) fn fatal_error<C: ClientContext>(client: &Client<C>) -> Option<KafkaError> {
    let mut message: [c_char; 512] = [0; 512];
    // SAFETY: the client is alive; a text that ends with a zero byte is written, no longer than told.
    let code =
        unsafe { rd_kafka_fatal_error(client.native_ptr(), message.as_mut_ptr(), message.len()) };
    // SAFETY: it ends with a zero byte, as it did before the call.
    let message = || unsafe { text(message.as_ptr()) };
    (code != crate::codes::NONE).then(|| KafkaError::of_read(OPERATION, code, message()))
}

/// A topic of one client, looked up once.
pub(crate) struct ProduceTopic(TopicHandle);

// SAFETY: librdkafka's topic objects may be used from any thread; they count their references
// themselves.
unsafe impl Send for ProduceTopic {}
// SAFETY: as above; producing takes the topic's own lock.
unsafe impl Sync for ProduceTopic {}

impl ProduceTopic {
    /// The topic of this name. It must be dropped before the client.
    ///
    /// # Errors
    /// A name that Kafka cannot have.
    pub(crate) fn of<C: ClientContext>(client: &Client<C>, name: &str) -> Result<Self, KafkaError> {
        let c_name = c_text(OPERATION, name)?;
        // SAFETY: the client is alive; the name is copied; without a configuration the client's own
        // for topics is used.
        let raw = unsafe {
            sys::rd_kafka_topic_new(client.native_ptr(), c_name.as_ptr(), std::ptr::null_mut())
        };
        let refused = || KafkaError::of_read(OPERATION, last_error(), format!("topic {name:?}"));
        TopicHandle::own(raw).map(Self).ok_or_else(refused)
    }

    /// Hands one record over, which is copied; never blocks. `opaque` comes back with its delivery.
    ///
    /// # Errors
    /// The code of why it was not taken.
    pub(crate) fn send(
        &self,
        partition: Option<i32>,
        key: Option<&[u8]>,
        payload: &[u8],
        opaque: usize,
    ) -> Result<(), i32> {
        let (key, key_length) = key.map_or((std::ptr::null(), 0), |key| (key.as_ptr(), key.len()));
        // SAFETY: the topic is alive; key and payload live for the call, and with MSG_F_COPY they are
        // copied and not written to; the opaque is a number.
        let answer = unsafe {
            sys::rd_kafka_produce(
                self.0.as_ptr(),
                partition.unwrap_or(UNASSIGNED),
                sys::RD_KAFKA_MSG_F_COPY,
                payload.as_ptr().cast_mut().cast(),
                payload.len(),
                key.cast(),
                key_length,
                std::ptr::without_provenance_mut(opaque),
            )
        };
        if answer == 0 {
            Ok(())
        } else {
            Err(last_error())
        }
    }
}

/// The code of this thread's last call that failed; its own, since a topic that a broker refused is
/// refused here too, by a code that the bindings' enum may lack.
fn last_error() -> i32 {
    // SAFETY: reads a variable of this thread.
    unsafe { rd_kafka_last_error() }
}
