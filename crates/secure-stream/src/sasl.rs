//! The login that comes before all other calls of a connection: `SaslHandshake` version 1, then
//! `SaslAuthenticate` version 0 as often as the mechanism needs it.
//! Source: Kafka protocol guide, "SASL Authentication Sequence".

use std::fmt;
use std::io;

use openssl::hash::MessageDigest;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::ConnectError;
use crate::frame::{Call, Reader, bytes, call, string};
use crate::scram::{ClientFirst, ScramError, random_nonce};

const HANDSHAKE: Call = Call {
    key: 17,
    version: 1,
};
const AUTHENTICATE: Call = Call {
    key: 36,
    version: 0,
};
const UNSUPPORTED_SASL_MECHANISM: i16 = 33;

/// How to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}

/// Who logs in. `Debug` shows no password.
#[derive(Clone)]
pub(crate) struct Login {
    pub mechanism: Mechanism,
    pub username: String,
    pub password: String,
}

impl Mechanism {
    const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// Its name in Kafka's protocol and in `sasl.mechanisms`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("mechanism", &self.mechanism)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Logs in over a connection that was just opened.
///
/// # Errors
/// `AuthenticationFailed` where the broker does not take the login, or does not prove that it knows the
/// password; `Protocol` and `Unreachable` where what answers is no broker, or nothing does.
pub(crate) async fn authenticate<S>(stream: &mut S, login: &Login) -> Result<(), ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    shake_hands(stream, login.mechanism).await?;
    match login.mechanism {
        Mechanism::Plain => {
            let message = format!("\0{}\0{}", login.username, login.password);
            exchange(stream, message.as_bytes()).await.map(|_| ())
        }
        Mechanism::ScramSha256 => scram(stream, login, MessageDigest::sha256()).await,
        Mechanism::ScramSha512 => scram(stream, login, MessageDigest::sha512()).await,
    }
}

async fn scram<S>(stream: &mut S, login: &Login, digest: MessageDigest) -> Result<(), ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let nonce = random_nonce()?;
    let first = ClientFirst::new(digest, &login.username, nonce);
    let server_first = exchange(stream, first.message().as_bytes()).await?;
    let password = login.password.clone();
    // It keeps a processor busy, for as long as the broker wants it to.
    let answer = tokio::task::spawn_blocking(move || first.answer(&password, &server_first));
    let last = answer.await.map_err(io::Error::other)??;
    let server_final = exchange(stream, last.message.as_bytes()).await?;
    Ok(last.verify(&server_final)?)
}

async fn shake_hands<S>(stream: &mut S, mechanism: Mechanism) -> Result<(), ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = call(stream, HANDSHAKE, &string(mechanism.name())).await?;
    let (error, offered) = read_handshake(&answer).ok_or_else(cut_short)?;
    let offered = offered.join(", ");
    let name = mechanism.name();
    match error {
        0 => Ok(()),
        UNSUPPORTED_SASL_MECHANISM => Err(ConnectError::AuthenticationFailed(format!(
            "the broker does not offer {name}, but {offered}"
        ))),
        code => Err(ConnectError::AuthenticationFailed(format!(
            "the broker answers {name} with error {code}"
        ))),
    }
}

/// One message of the mechanism, and the broker's answer to it.
async fn exchange<S>(stream: &mut S, message: &[u8]) -> Result<Vec<u8>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = call(stream, AUTHENTICATE, &bytes(message)).await?;
    match read_authenticate(&answer).ok_or_else(cut_short)? {
        (0, _, message) => Ok(message),
        (code, words, _) => Err(ConnectError::AuthenticationFailed(
            words.unwrap_or_else(|| format!("error {code}")),
        )),
    }
}

/// Error and the mechanisms that the broker offers.
fn read_handshake(answer: &[u8]) -> Option<(i16, Vec<String>)> {
    let mut answer = Reader(answer);
    let error = answer.int16()?;
    let count = answer.int32()?.max(0);
    let offered = (0..count).map(|_| Some(answer.string()?.unwrap_or_default()));
    Some((error, offered.collect::<Option<_>>()?))
}

/// Error, its words, and the mechanism's own message.
fn read_authenticate(answer: &[u8]) -> Option<(i16, Option<String>, Vec<u8>)> {
    let mut answer = Reader(answer);
    let (error, words) = (answer.int16()?, answer.string()?);
    let size = usize::try_from(answer.int32()?.max(0)).ok()?;
    Some((error, words, answer.take(size)?.to_vec()))
}

