//! Settings as Kafka answers them, for tests.

use kafka_cluster::{ConfigEntry, ConfigSource};

/// One that can be changed and is no secret.
pub(crate) fn entry(name: &str, value: &str, source: ConfigSource) -> ConfigEntry {
    ConfigEntry {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        source,
        default: None,
        read_only: false,
        sensitive: false,
    }
}
