//! The name of a topic, valid by construction.

use std::fmt;

/// Source: Kafka, `org.apache.kafka.common.internals.Topic.MAX_NAME_LENGTH`: the longest name whose
/// directory (`NAME-PARTITION`, with room for `.delete` suffixes) fits into 255 bytes.
pub const MAX_LENGTH: usize = 249;

/// A name that Kafka takes for a topic: 1 to 249 of `[a-zA-Z0-9._-]`, neither `.` nor `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(String);

/// Why a text is not a topic's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicNameError {
    /// There is no text.
    #[error("must not be empty")]
    Empty,
    /// The directory and its parent.
    #[error("must not be \".\" or \"..\"")]
    Dots,
    /// Longer than 249 characters.
    #[error("must have at most {MAX_LENGTH} characters, has {0}")]
    TooLong(usize),
    /// A character that Kafka does not take.
    #[error("may have only the characters a-z, A-Z, 0-9, '.', '_' and '-', not {0:?}")]
    Character(char),
}

impl TopicNameError {
    /// The field error's code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Dots => "reserved",
            Self::TooLong(_) => "too_long",
            Self::Character(_) => "invalid_character",
        }
    }
}

impl TopicName {
    /// Reads a name by Kafka's rules.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, TopicNameError> {
        if text.is_empty() {
            return Err(TopicNameError::Empty);
        }
        if text == "." || text == ".." {
            return Err(TopicNameError::Dots);
        }
        let length = text.chars().count();
        if length > MAX_LENGTH {
            return Err(TopicNameError::TooLong(length));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        match text.chars().find(|&c| !allowed(c)) {
            Some(character) => Err(TopicNameError::Character(character)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name begins with two underscores, as those of the topics that Kafka and its tools
    /// keep for themselves do. This service neither makes nor deletes such topics.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("__")
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_that_kafka_takes_are_taken() {
        for name in ["a", "log-events", "A.b_C-9", "...", "_x", &"n".repeat(249)] {
            assert_eq!(TopicName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn each_broken_rule_is_told() {
        let cases = [
            ("", TopicNameError::Empty),
            (".", TopicNameError::Dots),
            ("..", TopicNameError::Dots),
            ("a/b", TopicNameError::Character('/')),
            ("a b", TopicNameError::Character(' ')),
            ("größe", TopicNameError::Character('ö')),
            ("a\0", TopicNameError::Character('\0')),
        ];
        for (text, error) in cases {
            assert_eq!(TopicName::parse(text), Err(error), "{text:?}");
        }
        let long = "n".repeat(250);
        assert_eq!(TopicName::parse(&long), Err(TopicNameError::TooLong(250)));
    }

    #[test]
    fn two_leading_underscores_are_reserved_and_one_is_not() {
        assert!(
            TopicName::parse("__consumer_offsets")
                .unwrap()
                .is_reserved()
        );
        assert!(TopicName::parse("__mine").unwrap().is_reserved());
        assert!(!TopicName::parse("_mine").unwrap().is_reserved());
    }
}
