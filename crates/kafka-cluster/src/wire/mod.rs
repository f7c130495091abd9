//! The few calls that librdkafka lacks, asked of one broker over a connection of their own.
//!
//! The codecs are those of `kafka-protocol`; this is the framing, the deadline, and the words for
//! what goes wrong. Plain text only: a cluster behind TLS or SASL answers `Unsupported` here, and who
//! asks must be able to do without.

mod log_dirs;

pub use log_dirs::LogDirectory;

use std::time::Duration;

use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{
    Decodable, Encodable, HeaderVersion, StrBytes, encode_request_header_into_buffer,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{BrokerAddress, Connection, KafkaError, codes};

/// Larger answers are not read: 64 MB would list some million partitions.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// A call of Kafka's protocol, in one version of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// Its name in errors.
    pub operation: &'static str,
    /// Its number.
    pub key: ApiKey,
    /// The version of its request and answer.
    pub version: i16,
}

/// Sends `request` to `broker` and reads its answer.
///
/// # Errors
/// `Unreachable` and `TimedOut` as everywhere; `LOCAL_UNSUPPORTED_FEATURE` where the connection is
/// not plain text, or the broker does not speak this version.
pub(crate) async fn ask<A: Decodable + HeaderVersion>(
    connection: &Connection,
    broker: &BrokerAddress,
    call: Call,
    request: &impl Encodable,
    deadline: Duration,
) -> Result<A, KafkaError> {
    let operation = call.operation;
    let protocol = connection.properties.get("security.protocol");
    if let Some(other) = protocol.filter(|name| !name.eq_ignore_ascii_case("plaintext")) {
        return Err(KafkaError::of_read(
            operation,
            codes::LOCAL_UNSUPPORTED_FEATURE,
            format!("this call is made over plain text only, not over {other}"),
        ));
    }
    let exchange = async {
        let frame = frame(request, call).map_err(|error| malformed(operation, &error))?;
        let answer = exchange(broker, &frame)
            .await
            .map_err(|error| lost(operation, broker, &error))?;
        read_answer::<A>(&answer, call.version).map_err(|error| malformed(operation, &error))
    };
    tokio::time::timeout(deadline, exchange)
        .await
        .unwrap_or_else(|_| {
            let message = format!("broker {} did not answer in time", broker.id);
            Err(KafkaError::of_read(
                operation,
                codes::LOCAL_TIMED_OUT,
                message,
            ))
        })
}

/// Length, header, request.
fn frame(request: &impl Encodable, call: Call) -> Result<Vec<u8>, String> {
    let header = RequestHeader::default()
        .with_request_api_key(call.key as i16)
        .with_request_api_version(call.version)
        .with_client_id(Some(StrBytes::from_static_str("kafka-cluster")));
    let mut body = bytes::BytesMut::new();
    encode_request_header_into_buffer(&mut body, &header).map_err(|error| error.to_string())?;
    request
        .encode(&mut body, call.version)
        .map_err(|error| error.to_string())?;
    let length = u32::try_from(body.len()).map_err(|error| error.to_string())?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend_from_slice(&body);
    Ok(frame)
}

async fn exchange(broker: &BrokerAddress, frame: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((broker.host.as_str(), broker.port)).await?;
    stream.write_all(frame).await?;
    let length = stream.read_u32().await? as usize;
    if length > LARGEST_ANSWER {
        let message = format!("an answer of {length} bytes is none of a broker");
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            message,
        ));
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

fn read_answer<A: Decodable + HeaderVersion>(answer: &[u8], version: i16) -> Result<A, String> {
    let mut bytes = bytes::Bytes::copy_from_slice(answer);
    ResponseHeader::decode(&mut bytes, A::header_version(version))
        .map_err(|error| error.to_string())?;
    let response = A::decode(&mut bytes, version).map_err(|error| error.to_string())?;
    if !bytes.is_empty() {
        return Err(format!("{} bytes too many", bytes.len()));
    }
    Ok(response)
}

fn lost(operation: &'static str, broker: &BrokerAddress, error: &std::io::Error) -> KafkaError {
    let message = format!(
        "broker {} at {}:{}: {error}",
        broker.id, broker.host, broker.port
    );
    KafkaError::of_read(operation, codes::LOCAL_TRANSPORT, message)
}

/// A broker that does not know a version closes the connection, or answers in another one.
fn malformed(operation: &'static str, error: &str) -> KafkaError {
    let message = format!("the broker's answer could not be read: {error}");
    KafkaError::of_read(operation, codes::LOCAL_UNSUPPORTED_FEATURE, message)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};

    use super::*;

    const CALL: Call = Call {
        operation: "DescribeLogDirs",
        key: ApiKey::DescribeLogDirs,
        version: 4,
    };

    #[test]
    fn a_frame_is_length_header_and_request() {
        let frame = frame(&DescribeLogDirsRequest::default().with_topics(None), CALL).unwrap();
        let length = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
        assert_eq!(length as usize, frame.len() - 4);
        assert_eq!(&frame[4..8], [0, 35, 0, 4], "api key and version");
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(read_answer::<DescribeLogDirsResponse>(b"HTTP/1.1 400", 4).is_err());
    }

    #[tokio::test]
    async fn a_secured_cluster_and_a_broker_that_is_gone_are_told_apart() {
        let broker = BrokerAddress {
            id: 1,
            host: "127.0.0.1".to_owned(),
            port: 1,
        };
        let error_of = async |connection: &Connection| {
            let request = DescribeLogDirsRequest::default();
            let deadline = Duration::from_secs(5);
            ask::<DescribeLogDirsResponse>(connection, &broker, CALL, &request, deadline)
                .await
                .unwrap_err()
        };
        let plain = Connection::new("unused:1");
        assert_eq!(error_of(&plain).await.kind, crate::ErrorKind::Unreachable);
        let secured = plain
            .with_property_lines("security.protocol=SASL_SSL")
            .unwrap();
        let error = error_of(&secured).await;
        assert_eq!(error.code, codes::LOCAL_UNSUPPORTED_FEATURE);
        assert!(error.message.contains("SASL_SSL"), "{error}");
    }
}