impl From<ScramError> for ConnectError {
    fn from(error: ScramError) -> Self {
        Self::AuthenticationFailed(error.to_string())
    }
}

fn cut_short() -> ConnectError {
    ConnectError::Protocol("an answer was cut short".to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    const SHAKEN: &[u8] = &[0, 0, 0, 0, 0, 1, 0, 5, b'P', b'L', b'A', b'I', b'N'];

    fn login(mechanism: Mechanism) -> Login {
        Login {
            mechanism,
            username: "user".to_owned(),
            password: "pencil".to_owned(),
        }
    }

    /// Gives these answers, one to each request, and hands back the requests.
    async fn broker(mut stream: DuplexStream, answers: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut requests = Vec::new();
        for answer in answers {
            let size = stream.read_u32().await.unwrap();
            let mut request = vec![0; size as usize];
            stream.read_exact(&mut request).await.unwrap();
            requests.push(request);
            let answer = [&[0; 4], answer.as_slice()].concat();
            stream.write_all(&bytes(&answer)).await.unwrap();
        }
        requests
    }

    async fn outcome(
        mechanism: Mechanism,
        answers: &[&[u8]],
    ) -> (Result<(), ConnectError>, Vec<Vec<u8>>) {
        let (mut client, server) = tokio::io::duplex(4096);
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        let login = login(mechanism);
        let logged_in = async {
            let outcome = authenticate(&mut client, &login).await;
            drop(client);
            outcome
        };
        tokio::join!(logged_in, broker(server, answers))
    }

    fn authenticated(error: i16, words: &str, message: &[u8]) -> Vec<u8> {
        [error.to_be_bytes().to_vec(), string(words), bytes(message)].concat()
    }

    #[tokio::test]
    async fn plain_is_a_handshake_and_one_message() {
        let accepted = authenticated(0, "", b"");
        let (outcome, requests) = outcome(Mechanism::Plain, &[SHAKEN, &accepted]).await;
        outcome.unwrap();
        assert_eq!(requests[0][..4], [0, 17, 0, 1], "handshake");
        assert!(requests[0].ends_with(b"\0\x05PLAIN"));
        assert_eq!(requests[1][..4], [0, 36, 0, 0], "authenticate");
        assert!(requests[1].ends_with(b"\0\0\0\x0c\0user\0pencil"));
    }

    #[tokio::test]
    async fn a_refused_login_has_the_brokers_words() {
        let refused = authenticated(58, "invalid credentials", b"");
        for mechanism in [Mechanism::Plain, Mechanism::ScramSha256] {
            let (outcome, _) = outcome(mechanism, &[SHAKEN, &refused]).await;
            assert!(
                matches!(&outcome, Err(ConnectError::AuthenticationFailed(words)) if words == "invalid credentials"),
                "{outcome:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_mechanism_that_is_not_offered_is_refused_with_those_that_are() {
        let mut answer = SHAKEN.to_vec();
        answer[1] = 33;
        let (outcome, _) = outcome(Mechanism::ScramSha512, &[&answer]).await;
        let message = outcome.unwrap_err().to_string();
        assert!(
            message.ends_with("does not offer SCRAM-SHA-512, but PLAIN"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn a_scram_server_with_another_nonce_fails_the_login() {
        let first = authenticated(0, "", b"r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        let (outcome, requests) = outcome(Mechanism::ScramSha256, &[SHAKEN, &first]).await;
        assert!(
            matches!(outcome, Err(ConnectError::AuthenticationFailed(_))),
            "{outcome:?}"
        );
        let message = String::from_utf8_lossy(&requests[1]).into_owned();
        assert!(message.contains("n,,n=user,r="), "{message}");
    }

    #[tokio::test]
    async fn what_hangs_up_or_answers_otherwise_is_no_refusal() {
        let (hung_up, _) = outcome(Mechanism::Plain, &[]).await;
        assert!(
            matches!(hung_up, Err(ConnectError::Unreachable(_))),
            "{hung_up:?}"
        );
        let (cut, _) = outcome(Mechanism::Plain, &[&[0]]).await;
        assert!(matches!(cut, Err(ConnectError::Protocol(_))), "{cut:?}");
    }

    #[test]
    fn debug_shows_no_password() {
        let shown = format!("{:?}", login(Mechanism::Plain));
        assert!(
            shown.contains("user") && !shown.contains("pencil"),
            "{shown}"
        );
    }
}
