//! What the cluster keeps of a password: enough to check who knows it, not to log in by it.

use std::collections::BTreeMap;

use openssl::base64::encode_block;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::rand::rand_bytes;
use openssl::sha::sha512;
use openssl::sign::Signer;

use crate::error::Result;

/// Kafka's least. Random passwords of 256 bits gain nothing by more.
/// Source: Kafka, `ScramMechanism.SCRAM_SHA_512.minIterations`.
pub const ITERATIONS: usize = 4096;

/// A password as Kafka stores it for SCRAM-SHA-512, with a new salt.
/// Source: RFC 5802, section 3; the words are those of Kafka's `ScramCredentialUtils.credentialToString`.
pub fn credential(password: &str) -> Result<String> {
    let mut salt = [0; 32];
    rand_bytes(&mut salt)?;
    Ok(salted(password, &salt)?)
}

fn salted(password: &str, salt: &[u8]) -> std::result::Result<String, ErrorStack> {
    let mut salted = [0; 64];
    let sha512_digest = MessageDigest::sha512();
    pbkdf2_hmac(
        password.as_bytes(),
        salt,
        ITERATIONS,
        sha512_digest,
        &mut salted,
    )?;
    let key = PKey::hmac(&salted)?;
    let by_key = |text: &[u8]| Signer::new(sha512_digest, &key)?.sign_oneshot_to_vec(text);
    let stored = sha512(&by_key(b"Client Key")?);
    let server = by_key(b"Server Key")?;
    Ok(format!(
        "salt={},stored_key={},server_key={},iterations={ITERATIONS}",
        encode_block(salt),
        encode_block(&stored),
        encode_block(&server)
    ))
}

/// What Kafka's `zookeeper-shell` is told, as a broker, to write [`Keys::stored_passwords`](crate::Keys::stored_passwords)
/// into a ZooKeeper that knows nobody yet: all of them by one Java machine, where `kafka-configs --zookeeper` takes one for
/// each. It shows afterwards what is there: what was there before stays. Only brokers may read it.
/// Source: Kafka 3.9, `ZkData.defaultAcls`.
pub fn zookeeper_commands(stored: &BTreeMap<String, String>) -> String {
    let mut commands = "create /config '' auth::cdrwa,world:anyone:r\n\
                        create /config/users '' auth::cdrwa\n"
        .to_owned();
    for (principal, node) in stored {
        commands += &format!("create /config/users/{principal} '{node}' auth::cdrwa\n");
    }
    for principal in stored.keys() {
        commands += &format!("get /config/users/{principal}\n");
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: made by Kafka 3.9.2's own `ScramFormatter` and `ScramCredentialUtils`.
    #[test]
    fn a_password_is_kept_as_kafka_keeps_it() {
        let kept = "salt=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,\
            stored_key=SoW+/+hHxUvlK3Xi+x9BcDx96IRvKSvwPD9+X0Zg8iVCy7UWTc2H4tP1nTdhqma9GgLQn8EFCOO4K1mSd8tS/A==,\
            server_key=n+bSQQXLdNgo0pAxIyCIO0jGmPy8MzCDCHx7gw8cXiA52fsSYXOvK3HXpRlSLJxqUdRhuHQaU+5m305k4z02ZQ==,\
            iterations=4096";
        let salt = b"0123456789abcdef0123456789abcdef";
        assert_eq!(salted("secret", salt).unwrap(), kept);
    }

    #[test]
    fn a_salt_is_never_used_twice() {
        assert_ne!(credential("secret").unwrap(), credential("secret").unwrap());
    }
}
