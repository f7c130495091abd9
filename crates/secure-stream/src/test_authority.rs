//! A CA made for one test, the certificates it issues, and a TLS server on loopback that shows one.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslAcceptor, SslFiletype, SslMethod, SslVerifyMode};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_openssl::SslStream;

use crate::Tls;

/// In seconds.
pub const HOUR: i64 = 3600;

/// A CA; its files go with it.
pub struct Authority {
    certificate: X509,
    key: PKey<Private>,
    dir: TempDir,
}

/// Whom a certificate is for.
pub struct Subject {
    /// `IP:` or `DNS:` and the name.
    pub name: &'static str,
    /// Seconds from now at which it begins to be valid.
    pub from: i64,
    /// Seconds from now at which it ends.
    pub until: i64,
}

/// Files of a certificate.
pub struct Issued {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Certificate and key.
    pub both: PathBuf,
}

/// A server that sends back the first four bytes it is sent and then hangs up without closing TLS. It
/// ends with the test's runtime.
pub struct Server {
    pub port: u16,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let (name, key) = (named(name), new_key());
        let mut builder = begun(&name, &name, &key, -HOUR, HOUR);
        let constraint = BasicConstraints::new().critical().ca().build().unwrap();
        builder.append_extension(constraint).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), certificate.to_pem().unwrap()).unwrap();
        Self {
            certificate,
            key,
            dir,
        }
    }

    /// TLS that trusts this CA only.
    pub fn trusted(&self) -> Tls {
        Tls::with_authorities(self.file())
    }

    pub fn issue(&self, subject: &Subject) -> Issued {
        let key = new_key();
        let issuer = self.certificate.subject_name().to_owned().unwrap();
        let mut builder = begun(&named("node"), &issuer, &key, subject.from, subject.until);
        let mut names = SubjectAlternativeName::new();
        match subject.name.split_once(':').unwrap() {
            ("IP", address) => names.ip(address),
            (_, name) => names.dns(name),
        };
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let names = names.build(&context).unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        let serial = certificate.serial_number().to_bn().unwrap();
        let dir = self
            .dir
            .path()
            .join(serial.to_hex_str().unwrap().to_string());
        std::fs::create_dir(&dir).unwrap();
        let certificate = certificate.to_pem().unwrap();
        let key = key.private_key_to_pem_pkcs8().unwrap();
        Issued {
            certificate: written(&dir, "certificate.pem", &certificate),
            key: written(&dir, "key.pem", &key),
            both: written(&dir, "both.pem", &[certificate, key].concat()),
        }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }
}

impl Server {
    /// Shows that certificate; takes only clients of `clients`, where there is such a CA.
    pub async fn start(shown: &Issued, clients: Option<&Authority>) -> Self {
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        builder
            .set_certificate_chain_file(&shown.certificate)
            .unwrap();
        builder
            .set_private_key_file(&shown.key, SslFiletype::PEM)
            .unwrap();
        if let Some(authority) = clients {
            builder.set_ca_file(authority.file()).unwrap();
            builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
        let acceptor = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(Ssl::new(acceptor.context()).unwrap(), stream).await;
            }
        });
        Self { port }
    }
}

/// A handshake may fail: that is what most tests are about.
async fn answer(ssl: Ssl, stream: TcpStream) {
    let mut stream = SslStream::new(ssl, stream).unwrap();
    let mut bytes = [0; 4];
    if Pin::new(&mut stream).accept().await.is_ok() && stream.read_exact(&mut bytes).await.is_ok() {
        let _ = stream.write_all(&bytes).await;
    }
}

fn named(name: &str) -> X509Name {
    let mut builder = X509Name::builder().unwrap();
    builder.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    builder.build()
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn begun(
    subject: &X509Name,
    issuer: &X509Name,
    key: &PKey<Private>,
    from: i64,
    until: i64,
) -> X509Builder {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(128, MsbOption::MAYBE_ZERO, false).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder
        .set_serial_number(&serial.to_asn1_integer().unwrap())
        .unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder
        .set_not_before(&Asn1Time::from_unix(now + from).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::from_unix(now + until).unwrap())
        .unwrap();
    builder
}

fn written(dir: &Path, name: &str, text: &[u8]) -> PathBuf {
    let file = dir.join(name);
    std::fs::write(&file, text).unwrap();
    file
}
