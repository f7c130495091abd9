//! The envelope of every record that we account for later: which run wrote it, who in the run, as
//! which number, and a checksum of the rest.
//!
//! It is text of a fixed length, so that it stands in a record as its `eventId`, can be patched into
//! a prepared buffer without allocation, and is found again without parsing JSON.

/// Identifies one run (a load test, or one life of the canary).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u64);

/// Run, producer, sequence and checksum of one record.
///
/// As text: `rrrrrrrrrrrrrrrr-pppp-ssssssssssss-cccccccc`, lower-case hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sequenced {
    /// The run that wrote the record.
    pub run: RunId,
    /// The producer within the run.
    pub producer: u16,
    /// Number of the record within that producer, from 0; below 2^48.
    pub sequence: u64,
}

/// Why a text is no envelope of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SequencedError {
    /// Not the form of an envelope: somebody else's record.
    #[error("not an envelope")]
    Foreign,
    /// The form is right and the checksum is not: the record was changed on its way.
    #[error("checksum does not match")]
    Corrupted,
}

/// Field widths in hexadecimal digits: run, producer, sequence, checksum.
const WIDTHS: [usize; 4] = [16, 4, 12, 8];

impl Sequenced {
    /// Length of the text, in bytes.
    pub const LEN: usize = 16 + 1 + 4 + 1 + 12 + 1 + 8;

    /// Length of the text without its checksum.
    pub const IDENTITY_LEN: usize = Self::LEN - 1 - WIDTHS[3];

    /// Run, producer and sequence as text: what is unique about the record, and known before the
    /// rest of it.
    #[must_use]
    pub fn identity(&self) -> [u8; Self::IDENTITY_LEN] {
        let mut text = [b'-'; Self::IDENTITY_LEN];
        write_hex(self.run.0, &mut text[0..16]);
        write_hex(u64::from(self.producer), &mut text[17..21]);
        write_hex(self.sequence, &mut text[22..34]);
        text
    }

    /// Writes the envelope; the checksum covers its own first three fields and `rest`, the bytes of
    /// the record after the envelope.
    pub fn write(&self, rest: &[u8], into: &mut [u8; Self::LEN]) {
        let identity_len = Self::LEN - WIDTHS[3];
        into[..Self::IDENTITY_LEN].copy_from_slice(&self.identity());
        into[Self::IDENTITY_LEN] = b'-';
        let checksum = checksum(&into[..identity_len], rest);
        write_hex(u64::from(checksum), &mut into[identity_len..]);
    }

    /// Reads an envelope and holds its checksum against `rest`.
    ///
    /// # Errors
    /// [`SequencedError`]: foreign or corrupted.
    pub fn read(text: &[u8], rest: &[u8]) -> Result<Self, SequencedError> {
        if text.len() != Self::LEN || text[16] != b'-' || text[21] != b'-' || text[34] != b'-' {
            return Err(SequencedError::Foreign);
        }
        let field = |range: std::ops::Range<usize>| read_hex(&text[range]);
        let (Some(run), Some(producer), Some(sequence), Some(written)) =
            (field(0..16), field(17..21), field(22..34), field(35..43))
        else {
            return Err(SequencedError::Foreign);
        };
        if written != u64::from(checksum(&text[..Self::LEN - WIDTHS[3]], rest)) {
            return Err(SequencedError::Corrupted);
        }
        Ok(Self {
            run: RunId(run),
            producer: u16::try_from(producer).map_err(|_| SequencedError::Foreign)?,
            sequence,
        })
    }
}

fn checksum(identity: &[u8], rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(identity);
    hasher.update(rest);
    hasher.finalize()
}

fn write_hex(mut number: u64, into: &mut [u8]) {
    for digit in into.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

fn read_hex(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: Sequenced = Sequenced {
        run: RunId(0x0123_4567_89ab_cdef),
        producer: 7,
        sequence: 0xffff_ffff_ffff,
    };

    fn text(rest: &[u8]) -> [u8; Sequenced::LEN] {
        let mut text = [0; Sequenced::LEN];
        RECORD.write(rest, &mut text);
        text
    }

    #[test]
    fn what_was_written_is_read_back() {
        assert!(text(b"rest").starts_with(b"0123456789abcdef-0007-ffffffffffff-"));
        assert_eq!(Sequenced::read(&text(b"rest"), b"rest"), Ok(RECORD));
    }

    #[test]
    fn a_changed_rest_is_corrupted() {
        assert_eq!(
            Sequenced::read(&text(b"rest"), b"Rest"),
            Err(SequencedError::Corrupted)
        );
    }

    #[test]
    fn a_changed_identity_is_corrupted() {
        let mut changed = text(b"rest");
        changed[33] = b'0';
        assert_eq!(
            Sequenced::read(&changed, b"rest"),
            Err(SequencedError::Corrupted)
        );
    }

    #[test]
    fn another_text_is_foreign() {
        assert_eq!(
            Sequenced::read(b"550e8400-e29b-41d4-a716-446655440000", b""),
            Err(SequencedError::Foreign)
        );
    }
}
