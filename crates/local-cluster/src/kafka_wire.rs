//! The one question this crate has for a broker: who is in the cluster, and is every partition in
//! sync? A Metadata request by hand, so that starting a cluster needs no client library.
//!
//! Version 1 of the request (Kafka protocol guide, "Metadata API").

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use secure_stream::{BrokerSecurity, ConnectError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::{Error, Result, connect_error, io_error};

const METADATA: i16 = 3;
const VERSION: i16 = 1;
/// A reply of 16 MB would list some 100,000 partitions; anything larger is not a broker's.
const LARGEST_REPLY: usize = 16 * 1024 * 1024;

/// What one broker knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Ids of the live brokers.
    pub brokers: Vec<i32>,
    /// Id of the controller, or -1.
    pub controller: i32,
    /// Every partition of every topic.
    pub partitions: Vec<Partition>,
}

/// One partition as a broker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub number: i32,
    /// Id of its leader, or -1.
    pub leader: i32,
    /// Ids of all its replicas.
    pub replicas: Vec<i32>,
    /// Ids of those in sync.
    pub in_sync: Vec<i32>,
}

impl Partition {
    /// Whether it has a leader and every replica is in sync.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.leader >= 0 && self.in_sync.len() == self.replicas.len()
    }
}

/// Asks the broker at `address`; an answer means that it has finished starting.
///
/// # Errors
/// [`Error::Io`] when it does not answer within `limit`; [`Error::Connection`] when it cannot be
/// connected to or refuses the login; [`Error::State`] when it does not speak Kafka's protocol.
pub async fn metadata(
    address: SocketAddr,
    security: &BrokerSecurity,
    limit: Duration,
) -> Result<Metadata> {
    let what = || format!("metadata from {address}");
    let reply = tokio::time::timeout(limit, ask(address, security))
        .await
        .map_err(|_| io_error(what())(io::ErrorKind::TimedOut.into()))?
        .map_err(connect_error(what()))?;
    decode(&reply).ok_or_else(|| Error::State(format!("{}: not a reply of Kafka", what())))
}

async fn ask(address: SocketAddr, security: &BrokerSecurity) -> Result<Vec<u8>, ConnectError> {
    let host = address.ip().to_string();
    let mut stream = security.connect(&host, address.port()).await?;
    stream.write_all(&request()).await?;
    let size = usize::try_from(stream.read_i32().await?).unwrap_or(usize::MAX);
    if size > LARGEST_REPLY {
        return Err(ConnectError::Protocol(format!("a reply of {size} bytes")));
    }
    let mut reply = vec![0; size];
    stream.read_exact(&mut reply).await?;
    Ok(reply)
}

/// Size, header (key, version, correlation id, client id), then "all topics" as a null array.
fn request() -> Vec<u8> {
    const CLIENT: &[u8; 13] = b"local-cluster";
    const SIZE: i32 = 2 + 2 + 4 + 2 + 13 + 4;
    let mut request = SIZE.to_be_bytes().to_vec();
    request.extend(METADATA.to_be_bytes());
    request.extend(VERSION.to_be_bytes());
    request.extend(1i32.to_be_bytes());
    request.extend(13i16.to_be_bytes());
    request.extend(CLIENT);
    request.extend((-1i32).to_be_bytes());
    request
}

fn decode(reply: &[u8]) -> Option<Metadata> {
    let mut bytes = Reader(reply);
    bytes.int32()?; // correlation id
    let brokers = bytes.array(|broker| {
        let id = broker.int32()?;
        broker.string()?; // host
        broker.int32()?; // port
        broker.string()?; // rack
        Some(id)
    })?;
    let controller = bytes.int32()?;
    let partitions = bytes.array(topic)?.concat();
    Some(Metadata {
        brokers,
        controller,
        partitions,
    })
}

fn topic(bytes: &mut Reader<'_>) -> Option<Vec<Partition>> {
    bytes.int16()?; // error
    let topic = bytes.string()?.unwrap_or_default();
    bytes.take(1)?; // internal or not
    bytes.array(|partition| {
        partition.int16()?; // error
        Some(Partition {
            topic: topic.clone(),
            number: partition.int32()?,
            leader: partition.int32()?,
            replicas: partition.array(Reader::int32)?,
            in_sync: partition.array(Reader::int32)?,
        })
    })
}

/// What is left of a reply; every method is `None` at a premature end.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn int16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn int32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// `Some(None)` is a null string.
    fn string(&mut self) -> Option<Option<String>> {
        match usize::try_from(self.int16()?) {
            Ok(size) => Some(Some(String::from_utf8_lossy(self.take(size)?).into_owned())),
            Err(_) => Some(None),
        }
    }

    fn array<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.int32()?.max(0);
        (0..count).map(|_| item(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> Vec<u8> {
        let mut reply = vec![0, 0, 0, 1, 0, 0, 0, 1];
        reply.extend([0, 0, 0, 7, 0, 1, b'h', 0, 0, 0x4a, 0x94, 0xff, 0xff]); // broker 7
        reply.extend([0, 0, 0, 7]); // controller
        reply.extend([0, 0, 0, 1, 0, 0, 0, 1, b't', 0]); // topic "t"
        reply.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 7]); // partition 3, leader 7
        reply.extend([0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8]); // replicas
        reply.extend([0, 0, 0, 1, 0, 0, 0, 7]); // in sync
        reply
    }

    #[test]
    fn a_reply_is_read() {
        let metadata = decode(&reply()).unwrap();
        assert_eq!(
            (metadata.brokers.as_slice(), metadata.controller),
            (&[7][..], 7)
        );
        let partition = &metadata.partitions[0];
        assert_eq!((partition.topic.as_str(), partition.number), ("t", 3));
        assert!(!partition.is_whole());
    }

    #[test]
    fn a_reply_cut_short_is_refused_wherever_it_is_cut() {
        let whole = reply();
        for size in 0..whole.len() {
            assert_eq!(decode(&whole[..size]), None, "{size} bytes");
        }
    }

    #[test]
    fn a_request_says_its_own_size() {
        let request = request();
        let size = i32::from_be_bytes(request[..4].try_into().unwrap());
        assert_eq!(size, i32::try_from(request.len() - 4).unwrap());
    }
}
