//! Who is refused at the brokers' door.

use std::path::Path;
use std::time::Duration;

use kafka_cluster::{Connection, ErrorKind, KafkaCluster, KafkaError};
use local_cluster::security::SUPER;

use super::rights::run;
use super::secured;

const DEADLINE: Duration = Duration::from_secs(5);
const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";

/// A CA that the cluster has never heard of, in a file of its own.
pub(crate) fn foreign_authority(dir: &Path) -> std::path::PathBuf {
    let wanted = cluster_keys::Wanted {
        certificates: [(
            "stranger".to_owned(),
            cluster_keys::Names {
                common: "kafka-broker".to_owned(),
                dns: vec![],
                addresses: vec![],
            },
        )]
        .into(),
        principals: [].into(),
        seen_at: dir.join("keys"),
    };
    cluster_keys::Keys::ensure(&dir.join("keys"), &wanted).unwrap();
    dir.join("keys")
}

/// The super user's settings with other lines in place of theirs.
pub(crate) fn settings(text: &str, changes: &[(&str, &str)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (name, value) in changes {
        lines.retain(|line| !line.starts_with(&format!("{name}=")));
        lines.push(format!("{name}={value}"));
    }
    lines.join("\n") + "\n"
}

async fn refusal(bootstrap: &str, properties: &str) -> KafkaError {
    let connection = Connection::new(bootstrap)
        .with_property_lines(properties)
        .unwrap();
    let stranger = KafkaCluster::connect(connection).unwrap();
    stranger.brokers(DEADLINE).await.unwrap_err()
}

#[tokio::test]
async fn brokers_refuse_plain_text_a_wrong_password_and_a_wrong_authority_each_in_words_of_its_own()
{
    let (cluster, keys, _turn) = secured().await;
    let dir = tempfile::tempdir().unwrap();
    let foreign = foreign_authority(dir.path()).join("ca.pem");
    let foreign = foreign.to_str().unwrap();
    let own = std::fs::read_to_string(keys.client(SUPER)).unwrap();
    let bootstrap = cluster.bootstrap();

    let login = "wrong name or password";
    let authority = "certificate of an unknown CA";
    for (name, servers, properties, kind, words) in [
        // Who speaks no TLS, or does not log in, is hung up on without a word.
        (
            "plain text",
            &bootstrap,
            String::new(),
            ErrorKind::Unreachable,
            "",
        ),
        (
            "no login",
            &bootstrap,
            settings(&own, &[("security.protocol", "ssl")]),
            ErrorKind::Unreachable,
            "",
        ),
        (
            "a wrong password",
            &bootstrap,
            settings(&own, &[("sasl.password", "wrong")]),
            ErrorKind::Unauthenticated,
            login,
        ),
        (
            "a wrong name",
            &bootstrap,
            settings(&own, &[("sasl.username", "nobody")]),
            ErrorKind::Unauthenticated,
            login,
        ),
        (
            "a wrong authority",
            &bootstrap,
            settings(&own, &[("ssl.ca.location", foreign)]),
            ErrorKind::Unauthenticated,
            authority,
        ),
        (
            "nobody there",
            &"127.0.0.1:1".to_owned(),
            own.clone(),
            ErrorKind::Unreachable,
            "",
        ),
    ] {
        let told = refusal(servers, &properties).await;
        assert_eq!(told.kind, kind, "{name}: {told:?}");
        assert!(told.message.contains(words), "{name}: {told:?}");
        for others in [login, authority] {
            let mixed_up = others != words && told.message.contains(others);
            assert!(!mixed_up, "{name}: {told:?}");
        }
    }
}

/// Kafka's own tools are Java, and share nothing with librdkafka.
#[tokio::test]
async fn kafkas_own_tools_are_refused_as_well() {
    let (cluster, keys, _turn) = secured().await;
    let dir = tempfile::tempdir().unwrap();
    let foreign = foreign_authority(dir.path()).join("ca.pem");
    let own = std::fs::read_to_string(keys.java_client(SUPER)).unwrap();
    // Java would try for a minute.
    let short = [
        ("default.api.timeout.ms", "6000"),
        ("request.timeout.ms", "5000"),
    ];
    for (name, changes, expected) in [
        ("its own", vec![], None),
        (
            "plain text",
            vec![("security.protocol", "PLAINTEXT")],
            Some("Timeout"),
        ),
        (
            "no login",
            vec![("security.protocol", "SSL")],
            Some("Timeout"),
        ),
        (
            "a wrong authority",
            vec![("ssl.truststore.location", foreign.to_str().unwrap())],
            Some("SslAuthenticationException"),
        ),
        (
            "a wrong password",
            vec![(
                "sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"super\" password=\"wrong\";",
            )],
            Some("SaslAuthenticationException"),
        ),
    ] {
        let file = dir.path().join("client.properties");
        let changes = [&changes[..], &short].concat();
        std::fs::write(&file, settings(&own, &changes)).unwrap();
        let told = run(cluster, TOPICS, file.to_str().unwrap(), &["--list"]).await;
        match (told, expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => {
                let error = error.to_string();
                assert!(error.contains(expected), "{name}: {error}");
            }
            (told, _) => panic!("{name}: {told:?}"),
        }
    }
}
