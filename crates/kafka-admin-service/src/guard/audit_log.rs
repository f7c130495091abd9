//! What shortens the audit log without deleting it: a pure function of the fields that change.

use service_kit::FieldError;

use crate::change::FieldChange;

/// The code of a field that is not changed here.
pub const PROTECTED: &str = "protected_topic";

/// What the settings have in their names that decide for how long records are kept, and which. Source:
/// Kafka 3.9, `TopicConfig`; `clean` is in `unclean.leader.election.enable` as well, which loses records.
const WORDS: [&str; 5] = ["retention", "clean", "segment", "compaction", "remote."];

/// The changes of the audit log that are in effect a deletion: of what is kept, and more partitions, which
/// part what a key had from what it gets, so that the log is no longer in order of its keys.
#[must_use]
pub fn shortenings(changes: &[FieldChange]) -> Vec<FieldError> {
    let shortens = |field: &str| {
        let setting = field.strip_prefix("configs.");
        field == "partitions"
            || setting.is_some_and(|name| WORDS.iter().any(|word| name.contains(word)))
    };
    let shortening = changes.iter().filter(|change| shortens(&change.field));
    shortening
        .map(|change| FieldError {
            field: change.field.clone(),
            code: PROTECTED.to_owned(),
            message:
                "decides what the audit log keeps: only breakGlass=true with a reason changes it"
                    .to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_about_keeping_is_protected_and_nothing_else() {
        let change = |field: &str| FieldChange::new(field, None, Some("1".to_owned()));
        let protected = |field: &str| !shortenings(&[change(field)]).is_empty();
        for field in [
            "configs.retention.ms",
            "configs.retention.bytes",
            "configs.local.retention.ms",
            "configs.cleanup.policy",
            "configs.delete.retention.ms",
            "configs.min.cleanable.dirty.ratio",
            "configs.max.compaction.lag.ms",
            "configs.segment.ms",
            "configs.remote.storage.enable",
            "configs.unclean.leader.election.enable",
            "partitions",
        ] {
            assert!(protected(field), "{field}");
        }
        for field in ["configs.compression.type", "configs.min.insync.replicas"] {
            assert!(!protected(field), "{field}");
        }
    }
}
