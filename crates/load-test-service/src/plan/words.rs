//! Properties of a plan that have a few named values, as they are written in requests and reports.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::{FieldProblem, FieldValue};
use utoipa::ToSchema;

/// How many replicas have a record before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Acks {
    /// None: a record counts as acknowledged when it was sent.
    #[serde(rename = "0")]
    Zero,
    /// The leader.
    #[serde(rename = "1")]
    One,
    /// All that are in sync, at least `min.insync.replicas` of them.
    #[serde(rename = "all")]
    All,
}

/// Compression of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "Kafka's own names")]
pub enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// Keys of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Keys {
    /// None: a record goes to any partition.
    None,
    /// The service's name: its events stay in order, in one partition.
    Service,
    /// The event's id: any partition again, but chosen by the key.
    Unique,
}

impl Acks {
    /// As librdkafka takes it.
    #[must_use]
    pub fn property(self) -> &'static str {
        match self {
            Self::Zero => "0",
            Self::One => "1",
            Self::All => "all",
        }
    }
}

impl Compression {
    /// As librdkafka takes it.
    #[must_use]
    pub fn property(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// The value of this name, or which names there are.
fn named<T: Copy>(text: &str, names: &[(&str, T)]) -> Result<T, FieldProblem> {
    let found = names.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let all: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        let message = format!("must be one of {}", all.join(", "));
        FieldProblem::new("unknown_value", message)
    })
}

/// A field whose values are named.
macro_rules! named_values {
    ($type:ty, [$($name:literal => $value:expr),+ $(,)?]) => {
        impl FieldValue for $type {
            fn from_text(text: &str) -> Result<Self, FieldProblem> {
                named(text, &[$(($name, $value)),+])
            }

            fn from_json(value: &Value) -> Result<Self, FieldProblem> {
                match value {
                    Value::String(text) => Self::from_text(text),
                    // `"acks": 1` is what people write.
                    other => Self::from_text(&other.to_string()),
                }
            }
        }
    };
}

named_values!(Acks, ["0" => Self::Zero, "1" => Self::One, "all" => Self::All, "-1" => Self::All]);
named_values!(Compression, [
    "none" => Self::None,
    "gzip" => Self::Gzip,
    "snappy" => Self::Snappy,
    "lz4" => Self::Lz4,
    "zstd" => Self::Zstd,
]);
named_values!(Keys, ["none" => Self::None, "service" => Self::Service, "unique" => Self::Unique]);
named_values!(super::Profile, [
    "throughput" => Self::Throughput,
    "latency" => Self::Latency,
    "durable" => Self::Durable,
    "classic" => Self::Classic,
]);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let problem = Compression::from_text("brotli").unwrap_err();
        assert_eq!(problem.code, "unknown_value");
        assert_eq!(
            problem.message,
            "must be one of none, gzip, snappy, lz4, zstd"
        );
    }

    #[test]
    fn acks_are_a_number_or_all() {
        assert_eq!(Acks::from_json(&json!(1)), Ok(Acks::One));
        assert_eq!(Acks::from_json(&json!("all")), Ok(Acks::All));
        assert_eq!(Acks::from_text("-1"), Ok(Acks::All));
        assert!(Acks::from_json(&json!([1])).is_err());
    }
}
