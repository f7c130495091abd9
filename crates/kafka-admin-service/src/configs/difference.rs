//! What a write to settings changes: a pure function of the settings as they are and what is wanted.

use std::collections::BTreeMap;

use kafka_cluster::{ConfigChange, ConfigEntry};
use service_kit::FieldError;

use super::{ConfigTarget, Extent, same_value};
use crate::change::{FieldChange, Warning};

/// How the field of a setting begins.
pub(super) const FIELD: &str = "configs.";

/// What a write comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// For Kafka.
    pub changes: Vec<ConfigChange>,
    /// The same for people, in the same order.
    pub fields: Vec<FieldChange>,
    /// What was not done, and why.
    pub warnings: Vec<Warning>,
}

/// What has to change so that `entries` become as wanted. A setting that is overridden with the same
/// value already is not touched.
///
/// # Errors
/// Every name that the target does not have.
pub fn difference(
    target: &ConfigTarget,
    entries: &[ConfigEntry],
    wanted: &BTreeMap<String, Option<String>>,
    extent: Extent,
) -> Result<Difference, Vec<FieldError>> {
    let mut found = Difference::default();
    let mut unknown = Vec::new();
    for (name, value) in wanted {
        let entry = entries.iter().find(|entry| entry.name == *name);
        match (entry, value) {
            // A broker takes settings that it does not list, such as those of one listener.
            (None, Some(value)) if matches!(target, ConfigTarget::Broker(_)) => {
                found.push(target, name, None, Some(value), true);
            }
            (None, _) => unknown.push(FieldError {
                field: format!("{FIELD}{name}"),
                code: "unknown_config".to_owned(),
                message: format!("is no setting of a {}", kind(target)),
            }),
            (Some(entry), Some(value)) => {
                let same = entry.value.as_deref();
                let same = same.is_some_and(|present| same_value(value, present));
                if !(target.overrides(entry) && same) {
                    found.push(target, name, Some(entry), Some(value), entry.sensitive);
                }
            }
            (Some(entry), None) => {
                if target.overrides(entry) {
                    found.push(target, name, Some(entry), None, entry.sensitive);
                }
            }
        }
    }
    if !unknown.is_empty() {
        return Err(unknown);
    }
    if extent == Extent::Replace {
        take_back_the_rest(target, entries, wanted, &mut found);
    }
    Ok(found)
}

fn take_back_the_rest(
    target: &ConfigTarget,
    entries: &[ConfigEntry],
    wanted: &BTreeMap<String, Option<String>>,
    found: &mut Difference,
) {
    let unnamed = |entry: &&ConfigEntry| !wanted.contains_key(&entry.name);
    let own = entries.iter().filter(|entry| target.overrides(entry));
    for entry in own.filter(unnamed) {
        if entry.sensitive {
            // Nobody can read it first to send it again.
            let message = format!(
                "{} is sensitive and stays; name it with null to take it back",
                entry.name
            );
            found.warnings.push(Warning::new("sensitive_kept", message));
        } else {
            found.push(target, &entry.name, Some(entry), None, false);
        }
    }
}

impl Difference {
    fn push(
        &mut self,
        target: &ConfigTarget,
        name: &str,
        entry: Option<&ConfigEntry>,
        value: Option<&String>,
        sensitive: bool,
    ) {
        let shown = |text: Option<String>| text.filter(|_| !sensitive);
        let before = entry.and_then(|entry| entry.value.clone());
        // What applies again is known only where nothing stands between the override and Kafka.
        let after = value.cloned();
        let field = format!("{FIELD}{name}");
        self.fields.push(FieldChange {
            before_inherited: entry.is_some_and(|entry| !target.overrides(entry)),
            ..FieldChange::new(field, shown(before), shown(after))
        });
        self.changes.push(match value {
            Some(value) => ConfigChange::Set {
                name: name.to_owned(),
                value: value.clone(),
            },
            None => ConfigChange::Reset {
                name: name.to_owned(),
            },
        });
    }

    /// Brings `configs`, the values that are overridden, to what they are afterwards.
    pub fn apply_to(&self, configs: &mut BTreeMap<String, String>) {
        for change in &self.changes {
            match change {
                ConfigChange::Set { name, value } => {
                    configs.insert(name.clone(), value.clone());
                }
                ConfigChange::Reset { name } => {
                    configs.remove(name);
                }
                // This service writes whole values.
                ConfigChange::Append { .. } | ConfigChange::Subtract { .. } => {}
            }
        }
    }

    /// The values that it sets and that may be secrets: of those no value is told.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let changes = self.changes.iter().zip(&self.fields);
        changes.filter_map(|(change, field)| match change {
            ConfigChange::Set { value, .. } if field.after.is_none() => Some(value.as_str()),
            _ => None,
        })
    }

    /// Whether reading tells that all of it was written: of a secret it only tells that some value is there,
    /// which may be an older one.
    #[must_use]
    pub fn shows_when_read(&self) -> bool {
        self.secrets().next().is_none()
    }

    /// The settings that are not as this difference leaves them.
    #[must_use]
    pub fn not_as_written(&self, target: &ConfigTarget, entries: &[ConfigEntry]) -> Vec<String> {
        let wrong = self.changes.iter().filter_map(|change| {
            let entry_of = |name: &str| entries.iter().find(|entry| entry.name == name);
            let (name, as_written) = match change {
                ConfigChange::Set { name, value } => {
                    let entry = entry_of(name);
                    let same = entry.is_some_and(|entry| {
                        target.overrides(entry)
                            && (entry.sensitive
                                || entry.value.as_deref().is_some_and(|v| same_value(value, v)))
                    });
                    (name, same)
                }
                ConfigChange::Reset { name } => {
                    let still = entry_of(name).is_some_and(|entry| target.overrides(entry));
                    (name, !still)
                }
                ConfigChange::Append { name, .. } | ConfigChange::Subtract { name, .. } => {
                    (name, true)
                }
            };
            (!as_written).then(|| name.clone())
        });
        wrong.collect()
    }
}

