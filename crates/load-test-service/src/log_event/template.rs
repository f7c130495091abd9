//! One prepared record: JSON bytes, and where in them the fields stand that differ each time.

use kafka_cluster::{Sequenced, SequencedError};

use super::LogEvent;
use super::timestamp::TIMESTAMP_LEN;

/// Length of a request id: a trace id as W3C Trace Context writes it.
pub const REQUEST_ID_LEN: usize = 32;

/// What stands before the event id in every record.
const BEFORE_EVENT_ID: &str = "{\"eventId\":\"";

/// Stand-ins of the right length, of characters that no corpus text has.
const EVENT_ID: [u8; Sequenced::LEN] = [b'@'; Sequenced::LEN];
const TIMESTAMP: [u8; TIMESTAMP_LEN] = [b'~'; TIMESTAMP_LEN];
const REQUEST_ID: [u8; REQUEST_ID_LEN] = [b'^'; REQUEST_ID_LEN];

/// Where the patched fields of one prepared record stand, as offsets into the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Length of the record.
    pub len: u32,
    timestamp: u32,
    request_id: u32,
}

/// Appends `event` to `bytes` with stand-ins for event id, timestamp and request id.
pub fn lay_out(mut event: LogEvent, bytes: &mut Vec<u8>) -> Layout {
    let stand_in = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    event.event_id = stand_in(&EVENT_ID);
    event.timestamp = stand_in(&TIMESTAMP);
    event.metadata.request_id = stand_in(&REQUEST_ID);
    let json = serde_json::to_vec(&event).expect("strings and names always serialise");
    let find = |needle: &[u8]| {
        json.windows(needle.len())
            .position(|window| window == needle)
            .expect("each stand-in was just written") as u32
    };
    let layout = Layout {
        len: json.len() as u32,
        timestamp: find(&TIMESTAMP),
        request_id: find(&REQUEST_ID),
    };
    bytes.extend_from_slice(&json);
    layout
}

impl Layout {
    /// How many bytes the record of this event takes.
    pub fn size_of(event: &LogEvent) -> usize {
        lay_out(event.clone(), &mut Vec::new()).len as usize
    }

    /// Patches `record`, whose bytes [`lay_out`] wrote: first what the checksum covers, then the
    /// envelope with the checksum over all bytes behind it.
    pub fn patch(
        &self,
        record: &mut [u8],
        envelope: &Sequenced,
        timestamp: &[u8; TIMESTAMP_LEN],
        request_id: (u64, u64),
    ) {
        let timestamp_at = self.timestamp as usize;
        record[timestamp_at..timestamp_at + TIMESTAMP_LEN].copy_from_slice(timestamp);
        let request_at = self.request_id as usize;
        write_hex(request_id.0, &mut record[request_at..request_at + 16]);
        write_hex(request_id.1, &mut record[request_at + 16..request_at + 32]);
        let (head, rest) = record.split_at_mut(BEFORE_EVENT_ID.len() + Sequenced::LEN);
        if let Some(event_id) = head.last_chunk_mut() {
            envelope.write(rest, event_id);
        }
    }
}

/// Reads the envelope of a record as it stands in the log, and holds its checksum against the rest.
///
/// # Errors
/// The record is not one of ours, or was changed on its way.
pub fn read_envelope(record: &[u8]) -> Result<Sequenced, SequencedError> {
    let (event_id, rest) = record
        .strip_prefix(BEFORE_EVENT_ID.as_bytes())
        .and_then(|behind| behind.split_at_checked(Sequenced::LEN))
        .ok_or(SequencedError::Foreign)?;
    Sequenced::read(event_id, rest)
}

/// Two digits at a time.
fn write_hex(number: u64, into: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in into.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_written_in_full() {
        let mut text = [0; 16];
        write_hex(0x0123_4567_89ab_cdef, &mut text);
        assert_eq!(&text, b"0123456789abcdef");
        write_hex(0xf, &mut text);
        assert_eq!(&text, b"000000000000000f");
    }
}
