//! A private certificate authority, and what it signs. Keys are of the curve P-256: a handshake
//! with them costs a broker a tenth of one with RSA.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};
use serde::{Deserialize, Serialize};

use crate::error::Result;

const ORGANIZATION: &str = "kafka-log-streaming-cluster";
/// Clocks of two machines differ a little; a new certificate counts for both.
const BACKDATED: SignedDuration = SignedDuration::from_hours(1);

/// Whom a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Names {
    /// Its common name: who its holder is for ZooKeeper. Never compared with a host name.
    pub common: String,
    /// The host names that it answers under.
    pub dns: Vec<String>,
    /// The addresses that it answers under.
    pub addresses: Vec<IpAddr>,
}

/// A key and what others need of it.
pub struct Certified {
    /// The certificate.
    pub certificate: X509,
    /// Its key.
    pub key: PKey<Private>,
}

/// The authority.
pub type Authority = Certified;

impl Certified {
    /// A new authority that counts for `period`.
    pub fn new_authority(period: SignedDuration) -> Result<Self> {
        let (key, name) = (new_key()?, name(&format!("{ORGANIZATION} authority"))?);
        let mut builder = begin(&key, &name, &name, period)?;
        let constraints = BasicConstraints::new().critical().ca().pathlen(0).build()?;
        builder.append_extension(constraints)?;
        let usage = KeyUsage::new()
            .critical()
            .key_cert_sign()
            .crl_sign()
            .build()?;
        builder.append_extension(usage)?;
        let id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(id)?;
        builder.sign(&key, MessageDigest::sha256())?;
        let certificate = builder.build();
        Ok(Self { certificate, key })
    }

    /// A key with a certificate of this authority, for both sides of a connection.
    pub fn issue(&self, names: &Names, period: SignedDuration) -> Result<Self> {
        let key = new_key()?;
        let issuer = self.certificate.subject_name().to_owned()?;
        let mut builder = begin(&key, &name(&names.common)?, &issuer, period)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        let usage = KeyUsage::new().critical().digital_signature().build()?;
        builder.append_extension(usage)?;
        let usage = ExtendedKeyUsage::new()
            .server_auth()
            .client_auth()
            .build()?;
        builder.append_extension(usage)?;
        let mut alternatives = SubjectAlternativeName::new();
        for host in &names.dns {
            alternatives.dns(host);
        }
        for address in &names.addresses {
            alternatives.ip(&address.to_string());
        }
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let extensions = [
            SubjectKeyIdentifier::new().build(&context)?,
            AuthorityKeyIdentifier::new().keyid(true).build(&context)?,
        ];
        // OpenSSL refuses an empty list; a client that serves nothing has no name to answer under.
        let alternatives = (!names.dns.is_empty() || !names.addresses.is_empty())
            .then(|| alternatives.build(&context))
            .transpose()?;
        for extension in extensions.into_iter().chain(alternatives) {
            builder.append_extension(extension)?;
        }
        builder.sign(&self.key, MessageDigest::sha256())?;
        let certificate = builder.build();
        Ok(Self { certificate, key })
    }

    /// Whether this authority signed `certificate`.
    pub fn signed(&self, certificate: &X509) -> Result<bool> {
        let key = self.certificate.public_key()?;
        Ok(certificate.verify(&key)?)
    }

    /// Key and certificate in one text, the key in PKCS #8: what Kafka and ZooKeeper read.
    pub fn pem(&self) -> Result<Vec<u8>> {
        let key = self.key.private_key_to_pem_pkcs8()?;
        Ok([key, self.certificate.to_pem()?].concat())
    }

    /// Reads what [`Certified::pem`] wrote.
    pub fn from_pem(text: &[u8]) -> Result<Self> {
        Ok(Self {
            certificate: X509::from_pem(text)?,
            key: PKey::private_key_from_pem(text)?,
        })
    }
}

fn begin(
    key: &PKey<Private>,
    subject: &X509Name,
    issuer: &X509Name,
    period: SignedDuration,
) -> Result<X509Builder> {
    let now = Timestamp::now();
    let time = |moment: Timestamp| Asn1Time::from_unix(moment.as_second());
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?; // X.509 v3
    builder.set_serial_number(&*serial()?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*time(now - BACKDATED)?)?;
    builder.set_not_after(&*time(now + period)?)?;
    Ok(builder)
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let mut group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    group.set_asn1_flag(Asn1Flag::NAMED_CURVE);
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn name(common: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::ORGANIZATIONNAME, ORGANIZATION)?;
    name.append_entry_by_nid(Nid::COMMONNAME, common)?;
    Ok(name.build())
}

/// 127 random bits: RFC 5280 wants a positive number of at most 20 bytes.
fn serial() -> Result<Asn1Integer, ErrorStack> {
    let mut number = BigNum::new()?;
    number.rand(127, MsbOption::MAYBE_ZERO, false)?;
    number.to_asn1_integer()
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

    fn names() -> Names {
        Names {
            common: "kafka-broker".to_owned(),
            dns: vec!["kafka-1".to_owned(), "localhost".to_owned()],
            addresses: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
        }
    }

    #[test]
    fn a_certificate_carries_its_names_and_its_authoritys_signature() {
        let authority = Certified::new_authority(YEAR).unwrap();
        let issued = authority.issue(&names(), YEAR).unwrap();
        assert!(authority.signed(&issued.certificate).unwrap());
        let alternatives = issued.certificate.subject_alt_names().unwrap();
        let hosts: Vec<_> = alternatives.iter().filter_map(|n| n.dnsname()).collect();
        assert_eq!(hosts, ["kafka-1", "localhost"]);
        let addresses: Vec<_> = alternatives.iter().filter_map(|n| n.ipaddress()).collect();
        assert_eq!(addresses[0], [127, 0, 0, 1]);
        assert_eq!(addresses[1].len(), 16);
        let other = Certified::new_authority(YEAR).unwrap();
        assert!(!other.signed(&issued.certificate).unwrap());
    }

    #[test]
    fn a_client_needs_no_host_name() {
        let authority = Certified::new_authority(YEAR).unwrap();
        let names = Names {
            dns: vec![],
            addresses: vec![],
            ..names()
        };
        let issued = authority.issue(&names, YEAR).unwrap();
        assert!(issued.certificate.subject_alt_names().is_none());
    }

    #[test]
    fn key_and_certificate_are_read_back_from_one_text() {
        let authority = Certified::new_authority(YEAR).unwrap();
        let issued = authority.issue(&names(), YEAR).unwrap();
        let read = Certified::from_pem(&issued.pem().unwrap()).unwrap();
        assert!(read.certificate.public_key().unwrap().public_eq(&read.key));
        assert!(authority.signed(&read.certificate).unwrap());
    }
}
