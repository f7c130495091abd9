//! The file of tokens: one on each line, by its name, role, topics and SHA-256.

use std::fmt::Write;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, anyhow, ensure};
use clap::ValueEnum;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Caller, Role};

/// How often the file is looked at again, when somebody calls.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Bytes of chance in a new token.
const TOKEN_BYTES: usize = 32;

type Hash = [u8; 32];

/// The tokens of a file, which is read again when it changes. One that cannot be used then changes
/// nothing, and the log says why.
pub struct TokenFile {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    tokens: Vec<(Hash, Caller)>,
    version: Version,
    looked: Instant,
}

type Version = (Option<SystemTime>, u64);

/// A token that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What the caller sends; it is shown once and kept nowhere.
    pub secret: String,
    /// Its line of the file.
    pub line: String,
}

impl NewToken {
    /// Makes one from the system's random source, for the topics that begin with `topics` (`*` alone: all).
    ///
    /// # Errors
    /// A name or a beginning with spaces or `#`; the system gives no random bytes.
    pub fn make(name: &str, role: Role, topics: &str) -> anyhow::Result<Self> {
        for word in [name, topics] {
            let plain = !word.is_empty() && !word.contains([' ', '\t', '#', '\n']);
            ensure!(plain, "{word:?} must be one word without #");
        }
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes: {error}"))?;
        let secret = hex(&bytes);
        let hash = hex(&Sha256::digest(&secret));
        let role = role.to_possible_value().context("a role has a name")?;
        let line = format!("{name} {} {topics} {hash}", role.get_name());
        parse_line(&line)?;
        Ok(Self { secret, line })
    }
}

impl TokenFile {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, others may write to it, or a line is wrong, by its number.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let (tokens, version) = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            inner: Mutex::new(Inner {
                tokens,
                version,
                looked: Instant::now(),
            }),
        })
    }

    /// Who has this token. Takes the same time whichever it is.
    #[must_use]
    pub fn caller(&self, token: &str) -> Option<Caller> {
        let hash: Hash = Sha256::digest(token).into();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.looked.elapsed() >= LOOK_AGAIN {
            inner.looked = Instant::now();
            self.look_again(&mut inner);
        }
        let mut found = None;
        for (known, caller) in &inner.tokens {
            if bool::from(known.ct_eq(&hash)) {
                found = Some(caller);
            }
        }
        found.cloned()
    }

    fn look_again(&self, inner: &mut Inner) {
        let now = std::fs::metadata(&self.path).map(|metadata| version(&metadata));
        if now.as_ref().is_ok_and(|now| *now == inner.version) {
            return;
        }
        match read(&self.path) {
            Ok((tokens, version)) => {
                tracing::info!(count = tokens.len(), "tokens were read again");
                (inner.tokens, inner.version) = (tokens, version);
            }
            Err(error) => {
                tracing::warn!("{error:#}; the tokens stay as they were");
                // It is told once for each change.
                if let Ok(now) = now {
                    inner.version = now;
                }
            }
        }
    }
}

fn read(path: &Path) -> anyhow::Result<(Vec<(Hash, Caller)>, Version)> {
    let file = path.display();
    let metadata =
        std::fs::metadata(path).with_context(|| format!("cannot read tokens from {file}"))?;
    ensure!(
        metadata.permissions().mode() & 0o022 == 0,
        "others may write to {file}: chmod go-w {file}"
    );
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read tokens from {file}"))?;
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            let token = parse_line(line).with_context(|| format!("{file} line {number}"))?;
            tokens.push(token);
        }
    }
    Ok((tokens, version(&metadata)))
}

fn version(metadata: &Metadata) -> Version {
    (metadata.modified().ok(), metadata.len())
}

/// `NAME ROLE TOPICS SHA256`; the message has no part of the hash.
fn parse_line(line: &str) -> anyhow::Result<(Hash, Caller)> {
    let words: Vec<_> = line.split_whitespace().collect();
    let [name, role, topics, hash] = words[..] else {
        return Err(anyhow!("expected NAME ROLE TOPICS SHA256"));
    };
    let role = Role::from_str(role, false)
        .map_err(|_| anyhow!("the role {role:?} is none of viewer, operator, admin"))?;
    let topic_prefix = topics
        .strip_suffix('*')
        .context("the topics must be * or a beginning and *")?;
    let hash = unhex(hash).context("the last word must be a SHA-256: 64 hexadecimal digits")?;
    let caller = Caller {
        name: name.to_owned(),
        role,
        topic_prefix: topic_prefix.to_owned(),
    };
    Ok((hash, caller))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    if text.len() != 2 * hash.len() || !text.is_ascii() {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_known_by_its_line_and_gone_when_that_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let new = NewToken::make("ci", Role::Operator, "app-*").unwrap();
        assert!(!new.line.contains(&new.secret), "{}", new.line);
        std::fs::write(&path, format!("# who\n{}\n\n", new.line)).unwrap();
        let file = TokenFile::open(&path).unwrap();
        let caller = file.caller(&new.secret).unwrap();
        assert_eq!((caller.name.as_str(), caller.role), ("ci", Role::Operator));
        assert_eq!(caller.topic_prefix, "app-");
        assert_eq!(file.caller("another"), None);

        // What cannot be used changes nothing; what can is used.
        let look = || file.look_again(&mut file.inner.lock().unwrap());
        std::fs::write(&path, "nonsense").unwrap();
        look();
        assert!(file.caller(&new.secret).is_some());
        std::fs::write(&path, "").unwrap();
        look();
        assert_eq!(file.caller(&new.secret), None);
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let hash = "0".repeat(64);
        for (line, why) in [
            ("ci operator".to_owned(), "NAME ROLE TOPICS SHA256"),
            (format!("ci king * {hash}"), "viewer, operator, admin"),
            (format!("ci viewer app {hash}"), "a beginning and *"),
            ("ci viewer * 00".to_owned(), "64 hexadecimal digits"),
        ] {
            std::fs::write(&path, format!("# who\n{line}\n")).unwrap();
            let error = format!("{:#}", TokenFile::open(&path).err().unwrap());
            assert!(error.contains("line 2") && error.contains(why), "{error}");
        }
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let error = TokenFile::open(&path).err().unwrap().to_string();
        assert!(error.contains("chmod"), "{error}");
        assert!(NewToken::make("a b", Role::Viewer, "*").is_err());
    }
}
