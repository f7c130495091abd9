//! The time in a record: RFC 3339 in UTC with milliseconds, always 24 characters, written without
//! allocation.

use jiff::Timestamp;

/// Length of `2026-01-31T23:59:59.999Z`.
pub const TIMESTAMP_LEN: usize = 24;

/// Writes times that mostly stay within the same second: the calendar is asked once a second.
#[derive(Debug)]
pub struct TimestampText {
    second: i64,
    millisecond: i64,
    text: [u8; TIMESTAMP_LEN],
}

impl TimestampText {
    /// Begins with 1970.
    pub fn new() -> Self {
        Self {
            second: 0,
            millisecond: 0,
            text: *b"1970-01-01T00:00:00.000Z",
        }
    }

    /// The text of this time, in milliseconds since 1970. Times before 1970 or beyond the year 9999
    /// are written as the nearest that has 24 characters.
    pub fn of(&mut self, epoch_ms: i64) -> &[u8; TIMESTAMP_LEN] {
        // 9999-12-31T00:00:00Z, a day below the end so that no leap or offset can pass it.
        let epoch_ms = epoch_ms.clamp(0, 253_402_214_400_000);
        if epoch_ms == self.second * 1000 + self.millisecond {
            return &self.text;
        }
        let (second, millisecond) = (epoch_ms / 1000, epoch_ms % 1000);
        if second != self.second {
            self.write_second(second);
        }
        self.second = second;
        self.millisecond = millisecond;
        let digits = [millisecond / 100, millisecond / 10 % 10, millisecond % 10];
        for (place, digit) in self.text[20..23].iter_mut().zip(digits) {
            *place = b'0' + digit as u8;
        }
        &self.text
    }

    fn write_second(&mut self, second: i64) {
        if let Ok(time) = Timestamp::from_second(second) {
            let text = time.to_string();
            if let Some(head) = text.as_bytes().get(..19) {
                self.text[..19].copy_from_slice(head);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_reads_as_jiff_reads_it() {
        let mut text = TimestampText::new();
        for epoch_ms in [
            0,
            7,
            999,
            1_000,
            951_782_399_999,
            1_763_831_160_042,
            1_763_831_160_043,
        ] {
            let written = String::from_utf8(text.of(epoch_ms).to_vec()).unwrap();
            let read: Timestamp = written.parse().unwrap();
            assert_eq!(read.as_millisecond(), epoch_ms, "{written}");
            assert_eq!(written.len(), TIMESTAMP_LEN);
        }
    }

    #[test]
    fn going_back_in_time_is_written_too() {
        let mut text = TimestampText::new();
        text.of(1_763_831_160_042);
        assert_eq!(text.of(1_000), b"1970-01-01T00:00:01.000Z");
    }
}
