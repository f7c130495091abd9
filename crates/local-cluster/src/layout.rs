//! Where things are in a checkout of this project. Nothing is read or written here but to find
//! the root.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result, io_error};

/// The checkout: everything else is named from its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below `root`, which must hold `kafka/broker.properties`.
    ///
    /// # Errors
    /// [`Error::State`] when it does not.
    pub fn at(root: &Path) -> Result<Self> {
        let root = root
            .canonicalize()
            .map_err(io_error(format!("root {}", root.display())))?;
        let layout = Self { root };
        if layout.broker_properties().is_file() {
            Ok(layout)
        } else {
            Err(Error::State(format!(
                "{} is no checkout of this project: it has no kafka/broker.properties",
                layout.root.display()
            )))
        }
    }

    /// The layout of the checkout that the current directory is in, looking upward. Cargo runs
    /// tests in their package's directory, so this finds the checkout there too.
    ///
    /// # Errors
    /// [`Error::State`] when no directory above is one.
    pub fn find() -> Result<Self> {
        let here = std::env::current_dir().map_err(io_error("current directory"))?;
        here.ancestors()
            .find_map(|directory| Self::at(directory).ok())
            .ok_or_else(|| {
                Error::State(format!(
                    "neither {} nor any directory above it holds kafka/broker.properties",
                    here.display()
                ))
            })
    }

    /// The checkout's root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of settings and jars.
    #[must_use]
    pub fn kafka(&self) -> PathBuf {
        self.root.join("kafka")
    }

    /// What Maven and this crate make below `kafka/`; never committed.
    #[must_use]
    pub fn kafka_target(&self) -> PathBuf {
        self.kafka().join("target")
    }

    /// The jars.
    #[must_use]
    pub fn libs(&self) -> PathBuf {
        self.kafka_target().join("libs")
    }

    /// Settings common to all brokers.
    #[must_use]
    pub fn broker_properties(&self) -> PathBuf {
        self.kafka().join("broker.properties")
    }

    /// Settings common to all ZooKeepers.
    #[must_use]
    pub fn zookeeper_properties(&self) -> PathBuf {
        self.kafka().join("zookeeper.properties")
    }

    /// What brokers of a secured cluster have on top.
    #[must_use]
    pub fn broker_secure_properties(&self) -> PathBuf {
        self.kafka().join("broker-secure.properties")
    }

    /// What ZooKeepers of a secured cluster have on top.
    #[must_use]
    pub fn zookeeper_secure_properties(&self) -> PathBuf {
        self.kafka().join("zookeeper-secure.properties")
    }

    /// Whose ZooKeeper's own nodes are on a secured cluster.
    #[must_use]
    pub fn zookeeper_acls_file(&self) -> PathBuf {
        self.kafka().join("zookeeper-acls.txt")
    }

    /// The declared topics, which the admin service applies.
    #[must_use]
    pub fn topics_file(&self) -> PathBuf {
        self.kafka().join("topics.yml")
    }

    /// The declared rights of a secured cluster's principals.
    #[must_use]
    pub fn acls_file(&self) -> PathBuf {
        self.kafka().join("acls.yml")
    }

    /// Where people's cluster lives unless they say otherwise.
    #[must_use]
    pub fn default_dir(&self) -> PathBuf {
        self.root.join(".cluster")
    }

    /// Where clusters of tests live.
    #[must_use]
    pub fn test_dir(&self) -> PathBuf {
        self.root.join("target").join("local-cluster")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_found_from_a_package_directory() {
        let layout = Layout::find().unwrap();
        assert!(layout.topics_file().is_file());
    }

    #[test]
    fn a_directory_without_settings_is_refused() {
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(Layout::at(empty.path()), Err(Error::State(_))));
    }
}
