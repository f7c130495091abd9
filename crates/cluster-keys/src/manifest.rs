//! What a directory of keys holds; written last, so that its absence tells of an unfinished run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::authority::Names;
use crate::broker_login::BrokerLogin;
use crate::error::{Error, Result};
use crate::files;

const FILE: &str = "manifest.json";

/// The contents of a directory of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Where clients find the directory; in a container that is another place.
    pub seen_at: PathBuf,
    /// Whom each certificate is for.
    pub certificates: BTreeMap<String, Names>,
    /// Who has a password.
    pub principals: BTreeSet<String>,
    /// Whom the brokers log in as.
    #[serde(default)]
    pub broker_login: BrokerLogin,
}

impl Manifest {
    /// Reads that of `dir`; `None` where `dir` does not exist.
    pub fn read(dir: &Path) -> Result<Option<Self>> {
        if !dir.exists() {
            return Ok(None);
        }
        files::check_dir(dir)?;
        let path = dir.join(FILE);
        if !path.exists() {
            return Err(Error::HalfMade(dir.to_owned()));
        }
        let text = files::read(&path)?;
        let read = serde_json::from_slice(&text);
        read.map(Some).map_err(|error| Error::Unreadable {
            path,
            reason: error.to_string(),
        })
    }

    /// Writes it into `dir`, once everything that it lists is there.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).expect("a manifest is plain data");
        files::write(&dir.join(FILE), &text)?;
        files::sync_dir(dir)
    }
}
