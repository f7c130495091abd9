//! The few calls that librdkafka lacks, asked of one broker over a connection of their own.
//!
//! The codecs are those of `kafka-protocol`, TLS and the login those of `secure-stream`, set by
//! librdkafka's own properties; this is the framing, the deadline, and the words for what goes wrong.
//! A mechanism that only librdkafka speaks (GSSAPI, OAUTHBEARER) is `LOCAL_UNSUPPORTED_FEATURE` here,
//! and who asks must be able to do without.

mod log_dirs;

pub use log_dirs::LogDirectory;

use std::time::Duration;

use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{
    Decodable, Encodable, HeaderVersion, StrBytes, encode_request_header_into_buffer,
};
use secure_stream::{BrokerSecurity, ConnectError, SecurityError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{BrokerAddress, Connection, KafkaError, codes, diagnosis};

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
/// `Unreachable` and `TimedOut` as everywhere; `LOCAL_AUTHENTICATION` where the login is refused,
/// `LOCAL_SSL` where TLS fails or a file of it cannot be used; `LOCAL_UNSUPPORTED_FEATURE` where only
/// librdkafka speaks the mechanism, or the broker does not speak this version.
pub(crate) async fn ask<A: Decodable + HeaderVersion>(
    connection: &Connection,
    broker: &BrokerAddress,
    call: Call,
    request: &impl Encodable,
    deadline: Duration,
) -> Result<A, KafkaError> {
    let operation = call.operation;
    let security = BrokerSecurity::from_properties(&connection.properties())
        .map_err(|error| unusable(operation, &error))?;
    let exchange = async {
        let frame = frame(request, call).map_err(|error| malformed(operation, &error))?;
        let answer = exchange(&security, broker, &frame)
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

/// Connects to `broker` as every call here does, and hangs up.
///
/// # Errors
/// As [`ask`].
pub(crate) async fn try_connection(
    connection: &Connection,
    operation: &'static str,
    broker: &BrokerAddress,
    deadline: Duration,
) -> Result<(), KafkaError> {
    let security = BrokerSecurity::from_properties(&connection.properties())
        .map_err(|error| unusable(operation, &error))?;
    let connecting = security.connect(&broker.host, broker.port);
    match tokio::time::timeout(deadline, connecting).await {
        Ok(connected) => connected
            .map(drop)
            .map_err(|error| lost(operation, broker, &error)),
        Err(_) => Err(KafkaError::of_read(operation, codes::LOCAL_TIMED_OUT, "")),
    }
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

async fn exchange(
    security: &BrokerSecurity,
    broker: &BrokerAddress,
    frame: &[u8],
) -> Result<Vec<u8>, ConnectError> {
    let mut stream = security.connect(&broker.host, broker.port).await?;
    stream.write_all(frame).await?;
    let length = stream.read_u32().await? as usize;
    if length > LARGEST_ANSWER {
        let message = format!("an answer of {length} bytes");
        return Err(ConnectError::Protocol(message));
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

fn lost(operation: &'static str, broker: &BrokerAddress, error: &ConnectError) -> KafkaError {
    let code = match error {
        ConnectError::Unreachable(_) | ConnectError::Protocol(_) => codes::LOCAL_TRANSPORT,
        ConnectError::AuthenticationFailed(_) => codes::LOCAL_AUTHENTICATION,
        ConnectError::UnknownAuthority(_)
        | ConnectError::Expired
        | ConnectError::NotYetValid
        | ConnectError::NameMismatch { .. }
        | ConnectError::Certificate(_)
        | ConnectError::ClientCertificate(_)
        | ConnectError::Tls(_)
        | ConnectError::File { .. } => codes::LOCAL_SSL,
    };
    let BrokerAddress { id, host, port } = broker;
    let message = match id {
        0.. => format!("broker {id} at {host}:{port}: {error}"),
        _ => format!("{host}:{port}: {error}"),
    };
    let message = match error {
        ConnectError::AuthenticationFailed(_) => diagnosis::of_login(message),
        _ => message,
    };
    KafkaError::of_read(operation, code, message)
}

fn unusable(operation: &'static str, error: &SecurityError) -> KafkaError {
    let code = match error {
        SecurityError::Missing(_) => codes::LOCAL_INVALID_ARG,
        SecurityError::UnsupportedValue { .. } | SecurityError::UnsupportedProperty(_) => {
            codes::LOCAL_UNSUPPORTED_FEATURE
        }
    };
    KafkaError::of_read(operation, code, error.to_string())
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

    fn broker() -> BrokerAddress {
        BrokerAddress {
            id: 1,
            host: "127.0.0.1".to_owned(),
            port: 1,
        }
    }

    async fn error_of(properties: &str) -> KafkaError {
        let connection = Connection::new("unused:1")
            .with_property_lines(properties)
            .unwrap();
        let request = DescribeLogDirsRequest::default();
        let deadline = Duration::from_secs(5);
        ask::<DescribeLogDirsResponse>(&connection, &broker(), CALL, &request, deadline)
            .await
            .unwrap_err()
    }

    #[tokio::test]
    async fn a_broker_that_is_gone_and_files_and_mechanisms_that_cannot_be_used_are_told_apart() {
        let gone = error_of("").await;
        assert_eq!(gone.kind, crate::ErrorKind::Unreachable);
        let no_file = error_of("security.protocol=SSL\nssl.ca.location=/nowhere/ca.pem").await;
        assert_eq!(no_file.code, codes::LOCAL_SSL);
        assert!(no_file.message.contains("/nowhere/ca.pem"), "{no_file}");
        let kerberos = error_of("security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI").await;
        assert_eq!(kerberos.code, codes::LOCAL_UNSUPPORTED_FEATURE);
        assert!(kerberos.message.contains("GSSAPI"), "{kerberos}");
    }

    #[test]
    fn a_refused_login_is_the_code_that_librdkafka_has_for_it() {
        let refused = ConnectError::AuthenticationFailed("no such user".to_owned());
        let error = lost("DescribeLogDirs", &broker(), &refused);
        assert_eq!(error.code, codes::LOCAL_AUTHENTICATION);
        assert_eq!(error.kind, crate::ErrorKind::Unauthenticated);
        assert!(
            error.message.ends_with("login refused: no such user"),
            "{error}"
        );
    }
}
