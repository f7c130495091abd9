//! The JSON of one record: a line of the answer.

use jiff::Timestamp;
use kafka_cluster::ReadRecord;
use serde::Serialize;
use utoipa::ToSchema;

/// One record. A key or value that is no UTF-8 text is told in hexadecimal digits instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordView {
    /// Partition.
    #[schema(example = 0)]
    pub partition: i32,
    /// Offset.
    #[schema(example = 41)]
    pub offset: i64,
    /// When it was made or appended, as the topic keeps it.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    #[serde(with = "service_kit::time::millis::optional")]
    pub timestamp: Option<Timestamp>,
    /// Key; null where there is none, or it is no text.
    #[schema(example = "user-7")]
    pub key: Option<String>,
    /// Value; null of a tombstone, or where it is no text.
    #[schema(example = "hello")]
    pub value: Option<String>,
    /// The key in hexadecimal digits, where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_hex: Option<String>,
    /// The value in hexadecimal digits, where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_hex: Option<String>,
}

impl RecordView {
    /// Copies a record.
    #[must_use]
    pub fn of(record: &ReadRecord<'_>) -> Self {
        let (key, key_hex) = text_or_hex(record.key);
        let (value, value_hex) = text_or_hex(record.payload);
        Self {
            partition: record.partition,
            offset: record.offset,
            timestamp: record
                .timestamp_ms
                .and_then(|time| Timestamp::from_millisecond(time).ok()),
            key,
            value,
            key_hex,
            value_hex,
        }
    }
}

fn text_or_hex(bytes: Option<&[u8]>) -> (Option<String>, Option<String>) {
    let Some(bytes) = bytes else {
        return (None, None);
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
            (None, Some(digits.collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_told_in_digits() {
        let record = ReadRecord {
            partition: 1,
            offset: 2,
            timestamp_ms: Some(0),
            key: None,
            payload: Some(&[0xff, 0x00]),
        };
        assert_eq!(
            serde_json::to_value(RecordView::of(&record)).unwrap(),
            json!({
                "partition": 1, "offset": 2, "timestamp": "1970-01-01T00:00:00.000Z",
                "key": null, "value": null, "valueHex": "ff00",
            })
        );
    }
}
