//! The document of declared topics (`kafka/topics.yml`), read strictly: what is not understood is
//! refused with its line, before the service starts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::Deserialize;
use serde_saphyr::Spanned;
use utoipa::ToSchema;

use crate::topic::{OutOfRange, PartitionCount, ReplicationFactor, TopicName, TopicSpec};

/// The topics that a cluster is meant to have, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// Each name once, none reserved.
    pub topics: Vec<TopicSpec>,
    /// Topics that are deleted when the document is applied; none of them declared.
    pub deletes: Vec<TopicName>,
}

/// Why a document was refused: one line that says where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    /// 1-based line, where it is known.
    pub line: Option<u64>,
    /// What is wrong there.
    pub message: String,
}

impl DocumentError {
    /// Something wrong in a line.
    pub(crate) fn at(line: u64, message: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            message: message.into(),
        }
    }

    /// The reader's own message without its picture of the lines around, its second mention of the
    /// place, and its advice to programmers.
    pub(crate) fn of_yaml(error: &serde_saphyr::Error) -> Self {
        let text = error.without_snippet().to_string();
        let message = text
            .rsplit_once(" at line ")
            .map_or(text.as_str(), |(message, _)| message);
        let message = message
            .split(", set DuplicateKeyPolicy")
            .next()
            .unwrap_or(message);
        Self {
            line: error.location().map(|location| location.line()),
            message: message.to_owned(),
        }
    }
}

impl std::error::Error for DocumentError {}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// The first thing that is wrong: no YAML, an unknown or repeated or missing key, a value that
    /// is out of range, a name that is not a topic's, reserved, or there twice.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let raw: RawDocument =
            serde_saphyr::from_str(text).map_err(|error| DocumentError::of_yaml(&error))?;
        let mut lines_by_name = HashMap::new();
        let mut topics = Vec::with_capacity(raw.topics.len());
        for raw_topic in raw.topics {
            let line = raw_topic.name.referenced.line();
            let topic = validated(raw_topic)?;
            if let Some(first) = lines_by_name.insert(topic.name.clone(), line) {
                let message = format!("topic {} is declared already in line {first}", topic.name);
                return Err(DocumentError::at(line, message));
            }
            topics.push(topic);
        }
        let mut deletes = Vec::with_capacity(raw.deletes.len());
        for name in &raw.deletes {
            let line = name.referenced.line();
            let name = topic_name(name)?;
            if let Some(first) = lines_by_name.insert(name.clone(), line) {
                let message = format!("topic {name} is named already in line {first}");
                return Err(DocumentError::at(line, message));
            }
            deletes.push(name);
        }
        if let Some(prefix) = raw.owns {
            let names = lines_by_name.iter();
            let mut foreign: Vec<_> = names
                .filter(|(name, _)| !name.as_str().starts_with(&prefix))
                .collect();
            foreign.sort_by_key(|(_, line)| **line);
            if let Some((name, line)) = foreign.first() {
                let message = format!("topic {name} does not begin with {prefix}, which this owns");
                return Err(DocumentError::at(**line, message));
            }
        }
        Ok(Self { topics, deletes })
    }

    /// Every topic that it names.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let declared = self.topics.iter().map(|topic| topic.name.as_str());
        declared
            .chain(self.deletes.iter().map(TopicName::as_str))
            .collect()
    }
}

/// Topics in the form of `kafka/topics.yml`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TopicsDocument)]
pub struct RawDocument {
    /// Topics that are meant to be there.
    topics: Vec<RawTopic>,
    /// Every name must begin with it, so that two documents cannot fight over a topic.
    #[schema(example = "team-a.")]
    owns: Option<String>,
    /// Topics that are deleted when the document is applied.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    deletes: Vec<Spanned<String>>,
}

/// A topic that is meant to be there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = DeclaredTopic)]
struct RawTopic {
    #[schema(value_type = String, example = "team-a.orders")]
    name: Spanned<String>,
    #[schema(value_type = u32, minimum = 1, example = 3)]
    partitions: Spanned<String>,
    #[schema(value_type = u16, minimum = 1, example = 3)]
    replication_factor: Spanned<String>,
    /// Settings; texts, numbers or booleans.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Value>)]
    configs: BTreeMap<String, String>,
}

fn validated(raw: RawTopic) -> Result<TopicSpec, DocumentError> {
    let name = topic_name(&raw.name)?;
    let partitions = number("partitions", &raw.partitions, PartitionCount::new)?;
    let replication_factor = number(
        "replicationFactor",
        &raw.replication_factor,
        ReplicationFactor::new,
    )?;
    Ok(TopicSpec {
        name,
        partitions,
        replication_factor,
        configs: raw.configs,
    })
}

fn topic_name(text: &Spanned<String>) -> Result<TopicName, DocumentError> {
    let line = text.referenced.line();
    let name = TopicName::parse(&text.value)
        .map_err(|error| DocumentError::at(line, format!("name {error}")))?;
    if name.is_reserved() {
        let message =
            format!("name {name} is reserved: names with two leading underscores are Kafka's own");
        return Err(DocumentError::at(line, message));
    }
    Ok(name)
}

