//! The topics of a cluster as a document: the same form as `kafka/topics.yml`, so that applying it
//! changes nothing.

use std::fmt::Write;

use crate::topic::TopicSpec;

/// Writes `topics` as a document. Only what a topic overrides itself is in it.
#[must_use]
pub fn to_yaml(topics: &[TopicSpec]) -> String {
    if topics.is_empty() {
        return "topics: []\n".to_owned();
    }
    let mut text = "topics:\n".to_owned();
    for topic in topics {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "  - name: {}\n    partitions: {}\n    replicationFactor: {}\n",
            quoted(topic.name.as_str()),
            topic.partitions.get(),
            topic.replication_factor.get(),
        );
        if !topic.configs.is_empty() {
            text.push_str("    configs:\n");
        }
        for (name, value) in &topic.configs {
            let _ = writeln!(text, "      {}: {}", quoted(name), quoted(value));
        }
    }
    text
}

/// A text that YAML reads as just this text. Plain where it can be nothing else, as people write it.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ','))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    // JSON's texts are YAML's too. Source: YAML 1.2, section 1.3.
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::Document;

    #[test]
    fn what_is_written_is_read_as_the_same_topics() {
        let text = "topics:\n  - name: log-events\n    partitions: 12\n    replicationFactor: 3\n    \
                    configs: {retention.ms: \"604800000\", cleanup.policy: \"compact,delete\", \
                    follower.replication.throttled.replicas: \"*\", x: \"no\", y: \"\", \
                    z: \"a: #b \\\"c\\\"\"}\n  - {name: \"1\", partitions: 1, replicationFactor: 1}\n  \
                    - {name: \"null\", partitions: 1, replicationFactor: 1}\n";
        let document = Document::parse(text).unwrap();
        let written = to_yaml(&document.topics);
        assert_eq!(Document::parse(&written).unwrap(), document, "{written}");
        assert!(
            written.contains("      cleanup.policy: compact,delete\n"),
            "{written}"
        );
        assert!(
            written.contains("      retention.ms: \"604800000\"\n"),
            "{written}"
        );
    }

    #[test]
    fn a_cluster_without_topics_is_a_document_too() {
        assert_eq!(Document::parse(&to_yaml(&[])).unwrap(), Document::default());
    }
}
