//! From when until when a certificate counts.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::x509::X509;

use crate::error::{Error, Result};

/// When a certificate begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first moment.
    pub begins: Timestamp,
    /// Its last.
    pub ends: Timestamp,
}

impl Period {
    /// That of a certificate.
    ///
    /// # Errors
    /// [`Error::OpenSsl`] for a time that OpenSSL cannot read.
    pub(crate) fn of(certificate: &X509) -> Result<Self> {
        Ok(Self {
            begins: timestamp(certificate.not_before())?,
            ends: timestamp(certificate.not_after())?,
        })
    }

    /// Refuses a certificate, read from `path`, that does not count at `now`.
    pub(crate) fn check(self, path: &Path, now: Timestamp) -> Result<()> {
        if now >= self.ends {
            return Err(Error::Ended {
                path: path.to_owned(),
                ended: self.ends.to_string(),
            });
        }
        if now < self.begins {
            return Err(Error::NotYet {
                path: path.to_owned(),
                begins: self.begins.to_string(),
            });
        }
        Ok(())
    }
}

fn timestamp(time: &Asn1TimeRef) -> Result<Timestamp, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Ok(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_it_was_written() {
        for seconds in [1, 1_800_000_000, 2_200_000_001] {
            let time = Asn1Time::from_unix(seconds).unwrap();
            assert_eq!(timestamp(&time).unwrap().as_second(), seconds);
        }
    }

    #[test]
    fn before_its_beginning_and_after_its_end_are_told_apart() {
        let moment = |seconds| Timestamp::from_second(seconds).unwrap();
        let period = Period {
            begins: moment(100),
            ends: moment(200),
        };
        let check = |seconds| period.check(Path::new("a.pem"), moment(seconds));
        assert!(check(100).is_ok());
        assert!(matches!(check(99), Err(Error::NotYet { .. })));
        assert!(matches!(check(200), Err(Error::Ended { .. })));
    }
}
