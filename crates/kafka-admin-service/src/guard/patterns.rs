//! The patterns of guard rails, read once at start.

use std::str::FromStr;

use regex::Regex;

/// A regular expression that a whole name must match.
#[derive(Debug, Clone)]
pub struct NamePattern {
    text: String,
    regex: Regex,
}

impl NamePattern {
    /// Whether the whole of `name` matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.regex.is_match(name)
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for NamePattern {
    type Err = regex::Error;

    fn from_str(text: &str) -> Result<Self, regex::Error> {
        Ok(Self {
            text: text.to_owned(),
            regex: Regex::new(&format!("^(?:{text})$"))?,
        })
    }
}

/// Names that may not be deleted: exact, or a beginning followed by `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected(String);

impl Protected {
    /// Whether `name` is protected.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.0,
        }
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Protected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let stars = text.matches('*').count();
        if text.is_empty() || stars > 1 || (stars == 1 && !text.ends_with('*')) {
            return Err("must be a name, or the beginning of names and a *".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

/// A setting that every topic must name: `NAME`, or `NAME=VALUE` where the value is given too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredConfig {
    /// Kafka's name of the setting.
    pub name: String,
    /// The value that it must have; any when `None`.
    pub value: Option<String>,
}

impl FromStr for RequiredConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().to_owned())),
            None => (text.trim(), None),
        };
        if name.is_empty() {
            return Err(format!("{text:?} names no setting"));
        }
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_match_as_a_whole() {
        let pattern: NamePattern = "[a-z]+(-[a-z]+)*|test-.*".parse().unwrap();
        assert!(pattern.matches("log-events") && pattern.matches("test-9"));
        assert!(!pattern.matches("Log-events") && !pattern.matches("log-events9"));
    }

    #[test]
    fn protected_names_are_exact_or_a_beginning() {
        let exact: Protected = "audit-logs".parse().unwrap();
        assert!(exact.covers("audit-logs") && !exact.covers("audit-logs-2"));
        let beginning: Protected = "audit-*".parse().unwrap();
        assert!(beginning.covers("audit-logs") && !beginning.covers("audits"));
        for wrong in ["", "*-logs", "a*b*"] {
            assert!(wrong.parse::<Protected>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_required_setting_may_have_a_value() {
        let any: RequiredConfig = "retention.ms".parse().unwrap();
        assert_eq!((any.name.as_str(), any.value), ("retention.ms", None));
        let one: RequiredConfig = "cleanup.policy = delete".parse().unwrap();
        assert_eq!(one.value.as_deref(), Some("delete"));
        assert!("=x".parse::<RequiredConfig>().is_err());
    }
}
