//! The directory of keys: making it, looking at it, renewing what is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use openssl::x509::X509;

use crate::authority::{Authority, Certified, Names};
use crate::broker_login::BrokerLogin;
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::period::Period;
use crate::{clients, files, scram, secret, tokens};

const AUTHORITY_PERIOD: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
/// Renewal is one command without an interruption; a year is what public authorities gave last.
const CERTIFICATE_PERIOD: SignedDuration = SignedDuration::from_hours(365 * 24);

/// What keys are to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Certificates by the name of their file.
    pub certificates: BTreeMap<String, Names>,
    /// Who gets a password.
    pub principals: BTreeSet<String>,
    /// Where clients find the directory: an absolute path.
    pub seen_at: PathBuf,
}

/// A finished directory of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    dir: PathBuf,
}

impl Keys {
    /// Makes what is missing of the keys in `dir`, and looks at what is there. A certificate whose
    /// names have changed is issued anew; everything else that is there stays as it is.
    ///
    /// # Errors
    /// As [`Keys::open`], or when a file cannot be written.
    pub fn ensure(dir: &Path, wanted: &Wanted) -> Result<Self> {
        let keys = Self::at(dir);
        match Manifest::read(dir)? {
            None => keys.make(wanted)?,
            Some(there) => {
                keys.check(&there)?;
                keys.add(&there, wanted)?;
            }
        }
        Ok(keys)
    }

    /// The keys in `dir`, after a look at each of them.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::HalfMade`], [`Error::Mode`], [`Error::Unreadable`]. Certificates
    /// that have ended are for [`Keys::check_periods`].
    pub fn open(dir: &Path) -> Result<Self> {
        let there = Manifest::read(dir)?.ok_or_else(|| Error::Missing(dir.to_owned()))?;
        let keys = Self::at(dir);
        keys.check(&there)?;
        Ok(keys)
    }