fn kind(target: &ConfigTarget) -> &'static str {
    match target {
        ConfigTarget::Topic(_) => "topic",
        ConfigTarget::Broker(_) => "broker",
    }
}

#[cfg(test)]
mod tests {
    use kafka_cluster::ConfigSource;

    use super::*;
    use crate::configs::fixtures::entry;
    use crate::topic::TopicName;

    fn entries() -> Vec<ConfigEntry> {
        let secret = ConfigEntry {
            value: None,
            sensitive: true,
            ..entry("secret", "", ConfigSource::DynamicTopicConfig)
        };
        vec![
            entry("min.insync.replicas", "2", ConfigSource::StaticBrokerConfig),
            entry("retention.ms", "1000", ConfigSource::DynamicTopicConfig),
            entry("segment.ms", "60000", ConfigSource::DynamicTopicConfig),
            secret,
        ]
    }

    fn topic() -> ConfigTarget {
        ConfigTarget::Topic(TopicName::parse("a").unwrap())
    }

    fn wanted(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
        let owned = pairs.iter();
        owned
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
            .collect()
    }

    fn fields(found: &Difference) -> Vec<(&str, Option<&str>, Option<&str>)> {
        let fields = found.fields.iter();
        fields
            .map(|f| (f.field.as_str(), f.before.as_deref(), f.after.as_deref()))
            .collect()
    }

    #[test]
    fn a_merge_touches_what_is_named_and_not_as_wanted() {
        let wanted = wanted(&[
            ("retention.ms", Some("01000")),
            ("segment.ms", None),
            ("min.insync.replicas", Some("2")),
        ]);
        let found = difference(&topic(), &entries(), &wanted, Extent::Merge).unwrap();
        assert_eq!(
            fields(&found),
            [
                // The broker has the same value today; the topic's own stays when that changes.
                ("configs.min.insync.replicas", Some("2"), Some("2")),
                ("configs.segment.ms", Some("60000"), None),
            ]
        );
    }

    #[test]
    fn a_replacement_takes_the_rest_back_but_for_secrets() {
        let wanted = wanted(&[("retention.ms", Some("5"))]);
        let found = difference(&topic(), &entries(), &wanted, Extent::Replace).unwrap();
        assert_eq!(
            fields(&found),
            [
                ("configs.retention.ms", Some("1000"), Some("5")),
                ("configs.segment.ms", Some("60000"), None),
            ]
        );
        assert_eq!(found.warnings[0].code, "sensitive_kept");
    }

    #[test]
    fn names_that_nobody_knows_are_told_all_at_once() {
        let wanted = wanted(&[("retention.mss", Some("5")), ("x", None)]);
        let unknown = difference(&topic(), &entries(), &wanted, Extent::Merge).unwrap_err();
        let names: Vec<_> = unknown.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(names, ["configs.retention.mss", "configs.x"]);
    }

    #[test]
    fn a_sensitive_value_shows_in_no_difference() {
        let wanted = wanted(&[("secret", Some("hunter2"))]);
        let found = difference(&topic(), &entries(), &wanted, Extent::Merge).unwrap();
        assert_eq!(fields(&found), [("configs.secret", None, None)]);
        let listener = wanted_of_listener();
        let broker = ConfigTarget::Broker(1);
        let found = difference(&broker, &entries(), &listener, Extent::Merge).unwrap();
        assert_eq!(
            found.fields[0].after, None,
            "nobody knows whether it is a secret"
        );
        assert_eq!(found.secrets().collect::<Vec<_>>(), ["hunter2"]);
    }

    fn wanted_of_listener() -> BTreeMap<String, Option<String>> {
        wanted(&[("listener.name.a.ssl.key.password", Some("hunter2"))])
    }

    #[test]
    fn reading_does_not_tell_whether_a_secret_was_replaced() {
        let target = topic();
        let of = |pairs: &[(&str, Option<&str>)]| {
            difference(&target, &entries(), &wanted(pairs), Extent::Merge).unwrap()
        };
        let replaced = of(&[("secret", Some("hunter2")), ("retention.ms", Some("5"))]);
        assert!(!replaced.shows_when_read());
        // The older one reads the same, so that an acknowledgement has to be believed.
        let found = replaced.not_as_written(&target, &entries());
        assert_eq!(found, ["retention.ms"]);
        assert!(of(&[("secret", None), ("retention.ms", Some("5"))]).shows_when_read());
    }

    #[test]
    fn what_is_read_back_is_held_against_what_was_written() {
        let wanted = wanted(&[("retention.ms", Some("5")), ("segment.ms", None)]);
        let found = difference(&topic(), &entries(), &wanted, Extent::Merge).unwrap();
        let unchanged = found.not_as_written(&topic(), &entries());
        assert_eq!(unchanged, ["retention.ms", "segment.ms"]);
        let after = [
            entry("retention.ms", "5", ConfigSource::DynamicTopicConfig),
            entry("segment.ms", "604800000", ConfigSource::DefaultConfig),
        ];
        assert!(found.not_as_written(&topic(), &after).is_empty());
    }
}
