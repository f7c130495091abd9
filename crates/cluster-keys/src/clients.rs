//! Settings of a client that connects as one principal: for librdkafka, and for Java.

use std::path::Path;

/// A properties file of librdkafka (kcat `-F`, `KAFKA_PROPERTIES_FILE` of the services).
/// librdkafka before 2.0 looks at no broker's name unless it is told to.
/// Source: librdkafka `CONFIGURATION.md`.
pub fn librdkafka(principal: &str, password: &str, authority: &Path) -> String {
    format!(
        "security.protocol=sasl_ssl\n\
         sasl.mechanism=SCRAM-SHA-512\n\
         sasl.username={principal}\n\
         sasl.password={password}\n\
         ssl.endpoint.identification.algorithm=https\n\
         ssl.ca.location={}\n",
        authority.display()
    )
}

/// A properties file of Java clients (`--command-config` of Kafka's own tools).
/// Source: Kafka documentation, "Authentication using SASL/SCRAM", and KIP-651 for PEM.
pub fn java(principal: &str, password: &str, authority: &Path) -> String {
    format!(
        "security.protocol=SASL_SSL\n\
         sasl.mechanism=SCRAM-SHA-512\n\
         sasl.jaas.config={}\n\
         ssl.truststore.type=PEM\n\
         ssl.truststore.location={}\n",
        scram_login(principal, password),
        authority.display()
    )
}

/// The line by which a Java client or a broker logs in.
pub fn scram_login(principal: &str, password: &str) -> String {
    format!(
        "org.apache.kafka.common.security.scram.ScramLoginModule required \
         username=\"{principal}\" password=\"{password}\";"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_client_are_told_the_same() {
        let authority = Path::new("/k/ca.pem");
        let native = librdkafka("operator", "secret", authority);
        assert!(native.contains("sasl.username=operator\nsasl.password=secret\n"));
        let java = java("operator", "secret", authority);
        assert!(java.contains("required username=\"operator\" password=\"secret\";\n"));
        for text in [native, java] {
            assert!(text.ends_with("=/k/ca.pem\n"), "{text}");
        }
    }
}