    /// Names the files in `dir` without looking at them.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The authority's certificate, PEM.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// A key with its certificate, both in one PEM file.
    #[must_use]
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.dir.join("certificates").join(format!("{name}.pem"))
    }

    /// Settings with which librdkafka connects as `principal`.
    #[must_use]
    pub fn client(&self, principal: &str) -> PathBuf {
        self.dir
            .join("clients")
            .join(format!("{principal}.properties"))
    }

    /// Settings with which Java connects as `principal`.
    #[must_use]
    pub fn java_client(&self, principal: &str) -> PathBuf {
        self.dir
            .join("clients")
            .join(format!("{principal}.java.properties"))
    }

    /// The digests of the tokens, for `TOKENS_FILE`.
    #[must_use]
    pub fn tokens(&self) -> PathBuf {
        self.dir.join("tokens.txt")
    }

    /// The token of a role: viewer, operator or admin.
    #[must_use]
    pub fn token(&self, role: &str) -> PathBuf {
        self.dir.join("tokens").join(role)
    }

    /// The same as a header: `curl -H @FILE`, so that no process list shows it.
    #[must_use]
    pub fn token_header(&self, role: &str) -> PathBuf {
        self.dir.join("tokens").join(format!("{role}.header"))
    }

    /// The password of `principal`.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Mode`] or [`Error::Unreadable`].
    pub fn password(&self, principal: &str) -> Result<String> {
        let path = self.password_file(principal);
        let text = files::read(&path)?;
        match String::from_utf8(text) {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            _ => Err(Error::Unreadable {
                path,
                reason: "it holds no password".to_owned(),
            }),
        }
    }

    /// A digest of the password of `principal`, to tell whether it changed.
    ///
    /// # Errors
    /// As [`Keys::password`].
    pub fn password_digest(&self, principal: &str) -> Result<String> {
        let password = self.password(principal)?;
        Ok(secret::hex(&openssl::sha::sha256(password.as_bytes())))
    }

    /// What Kafka's `kafka-configs --add-config-file` takes to give `principal` its password.
    ///
    /// # Errors
    /// As [`Keys::password`].
    pub fn password_config(&self, principal: &str) -> Result<String> {
        let password = self.password(principal)?;
        Ok(format!(
            "SCRAM-SHA-512=iterations={},password={password}\n",
            scram::ITERATIONS
        ))
    }

    /// What ZooKeeper keeps in `/config/users/PRINCIPAL` of every principal's password, each time salted anew.
    /// Source: Kafka 3.9, `ConfigEntityZNode`.
    ///
    /// # Errors
    /// As [`Keys::password`].
    pub fn stored_passwords(&self) -> Result<BTreeMap<String, String>> {
        let mut stored = BTreeMap::new();
        for principal in self.principals()? {
            let credential = scram::credential(&self.password(&principal)?)?;
            let node = serde_json::json!({"version": 1, "config": {"SCRAM-SHA-512": credential}});
            stored.insert(principal, node.to_string());
        }
        Ok(stored)
    }

    /// Who has a password.
    ///
    /// # Errors
    /// As [`Keys::open`].
    pub fn principals(&self) -> Result<BTreeSet<String>> {
        let there = self.manifest()?;
        Ok(there.principals)
    }

    /// Whom the brokers log in to each other as.
    ///
    /// # Errors
    /// As [`Keys::open`].
    pub fn broker_login(&self) -> Result<BrokerLogin> {
        Ok(self.manifest()?.broker_login)
    }

    /// The value of `sasl.jaas.config` by which a broker logs in.
    ///
    /// # Errors
    /// As [`Keys::open`] and [`Keys::password`].
    pub fn broker_jaas(&self) -> Result<String> {
        let name = self.broker_login()?.name;
        Ok(clients::scram_login(&name, &self.password(&name)?))
    }

    /// Brokers that start from now on log in as the other one, whose password the cluster has to know already.
    /// Nothing happens while a change is under way.
    ///
    /// # Errors
    /// As [`Keys::open`], or when a file cannot be written.
    pub fn switch_broker_login(&self) -> Result<()> {
        let mut now = self.manifest()?;
        if now.broker_login.changing {
            return Ok(());
        }
        now.broker_login = BrokerLogin {
            name: now.broker_login.other().to_owned(),
            changing: true,
        };
        now.write(&self.dir)
    }

    /// Ends the change: every broker logs in by the name that counts.
    ///
    /// # Errors
    /// As [`Keys::open`], or when a file cannot be written.
    pub fn settle_broker_login(&self) -> Result<()> {
        let mut now = self.manifest()?;
        now.broker_login.changing = false;
        now.write(&self.dir)
    }

    /// When each certificate begins and ends, the authority's included.
    ///
    /// # Errors
    /// As [`Keys::open`].
    pub fn periods(&self) -> Result<Vec<(PathBuf, Period)>> {
        let there = self.manifest()?;
        let names = there.certificates.keys();
        std::iter::once(self.authority())
            .chain(names.map(|name| self.certificate(name)))
            .map(|path| {
                let certificate = read_certificate(&path)?;
                Ok((path, Period::of(&certificate)?))
            })
            .collect()
    }

    /// Refuses certificates that do not count now.
    ///
    /// # Errors
    /// [`Error::Ended`] or [`Error::NotYet`]; as [`Keys::open`].
    pub fn check_periods(&self) -> Result<()> {
        let now = Timestamp::now();
        let mut periods = self.periods()?.into_iter();
        periods.try_for_each(|(path, period)| period.check(&path, now))
    }

    /// Issues every certificate anew, with a new key and the same names. Who holds one reads it at
    /// its next start.
    ///
    /// # Errors
    /// As [`Keys::open`], or when a file cannot be written.
    pub fn renew_certificates(&self) -> Result<()> {
        let there = self.manifest()?;
        let authority = self.read_authority()?;
        let mut certificates = there.certificates.iter();
        certificates.try_for_each(|(name, names)| self.issue(&authority, name, names))
    }

    /// Issues one certificate anew that ends after `period`, sooner than others: for drills and tests of one
    /// that nobody renewed.
    ///
    /// # Errors
    /// As [`Keys::open`], or when a file cannot be written; [`Error::Missing`] for a name that is none of
    /// a certificate.
    pub fn issue_for(&self, name: &str, period: Duration) -> Result<()> {
        let file = self.certificate(name);
        let there = self.manifest()?;
        let names = there.certificates.get(name);
        let names = names.ok_or_else(|| Error::Missing(file.clone()))?;
        let period = SignedDuration::try_from(period).unwrap_or(CERTIFICATE_PERIOD);
        let issued = self.read_authority()?.issue(names, period)?;
        files::write(&file, &issued.pem()?)
    }

    /// Gives `principal` a new password. Its client settings have the old one until [`Keys::publish`]: the
    /// cluster is to know the new one before clients use it.
    ///
    /// # Errors
    /// [`Error::NoPrincipal`]; [`Error::InUse`] for that by which brokers log in; as [`Keys::open`], or when
    /// a file cannot be written.
    pub fn renew_password(&self, principal: &str) -> Result<()> {
        let there = self.manifest()?;
        if !there.principals.contains(principal) {
            let known: Vec<_> = there.principals.into_iter().collect();
            return Err(Error::NoPrincipal {
                name: principal.to_owned(),
                known: known.join(", "),
            });
        }
        if there.broker_login.name == principal {
            return Err(Error::InUse(principal.to_owned()));
        }
        files::write(&self.password_file(principal), secret::new()?.as_bytes())
    }

    /// Makes new bearer tokens. Services that read the file of their digests again take no old one.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn renew_tokens(&self) -> Result<()> {
        let mut lines = String::new();
        for role in tokens::ROLES {
            let token = secret::new()?;
            files::write(&self.token(role), token.as_bytes())?;
            files::write(&self.token_header(role), tokens::header(&token).as_bytes())?;
            lines += &tokens::line(role, &token);
        }
        files::write(&self.tokens(), lines.as_bytes())
    }

    /// Writes every principal's password into its client settings.
    ///
    /// # Errors
    /// As [`Keys::open`], or when a file cannot be written.
    pub fn publish(&self) -> Result<()> {
        let there = self.manifest()?;
        let mut principals = there.principals.iter();
        principals.try_for_each(|principal| self.write_client(principal, &there.seen_at))
    }

    fn manifest(&self) -> Result<Manifest> {
        Manifest::read(&self.dir)?.ok_or_else(|| Error::Missing(self.dir.clone()))
    }

    fn password_file(&self, principal: &str) -> PathBuf {
        self.dir.join("passwords").join(principal)
    }

    fn authority_key(&self) -> PathBuf {
        self.dir.join("ca.key.pem")
    }

    /// Makes everything, and shows it under its name when it is complete.
    fn make(&self, wanted: &Wanted) -> Result<()> {
        let new = self.dir.with_added_extension("new");
        let failed = |source| Error::Io {
            path: new.clone(),
            source,
        };
        match std::fs::remove_dir_all(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        let half = Self::at(&new);
        for part in ["certificates", "passwords", "clients", "tokens"] {
            files::make_dir(&new.join(part))?;
        }
        let authority = Authority::new_authority(AUTHORITY_PERIOD)?;
        files::write(&half.authority(), &authority.certificate.to_pem()?)?;
        files::write(&half.authority_key(), &authority.pem()?)?;
        half.renew_tokens()?;
        let nothing = Manifest {
            seen_at: wanted.seen_at.clone(),
            certificates: BTreeMap::new(),
            principals: BTreeSet::new(),
            broker_login: BrokerLogin::default(),
        };
        half.add(&nothing, wanted)?;
        std::fs::rename(&new, &self.dir).map_err(failed)
    }

    /// Adds what is wanted and not there, and writes the manifest.
    fn add(&self, there: &Manifest, wanted: &Wanted) -> Result<()> {
        let missing: Vec<_> = wanted
            .certificates
            .iter()
            .filter(|&(name, names)| there.certificates.get(name) != Some(names))
            .collect();
        if !missing.is_empty() {
            let authority = self.read_authority()?;
            for (name, names) in missing {
                self.issue(&authority, name, names)?;
            }
        }
        for principal in wanted.principals.difference(&there.principals) {
            files::write(&self.password_file(principal), secret::new()?.as_bytes())?;
        }
        let mut now = there.clone();
        now.certificates.extend(wanted.certificates.clone());
        now.principals.extend(wanted.principals.clone());
        now.seen_at.clone_from(&wanted.seen_at);
        for principal in &now.principals {
            self.write_client(principal, &now.seen_at)?;
        }
        if now != *there || !self.dir.join("manifest.json").exists() {
            now.write(&self.dir)?;
        }
        Ok(())
    }

    fn issue(&self, authority: &Authority, name: &str, names: &Names) -> Result<()> {
        let issued = authority.issue(names, CERTIFICATE_PERIOD)?;
        files::write(&self.certificate(name), &issued.pem()?)
    }

    fn write_client(&self, principal: &str, seen_at: &Path) -> Result<()> {
        let password = self.password(principal)?;
        let authority = Self::at(seen_at).authority();
        let text = clients::librdkafka(principal, &password, &authority);
        files::write(&self.client(principal), text.as_bytes())?;
        let text = clients::java(principal, &password, &authority);
        files::write(&self.java_client(principal), text.as_bytes())
    }

    fn read_authority(&self) -> Result<Authority> {
        let path = self.authority_key();
        let text = files::read(&path)?;
        Certified::from_pem(&text).map_err(|error| Error::Unreadable {
            path,
            reason: error.to_string(),
        })
    }

    /// Everything that the manifest lists is there, is its owner's alone, and fits together.
    fn check(&self, there: &Manifest) -> Result<()> {
        let authority = self.read_authority()?;
        for name in there.certificates.keys() {
            let path = self.certificate(name);
            let certificate = read_certificate(&path)?;
            if !authority.signed(&certificate)? {
                return Err(Error::Unreadable {
                    path,
                    reason: "another authority signed it: restore it, or ./setup.sh --renew certificates".to_owned(),
                });
            }
        }
        for principal in &there.principals {
            self.password(principal)?;
            files::check_file(&self.client(principal))?;
            files::check_file(&self.java_client(principal))?;
        }
        for role in tokens::ROLES {
            files::check_file(&self.token(role))?;
            files::check_file(&self.token_header(role))?;
        }
        files::check_file(&self.tokens())
    }
}

