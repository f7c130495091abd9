//! One call of Kafka's protocol, by hand: the login needs two of them, and they are short.
//! Source: Kafka protocol guide, "Protocol Primitive Types" and "Common Request and Response Structure".

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::ConnectError;

/// Answers to the login are some 300 bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// A call, in one version of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// Its number.
    pub key: i16,
    /// The version of its request and answer; one whose headers have no tagged fields.
    pub version: i16,
}

/// Sends size, header (number, version, correlation id, client id) and `body`; the answer comes back
/// without size and correlation id.
pub(crate) async fn call<S>(
    stream: &mut S,
    call: Call,
    body: &[u8],
) -> Result<Vec<u8>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = call.key.to_be_bytes().to_vec();
    request.extend(call.version.to_be_bytes());
    request.extend([0; 4]);
    request.extend(string("secure-stream"));
    request.extend(body);
    stream.write_all(&bytes(&request)).await?;
    let size = stream.read_u32().await? as usize;
    if !(4..=LARGEST_ANSWER).contains(&size) {
        let message = format!("an answer of {size} bytes");
        return Err(ConnectError::Protocol(message));
    }
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer).await?;
    Ok(answer.split_off(4))
}

/// `STRING` of Kafka's protocol. What is written here is a dozen bytes long.
pub(crate) fn string(text: &str) -> Vec<u8> {
    let size = i16::try_from(text.len()).unwrap_or(i16::MAX);
    [&size.to_be_bytes(), text.as_bytes()].concat()
}

/// `BYTES` of Kafka's protocol; the size of a request is written alike.
pub(crate) fn bytes(message: &[u8]) -> Vec<u8> {
    let size = i32::try_from(message.len()).unwrap_or(i32::MAX);
    [&size.to_be_bytes(), message].concat()
}

/// What is left of an answer; every method is `None` at a premature end.
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn int16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub fn int32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// `Some(None)` is a null string.
    pub fn string(&mut self) -> Option<Option<String>> {
        match usize::try_from(self.int16()?) {
            Ok(size) => Some(Some(String::from_utf8_lossy(self.take(size)?).into_owned())),
            Err(_) => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Call = Call {
        key: 17,
        version: 1,
    };

    #[tokio::test]
    async fn an_answer_too_large_or_too_small_is_none_of_a_broker() {
        for size in [3u32, 0x1503_0300] {
            let (mut client, mut broker) = tokio::io::duplex(4096);
            broker.write_all(&size.to_be_bytes()).await.unwrap();
            let answer = call(&mut client, CALL, &[]).await;
            assert!(
                matches!(answer, Err(ConnectError::Protocol(_))),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn a_null_string_is_none_and_a_premature_end_is_told() {
        assert_eq!(Reader(&[0xff, 0xff]).string(), Some(None));
        assert_eq!(
            Reader(&[0, 2, b'a', b'b']).string(),
            Some(Some("ab".to_owned()))
        );
        assert_eq!(Reader(&[0, 2, b'a']).string(), None);
    }
}
