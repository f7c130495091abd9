//! One HTTP request, as small as it can be: GET over TCP, for the services' probes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// For one answer; the services answer their probes within milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// `GET path`: status code and body. HTTP/1.0, so that the end of the body is the end of the
/// connection. `header` is a line that the request has beside its own, or nothing.
pub async fn get(address: SocketAddr, path: &str, header: &str) -> Result<(u16, String)> {
    let answer = tokio::time::timeout(LIMIT, ask(address, path, header))
        .await
        .with_context(|| format!("GET http://{address}{path}: no answer within {LIMIT:?}"))?
        .with_context(|| format!("GET http://{address}{path}"))?;
    parse(&answer).with_context(|| format!("GET http://{address}{path}"))
}

async fn ask(address: SocketAddr, path: &str, header: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let mut request =
        format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: application/json\r\n");
    if !header.is_empty() {
        request += &format!("{header}\r\n");
    }
    request += "\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn parse(answer: &str) -> Result<(u16, String)> {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        bail!("not an HTTP answer");
    };
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((status.context("no status code")?, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body_are_read() {
        let answer = "HTTP/1.0 503 Service Unavailable\r\na: b\r\n\r\n{\"x\":1}";
        assert_eq!(parse(answer).unwrap(), (503, "{\"x\":1}".into()));
        assert!(parse("nonsense").is_err());
    }
}