fn read_certificate(path: &Path) -> Result<X509> {
    let text = files::read(path)?;
    X509::from_pem(&text).map_err(|error| Error::Unreadable {
        path: path.to_owned(),
        reason: format!("no certificate can be read from it: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn names(common: &str) -> Names {
        Names {
            common: common.to_owned(),
            dns: vec![common.to_owned()],
            addresses: vec![],
        }
    }

    fn wanted(dir: &Path) -> Wanted {
        Wanted {
            certificates: [("kafka-1".to_owned(), names("kafka-broker"))].into(),
            principals: ["super".to_owned()].into(),
            seen_at: dir.to_owned(),
        }
    }

    fn made() -> (tempfile::TempDir, Keys) {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        let keys = Keys::ensure(&dir, &wanted(&dir)).unwrap();
        (home, keys)
    }

    fn every_file(dir: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).unwrap().flatten();
        let mut files = vec![];
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() {
                files.extend(every_file(&path));
            } else {
                files.push(path);
            }
        }
        files
    }

    #[test]
    fn every_file_is_its_owners_alone_and_what_is_there_stays() {
        let (_home, keys) = made();
        let all = every_file(keys.dir());
        assert!(all.len() > 10, "{all:?}");
        for file in &all {
            let mode = std::fs::metadata(file).unwrap().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", file.display());
        }
        let read = |file: &PathBuf| std::fs::read(file).unwrap();
        let before: Vec<_> = all.iter().map(read).collect();
        Keys::ensure(keys.dir(), &wanted(keys.dir())).unwrap();
        let after: Vec<_> = all.iter().map(read).collect();
        assert!(before == after, "a second run changes nothing");
        keys.check_periods().unwrap();
    }

    #[test]
    fn a_node_more_gets_its_certificate_and_a_changed_name_a_new_one() {
        let (_home, keys) = made();
        let first = std::fs::read(keys.certificate("kafka-1")).unwrap();
        let mut more = wanted(keys.dir());
        more.certificates
            .insert("kafka-2".into(), names("kafka-broker"));
        more.principals.insert("operator".into());
        Keys::ensure(keys.dir(), &more).unwrap();
        assert!(keys.certificate("kafka-2").exists());
        assert_eq!(std::fs::read(keys.certificate("kafka-1")).unwrap(), first);
        assert_eq!(keys.password("operator").unwrap().len(), 64);
        more.certificates.insert("kafka-1".into(), names("other"));
        Keys::ensure(keys.dir(), &more).unwrap();
        assert_ne!(std::fs::read(keys.certificate("kafka-1")).unwrap(), first);
    }

    #[test]
    fn renewed_certificates_are_others_of_the_same_authority() {
        let (_home, keys) = made();
        let first = std::fs::read(keys.certificate("kafka-1")).unwrap();
        keys.renew_certificates().unwrap();
        assert_ne!(std::fs::read(keys.certificate("kafka-1")).unwrap(), first);
        Keys::open(keys.dir()).unwrap();
    }

    #[test]
    fn brokers_log_in_by_the_other_name_once_it_is_switched_and_their_next_start_tells_it() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        let both = Wanted {
            principals: crate::BROKER_LOGINS.map(str::to_owned).into(),
            ..wanted(&dir)
        };
        let keys = Keys::ensure(&dir, &both).unwrap();
        let first = keys.broker_login().unwrap();
        let before = keys.broker_jaas().unwrap();
        assert!(before.contains(&keys.password(&first.name).unwrap()));
        // The one in use cannot be replaced under those who use it.
        let refused = keys.renew_password(&first.name).unwrap_err();
        assert!(refused.to_string().contains("is in use"), "{refused}");
        assert_eq!(keys.broker_jaas().unwrap(), before);
        keys.switch_broker_login().unwrap();
        let second = keys.broker_login().unwrap();
        assert_eq!(
            (second.name.as_str(), second.changing),
            (first.other(), true)
        );
        let jaas = keys.broker_jaas().unwrap();
        assert!(jaas.contains(&keys.password(&second.name).unwrap()));
        // Asked again it does not go back, nor does a start forget it.
        keys.switch_broker_login().unwrap();
        assert_eq!(
            Keys::ensure(&dir, &both).unwrap().broker_login().unwrap(),
            second
        );
        keys.settle_broker_login().unwrap();
        let settled = keys.broker_login().unwrap();
        assert_eq!(
            (settled.name.as_str(), settled.changing),
            (first.other(), false)
        );
        assert_eq!(settled.other(), first.name);
    }

    #[test]
    fn a_renewed_password_is_in_the_clients_settings_once_it_is_published() {
        let (_home, keys) = made();
        let first = keys.password("super").unwrap();
        keys.renew_password("super").unwrap();
        let second = keys.password("super").unwrap();
        assert_ne!(first, second);
        let client = || std::fs::read_to_string(keys.client("super")).unwrap();
        assert!(client().contains(&first), "not before the cluster knows it");
        keys.publish().unwrap();
        for file in [keys.client("super"), keys.java_client("super")] {
            let text = std::fs::read_to_string(file).unwrap();
            assert!(text.contains(&second) && !text.contains(&first), "{text}");
        }
        let refused = keys.renew_password("nobody").unwrap_err().to_string();
        assert!(refused.contains("super"), "{refused}");
    }

    #[test]
    fn new_tokens_are_others_and_the_services_file_has_their_digests() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        let keys = Keys::ensure(&dir, &wanted(&dir)).unwrap();
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
        let (token, digests) = (read(keys.token("viewer")), read(keys.tokens()));
        keys.renew_tokens().unwrap();
        assert_ne!(read(keys.token("viewer")), token);
        let line = tokens::line("viewer", &read(keys.token("viewer")));
        assert!(read(keys.tokens()).contains(&line));
        assert!(!digests.contains(&line));
        Keys::open(keys.dir()).unwrap();
    }

    #[test]
    fn half_made_incomplete_open_and_foreign_keys_are_told_apart() {
        let (_home, keys) = made();
        let open = || Keys::open(keys.dir());
        let password = keys.password_file("super");
        let kept = std::fs::read(&password).unwrap();

        std::fs::remove_file(&password).unwrap();
        assert!(matches!(open(), Err(Error::Missing(path)) if path == password));
        files::write(&password, b" \n").unwrap();
        assert!(matches!(open(), Err(Error::Unreadable { .. })));
        files::write(&password, &kept).unwrap();
        std::fs::set_permissions(&password, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(open(), Err(Error::Mode { mode: 0o640, .. })));
        files::write(&password, &kept).unwrap();
        open().unwrap();

        let foreign = Authority::new_authority(AUTHORITY_PERIOD).unwrap();
        keys.issue(&foreign, "kafka-1", &names("kafka-broker"))
            .unwrap();
        let message = open().unwrap_err().to_string();
        assert!(message.contains("another authority"), "{message}");
        keys.renew_certificates().unwrap();
        open().unwrap();

        std::fs::remove_file(keys.dir().join("manifest.json")).unwrap();
        assert!(matches!(open(), Err(Error::HalfMade(_))));
    }

    #[test]
    fn an_interrupted_run_leaves_nothing_under_the_name_of_keys() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("keys");
        files::make_dir(&dir.with_added_extension("new").join("passwords")).unwrap();
        assert!(matches!(Keys::open(&dir), Err(Error::Missing(_))));
        Keys::ensure(&dir, &wanted(&dir)).unwrap();
        assert!(!dir.with_added_extension("new").exists());
    }

    #[test]
    fn a_certificate_that_has_ended_is_refused() {
        let (_home, keys) = made();
        keys.issue_for("kafka-1", Duration::ZERO).unwrap();
        assert!(matches!(keys.check_periods(), Err(Error::Ended { .. })));
    }
}