/// Numbers are read as the texts that they are in the file: the reader's own message for one that
/// is none speaks of Rust's types.
fn number<T>(
    key: &str,
    text: &Spanned<String>,
    validate: fn(i64) -> Result<T, OutOfRange>,
) -> Result<T, DocumentError> {
    let line = text.referenced.line();
    let number = text.value.parse();
    let number =
        number.map_err(|_| DocumentError::at(line, format!("{key} must be a whole number")))?;
    validate(number).map_err(|error| DocumentError::at(line, format!("{key} {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_TOPICS: &str = "\
topics:
  - name: log-events
    partitions: 12
    replicationFactor: 3
    configs:
      retention.ms: \"604800000\"
      segment.ms: 86400000
      preallocate: false
  - name: plain
    partitions: 1
    replicationFactor: 1
";

    #[test]
    fn a_document_is_read_with_scalars_kept_as_they_are_written() {
        let document = Document::parse(TWO_TOPICS).unwrap();
        assert_eq!(document.topics.len(), 2);
        let first = &document.topics[0];
        assert_eq!(first.name.as_str(), "log-events");
        assert_eq!(
            (first.partitions.get(), first.replication_factor.get()),
            (12, 3)
        );
        assert_eq!(first.configs["retention.ms"], "604800000");
        assert_eq!(first.configs["segment.ms"], "86400000");
        assert_eq!(first.configs["preallocate"], "false");
        assert!(document.topics[1].configs.is_empty());
    }

    #[test]
    fn the_document_of_this_repository_is_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../kafka/topics.yml");
        let document = Document::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        let names: Vec<_> = document
            .topics
            .iter()
            .map(|topic| topic.name.as_str())
            .collect();
        assert_eq!(names, ["log-events", "critical-logs", "audit-logs"]);
    }

    #[test]
    fn every_mistake_is_told_in_one_line_with_its_place() {
        let topic = "topics:\n  - name: a\n    partitions: 3\n    replicationFactor: 3\n";
        let cases = [
            (
                format!("{topic}    retention: 1\n"),
                "line 5: unknown field `retention`",
            ),
            (
                format!("{topic}    partitions: 4\n"),
                "line 5: duplicate mapping key: partitions",
            ),
            (
                format!("{topic}    configs:\n      a: [1]\n"),
                "line 6: expected string scalar",
            ),
            (
                format!("{topic}  - name: a\n    partitions: 1\n    replicationFactor: 1\n"),
                "line 5: topic a is declared already in line 2",
            ),
            (
                topic.replace("partitions: 3", "partitions: 0"),
                "line 3: partitions must be between 1 and 100000",
            ),
            (
                topic.replace("partitions: 3", "partitions: many"),
                "line 3: partitions must be a whole number",
            ),
            (
                topic.replace("Factor: 3", "Factor: 40000"),
                "line 4: replicationFactor must be between 1 and 32767",
            ),
            (
                topic.replace("name: a", "name: a/b"),
                "line 2: name may have only the characters",
            ),
            (
                topic.replace("name: a", "name: __a"),
                "line 2: name __a is reserved",
            ),
            (
                topic.replace("    partitions: 3\n", ""),
                "line 3: missing field `partitions`",
            ),
            ("topics:\n  - [\n".to_owned(), "line "),
            (
                "subjects: []\n".to_owned(),
                "line 1: unknown field `subjects`",
            ),
            (String::new(), "line 1: "),
        ];
        for (text, expected) in cases {
            let told = Document::parse(&text).unwrap_err().to_string();
            assert!(told.starts_with(expected), "{text}\ngave: {told}");
            assert_eq!(told.lines().count(), 1, "{told}");
        }
    }

    #[test]
    fn what_is_deleted_is_named_and_what_is_owned_begins_alike() {
        let text = "owns: team-\ntopics:\n  - {name: team-a, partitions: 1, replicationFactor: 1}\n\
                    deletes:\n  - team-b\n";
        let document = Document::parse(text).unwrap();
        assert_eq!(document.deletes[0].as_str(), "team-b");
        assert_eq!(document.names(), BTreeSet::from(["team-a", "team-b"]));
        let told = |text: &str| Document::parse(text).unwrap_err().to_string();
        assert_eq!(
            told(&text.replace("team-b", "team-a")),
            "line 5: topic team-a is named already in line 3"
        );
        assert_eq!(
            told(&text.replace("- team-b", "- b")),
            "line 5: topic b does not begin with team-, which this owns"
        );
        assert!(told(&text.replace("- team-b", "- __b")).contains("is reserved"));
    }

    #[test]
    fn a_document_may_declare_nothing() {
        assert_eq!(
            Document::parse("topics: []\n").unwrap(),
            Document::default()
        );
    }
}
