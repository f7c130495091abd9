//! Times as the services give them: RFC 3339, UTC, always with milliseconds.

use jiff::Timestamp;

/// The present time, cut to whole milliseconds.
#[must_use]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// `2026-11-22T17:06:00.120Z`: three digits whatever they are, so that times line up and sort as
/// text.
#[must_use]
pub fn to_text(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// `#[serde(with = "service_kit::time::millis")]` on a [`Timestamp`].
pub mod millis {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes [`to_text`](super::to_text).
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&super::to_text(*time))
    }

    /// Reads any RFC 3339 time.
    ///
    /// # Errors
    /// It is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }

    /// The same for an `Option<Timestamp>`; add `default` and `skip_serializing_if` to leave it out.
    pub mod optional {
        use jiff::Timestamp;
        use serde::{Deserialize, Deserializer, Serializer};

        /// Writes the time, or null.
        ///
        /// # Errors
        /// The serializer's own.
        pub fn serialize<S: Serializer>(
            time: &Option<Timestamp>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads any RFC 3339 time, or null.
        ///
        /// # Errors
        /// It is neither.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Option::deserialize(deserializer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Report {
        #[serde(with = "millis")]
        begun: Timestamp,
        #[serde(
            with = "millis::optional",
            default,
            skip_serializing_if = "Option::is_none"
        )]
        ended: Option<Timestamp>,
    }

    #[test]
    fn a_time_has_three_digits_also_on_a_whole_second() {
        let begun: Timestamp = "2026-11-22T17:06:00Z".parse().unwrap();
        assert_eq!(to_text(begun), "2026-11-22T17:06:00.000Z");
    }

    #[test]
    fn a_time_survives_json() {
        let report = Report {
            begun: now(),
            ended: Some(now()),
        };
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        let running = r#"{"begun":"2026-11-22T17:06:00.120Z"}"#;
        let read: Report = serde_json::from_str(running).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), running);
    }
}
