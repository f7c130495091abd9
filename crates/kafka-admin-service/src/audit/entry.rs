//! The two records of a write, and how they are told together.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What somebody is about to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// Joins intent and outcome; sorts by time.
    #[schema(example = "1764062400123-5f2c9a10-000003")]
    pub audit_id: String,
    /// When.
    #[serde(with = "service_kit::time::millis")]
    pub at: Timestamp,
    /// Who; `anonymous` where nobody has to say.
    #[schema(example = "anonymous")]
    pub actor: String,
    /// The address that the request came from; null where that is not known.
    #[schema(required = true, example = "127.0.0.1")]
    pub from: Option<String>,
    /// `x-request-id`.
    #[schema(required = true)]
    pub request_id: Option<String>,
    /// The call.
    #[schema(example = "DELETE /api/topics/orders")]
    pub call: String,
    /// Its query; null without one.
    #[schema(required = true, example = "force=true&reason=moved")]
    pub query: Option<String>,
    /// The topic that it is about; null where it is about something else.
    #[schema(required = true, example = "orders")]
    pub topic: Option<String>,
    /// The reason that was given; null without one.
    #[schema(required = true, example = "moved")]
    pub reason: Option<String>,
    /// Its body: what is named in it, with the values of what is known to be no secret and no content of a
    /// record; its length alone where it is no document, or longer than 64 KiB; null without one.
    #[schema(required = true, value_type = Value)]
    pub request: Option<Value>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The intent's.
    pub audit_id: String,
    /// When.
    #[serde(with = "service_kit::time::millis")]
    pub at: Timestamp,
    /// In a word.
    pub result: WriteResult,
    /// HTTP status of the answer.
    #[schema(example = 204)]
    pub status: u16,
    /// The problem's code; null where there was none.
    #[schema(required = true, example = "topic_in_use")]
    pub code: Option<String>,
    /// The answer, which tells what was before and after, but nothing that may be a secret: of a deletion what
    /// was there, of a document the topics that changed. Null where it was too long.
    #[schema(required = true, value_type = Value)]
    pub answer: Option<Value>,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WriteResult {
    /// Done, and read back.
    Done,
    /// Done in part, or still to be finished by Kafka: 202, 207.
    Partial,
    /// Nothing was changed.
    Refused,
    /// It was sent, or may have been, and nobody knows whether it happened.
    Unknown,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// What was about to be done.
    pub intent: Intent,
    /// What became of it; null: nobody knows, it may have been done or not.
    #[schema(required = true)]
    pub outcome: Option<Outcome>,
}

/// Some writes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// For `cursor` in the next call; null where there is nothing older, or no place to go on from.
    #[schema(example = "1764062400123-5f2c9a10-000003")]
    pub next_cursor: Option<String>,
    /// `complete`: all that match; `limited`: one look reads no more, `nextCursor` goes on; `deadline`: the same
    /// for want of time; `partial`: some partitions could not be asked.
    #[schema(value_type = String, example = "complete")]
    pub end: &'static str,
}

impl WriteResult {
    /// What an answer says, by its status and the code of a problem.
    #[must_use]
    pub fn of(status: u16, code: Option<&str>) -> Self {
        match (status, code) {
            (202 | 207, _) => Self::Partial,
            (200..=299, _) => Self::Done,
            // 503, and a service that cannot log in, are said before anything was sent; these perhaps after.
            (500 | 504, _) | (502, Some("kafka_error")) => Self::Unknown,
            _ => Self::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_what_became_of_a_write() {
        for (status, code, result) in [
            (201, "", WriteResult::Done),
            (204, "", WriteResult::Done),
            (202, "", WriteResult::Partial),
            (207, "", WriteResult::Partial),
            (409, "topic_in_use", WriteResult::Refused),
            (502, "kafka_unauthenticated", WriteResult::Refused),
            (503, "kafka_unreachable", WriteResult::Refused),
            (500, "internal", WriteResult::Unknown),
            (502, "kafka_error", WriteResult::Unknown),
            (504, "outcome_unknown", WriteResult::Unknown),
        ] {
            assert_eq!(
                WriteResult::of(status, Some(code)),
                result,
                "{status} {code}"
            );
        }
    }
}
