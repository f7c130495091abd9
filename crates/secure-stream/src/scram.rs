//! The client's side of SCRAM: it proves that it knows the password, and has the server prove the same,
//! without either saying it.
//!
//! Source: RFC 5802 (messages), RFC 7677 (SHA-256); Kafka's `ScramFormatter`, which takes passwords as
//! they are, without SASLprep. No channel binding, as Kafka has none.

use openssl::base64;
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::memcmp;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::rand::rand_bytes;
use openssl::sign::Signer;

/// Kafka stores no fewer (`ScramMechanism.minIterations`).
const FEWEST_ITERATIONS: u32 = 4096;
/// More would let a server keep this client busy: a million take about a second.
const MOST_ITERATIONS: u32 = 1_000_000;

/// Why a login came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScramError {
    /// No message of SCRAM.
    #[error("the broker's {0} is not one of SCRAM")]
    Malformed(&'static str),
    /// An answer to somebody else's message.
    #[error("the broker's nonce does not begin with ours")]
    ForeignNonce,
    /// Too weak, or too much work.
    #[error("the broker wants {0} iterations: too few or too many")]
    Iterations(u32),
    /// The server's own word.
    #[error("{0}")]
    Refused(String),
    /// The server does not know the password either.
    #[error("the broker does not prove that it knows the password")]
    WrongSignature,
    /// OpenSSL has no such hash, or no memory.
    #[error("{0}")]
    Crypto(#[from] ErrorStack),
}

/// What the client begins with.
pub(crate) struct ClientFirst {
    digest: MessageDigest,
    nonce: String,
    bare: String,
}

/// What the client answers, and what it expects then.
pub(crate) struct ClientFinal {
    /// The answer.
    pub message: String,
    server_signature: Vec<u8>,
}

/// A nonce: 144 random bits, as text without a comma.
pub(crate) fn random_nonce() -> Result<String, ScramError> {
    let mut bytes = [0; 18];
    rand_bytes(&mut bytes)?;
    Ok(base64::encode_block(&bytes))
}

impl ClientFirst {
    pub fn new(digest: MessageDigest, username: &str, nonce: String) -> Self {
        let username = username.replace('=', "=3D").replace(',', "=2C");
        Self {
            digest,
            bare: format!("n={username},r={nonce}"),
            nonce,
        }
    }

    /// "n,,": no channel binding, no other identity.
    pub fn message(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// The answer to the server's first message. Takes a few milliseconds, and up to a second where the
    /// server has it iterate so often.
    pub fn answer(&self, password: &str, server_first: &[u8]) -> Result<ClientFinal, ScramError> {
        let challenge = Challenge::parse(server_first)?;
        if !challenge.nonce.starts_with(&self.nonce) || challenge.nonce == self.nonce {
            return Err(ScramError::ForeignNonce);
        }
        if !(FEWEST_ITERATIONS..=MOST_ITERATIONS).contains(&challenge.iterations) {
            return Err(ScramError::Iterations(challenge.iterations));
        }
        let digest = self.digest;
        let mut salted = vec![0; digest.size()];
        let iterations = challenge.iterations as usize;
        pbkdf2_hmac(
            password.as_bytes(),
            &challenge.salt,
            iterations,
            digest,
            &mut salted,
        )?;

        // "biws" is "n,," in base64.
        let without_proof = format!("c=biws,r={}", challenge.nonce);
        let signed = format!("{},{},{without_proof}", self.bare, challenge.text);
        let client_key = hmac(digest, &salted, b"Client Key")?;
        let stored_key = hash(digest, &client_key)?;
        let client_signature = hmac(digest, &stored_key, signed.as_bytes())?;
        let proof: Vec<u8> = client_key
            .iter()
            .zip(&client_signature)
            .map(|(key, signature)| key ^ signature)
            .collect();
        let server_key = hmac(digest, &salted, b"Server Key")?;
        Ok(ClientFinal {
            message: format!("{without_proof},p={}", base64::encode_block(&proof)),
            server_signature: hmac(digest, &server_key, signed.as_bytes())?,
        })
    }
}

impl ClientFinal {
    /// Whether the server's last message proves that it knows the password.
    pub fn verify(&self, server_final: &[u8]) -> Result<(), ScramError> {
        let malformed = || ScramError::Malformed("last message");
        let text = str::from_utf8(server_final).map_err(|_| malformed())?;
        let first = text.split(',').next().unwrap_or_default();
        if let Some(error) = first.strip_prefix("e=") {
            return Err(ScramError::Refused(error.to_owned()));
        }
        let signature = first.strip_prefix("v=").ok_or_else(malformed)?;
        let signature = base64::decode_block(signature).map_err(|_| malformed())?;
        let same_length = signature.len() == self.server_signature.len();
        if same_length && memcmp::eq(&signature, &self.server_signature) {
            Ok(())
        } else {
            Err(ScramError::WrongSignature)
        }
    }
}

/// The server's first message.
struct Challenge<'a> {
    text: &'a str,
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> Challenge<'a> {
    /// What may follow the three fields is passed over; what must be understood ("m=") comes first.
    fn parse(message: &'a [u8]) -> Result<Self, ScramError> {
        let read = || {
            let text = str::from_utf8(message).ok()?;
            let mut fields = text.split(',');
            let nonce = fields.next()?.strip_prefix("r=")?;
            let salt = base64::decode_block(fields.next()?.strip_prefix("s=")?).ok()?;
            let iterations = fields.next()?.strip_prefix("i=")?.parse().ok()?;
            Some(Self {
                text,
                nonce,
                salt,
                iterations,
            })
        };
        read().ok_or(ScramError::Malformed("first message"))
    }
}

fn hmac(digest: MessageDigest, key: &[u8], message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let key = PKey::hmac(key)?;
    Signer::new(digest, &key)?.sign_oneshot_to_vec(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The exchange of RFC 7677, section 3.
    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const SERVER_FIRST: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    fn first() -> ClientFirst {
        ClientFirst::new(MessageDigest::sha256(), "user", NONCE.to_owned())
    }

    fn refusal(server_first: &str) -> ScramError {
        let answer = first().answer("pencil", server_first.as_bytes());
        answer.err().expect("this is to be refused")
    }

    #[test]
    fn the_exchange_of_the_standard_comes_out() {
        assert_eq!(first().message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let last = first().answer("pencil", SERVER_FIRST.as_bytes()).unwrap();
        assert_eq!(last.message, CLIENT_FINAL);
        last.verify(SERVER_FINAL.as_bytes()).unwrap();
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_refused() {
        let last = first().answer("pencil", SERVER_FIRST.as_bytes()).unwrap();
        let wrong = SERVER_FINAL.replace("v=6r", "v=7r");
        for message in [wrong.as_str(), "v=", "v=6rri"] {
            let verified = last.verify(message.as_bytes());
            assert!(
                matches!(verified, Err(ScramError::WrongSignature)),
                "{message}"
            );
        }
        let refused = last.verify(b"e=invalid-proof").unwrap_err();
        assert_eq!(refused.to_string(), "invalid-proof");
        let malformed = last.verify(b"r=x");
        assert!(matches!(malformed, Err(ScramError::Malformed(_))));
    }

    #[test]
    fn a_nonce_that_is_not_an_addition_to_ours_is_refused() {
        for nonce in ["hvYDpWUa2RaTCAfuxFIlj", NONCE] {
            let server_first = format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
            assert!(matches!(refusal(&server_first), ScramError::ForeignNonce));
        }
    }

    #[test]
    fn too_few_and_too_many_iterations_are_refused() {
        for iterations in ["4095", "1000001"] {
            let server_first = SERVER_FIRST.replace("i=4096", &format!("i={iterations}"));
            assert!(matches!(refusal(&server_first), ScramError::Iterations(_)));
        }
    }

    #[test]
    fn what_is_no_first_message_is_refused() {
        let extended = format!("m=x,{SERVER_FIRST}");
        for message in ["", "r=x", "r=x,s=!,i=4096", "r=x,s=AAAA,i=-1", &extended] {
            assert!(
                matches!(refusal(message), ScramError::Malformed(_)),
                "{message}"
            );
        }
    }

    #[test]
    fn a_comma_and_an_equals_sign_in_a_name_are_escaped() {
        let first = ClientFirst::new(MessageDigest::sha512(), "a=b,c", "x".to_owned());
        assert_eq!(first.message(), "n,,n=a=3Db=2Cc,r=x");
    }

    #[test]
    fn nonces_differ_and_hold_no_comma() {
        let (one, other) = (random_nonce().unwrap(), random_nonce().unwrap());
        assert_ne!(one, other);
        assert!(!one.contains(','));
    }
}
