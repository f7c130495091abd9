//! The two questions this crate has for ZooKeeper: does this member serve, and is a broker's id
//! still held? By hand: the four-letter word `srvr`, and `exists` in ZooKeeper's own protocol
//! (`zookeeper.jute` of ZooKeeper 3.8). By TLS to a secure client port.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use secure_stream::{ConnectError, Stream, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::{Error, Result, connect_error, io_error};

const EXISTS: i32 = 3;
const CLOSE: i32 = -11;
const NO_NODE: i32 = -101;
/// Replies here are some 80 bytes.
const LARGEST_REPLY: i32 = 64 * 1024;

/// The mode of the member at `address`: `leader`, `follower` or `standalone`. A member without a
/// quorum answers too, but without a mode; that is an error here.
///
/// # Errors
/// [`Error::Io`], [`Error::Connection`] or [`Error::State`] when it does not serve within `limit`.
pub async fn mode(address: SocketAddr, tls: Option<&Tls>, limit: Duration) -> Result<String> {
    let what = || format!("srvr to {address}");
    let reply = tokio::time::timeout(limit, four_letter_word(address, tls))
        .await
        .map_err(|_| io_error(what())(io::ErrorKind::TimedOut.into()))?
        .map_err(connect_error(what()))?;
    mode_in(&reply).map(str::to_owned).ok_or_else(|| {
        let first = reply.lines().next().unwrap_or("no answer");
        Error::State(format!("{}: {first}", what()))
    })
}

/// Whether `path` exists, as the first member that answers says. Members are asked in order.
///
/// # Errors
/// The last member's [`Error`] when none serves within `limit` each.
pub async fn exists(
    members: &[SocketAddr],
    path: &str,
    tls: Option<&Tls>,
    limit: Duration,
) -> Result<bool> {
    let mut last = Error::State("no ZooKeeper address was given".into());
    for &member in members {
        let what = || format!("asking ZooKeeper {member} for {path}");
        match tokio::time::timeout(limit, ask_exists(member, path, tls)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => last = connect_error(what())(error),
            Err(_) => last = io_error(what())(io::ErrorKind::TimedOut.into()),
        }
    }
    Err(last)
}

async fn four_letter_word(address: SocketAddr, tls: Option<&Tls>) -> Result<String, ConnectError> {
    let mut stream = connect(address, tls).await?;
    stream.write_all(b"srvr").await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply)
}

async fn connect(member: SocketAddr, tls: Option<&Tls>) -> Result<Stream, ConnectError> {
    Stream::connect(&member.ip().to_string(), member.port(), tls).await
}

fn mode_in(reply: &str) -> Option<&str> {
    reply.lines().find_map(|line| line.strip_prefix("Mode: "))
}

async fn ask_exists(
    member: SocketAddr,
    path: &str,
    tls: Option<&Tls>,
) -> Result<bool, ConnectError> {
    let mut stream = connect(member, tls).await?;
    stream.write_all(&framed(&connect_request())).await?;
    read_frame(&mut stream).await?;
    stream.write_all(&framed(&exists_request(path))).await?;
    let reply = read_frame(&mut stream).await?;
    // The session would end by itself after its time-out; closing it is polite.
    let close = [1i32.to_be_bytes(), CLOSE.to_be_bytes()].concat();
    stream.write_all(&framed(&close)).await?;
    Ok(exists_in(&reply)?)
}

/// A session of 6 s: protocol version, last zxid seen, time-out, no old session, no password.
fn connect_request() -> Vec<u8> {
    let mut request = 0i32.to_be_bytes().to_vec();
    request.extend(0i64.to_be_bytes());
    request.extend(6000i32.to_be_bytes());
    request.extend(0i64.to_be_bytes());
    request.extend(16i32.to_be_bytes());
    request.extend([0; 16]);
    request.push(0); // not content with a read-only member
    request
}

/// Call number, operation, path, no watch.
fn exists_request(path: &str) -> Vec<u8> {
    let mut request = 0i32.to_be_bytes().to_vec();
    request.extend(EXISTS.to_be_bytes());
    request.extend(i32::try_from(path.len()).unwrap_or(0).to_be_bytes());
    request.extend(path.as_bytes());
    request.push(0);
    request
}

/// Reply header: call number (4 bytes), zxid (8 bytes), error (4 bytes).
fn exists_in(reply: &[u8]) -> io::Result<bool> {
    let error = reply.get(12..16).and_then(|bytes| bytes.try_into().ok());
    match error.map(i32::from_be_bytes) {
        Some(0) => Ok(true),
        Some(NO_NODE) => Ok(false),
        Some(code) => Err(io::Error::other(format!("ZooKeeper error {code}"))),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let size = i32::try_from(message.len()).unwrap_or(0);
    [&size.to_be_bytes(), message].concat()
}

async fn read_frame(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let size = stream.read_i32().await?;
    if !(0..=LARGEST_REPLY).contains(&size) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; usize::try_from(size).unwrap_or(0)];
    stream.read_exact(&mut frame).await?;
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_without_a_quorum_has_no_mode() {
        let serving = "Zookeeper version: 3.8.6\nConnections: 1\nMode: follower\nNode count: 5\n";
        assert_eq!(mode_in(serving), Some("follower"));
        let alone = "This ZooKeeper instance is not currently serving requests\n";
        assert_eq!(mode_in(alone), None);
    }

    #[test]
    fn a_reply_says_there_not_there_or_an_error() {
        let reply = |error: i32| [&[0; 12][..], &error.to_be_bytes()].concat();
        assert!(exists_in(&reply(0)).unwrap());
        assert!(!exists_in(&reply(NO_NODE)).unwrap());
        assert!(exists_in(&reply(-112)).is_err());
        assert!(exists_in(&[0; 3]).is_err());
    }

    #[test]
    fn a_path_is_written_with_its_length() {
        let request = exists_request("/brokers/ids/1");
        assert_eq!(request[8..12], 14i32.to_be_bytes());
        assert_eq!(request.len(), 12 + 14 + 1);
    }
}
