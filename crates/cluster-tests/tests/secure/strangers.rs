//! Who is refused at the door: by brokers, and by ZooKeeper.

use std::path::Path;
use std::time::Duration;

use cluster_tests::secured::connection;
use kafka_cluster::{Connection, ErrorKind, KafkaCluster, KafkaError};
use local_cluster::security::SUPER;
use secure_stream::{ConnectError, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::rights::run;
use super::{client, secured};

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

async fn ask(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
) -> std::io::Result<String> {
    stream.write_all(b"srvr").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn zookeeper_speaks_only_with_who_shows_a_certificate_of_the_clusters_authority() {
    let (cluster, keys, _turn) = secured().await;
    let dir = tempfile::tempdir().unwrap();
    let foreign = foreign_authority(dir.path());
    let foreign = cluster_keys::Keys::at(&foreign).certificate("stranger");
    for address in cluster.zookeepers() {
        let (host, port) = (address.ip().to_string(), address.port());
        let plain = tokio::net::TcpStream::connect(address).await.unwrap();
        let answer = ask(plain).await.unwrap_or_default();
        assert!(!answer.contains("Mode: "), "{answer}");

        let trusting = || Tls::with_authorities(keys.authority());
        let own = trusting().with_certificate(keys.certificate("kafka-health-service"), None);
        let stream = own.connect(&host, port).await.unwrap();
        let answer = ask(stream).await.unwrap();
        assert!(answer.contains("Mode: "), "{answer}");

        for (name, tls) in [
            ("no certificate", trusting()),
            (
                "a foreign one",
                trusting().with_certificate(foreign.clone(), None),
            ),
        ] {
            // In TLS 1.3 the refusal comes with the first answer.
            let answer = match tls.connect(&host, port).await {
                Ok(stream) => ask(stream).await.map_err(|error| error.to_string()),
                Err(error @ (ConnectError::ClientCertificate(_) | ConnectError::Tls(_))) => {
                    Err(error.to_string())
                }
                Err(error) => panic!("{name}: {error:?}"),
            };
            let told = answer.unwrap_or_default();
            assert!(!told.contains("Mode: "), "{name}: {told}");
        }
    }
}

/// ZooKeeper's own shell, with and without a certificate.
#[tokio::test]
async fn zookeepers_data_are_the_brokers_own() {
    let (cluster, keys, _turn) = secured().await;
    let address = cluster.zookeepers()[0].to_string();
    let layout = local_cluster::layout::Layout::find().unwrap();
    let java = local_cluster::java::Java::prepare(&layout).await.unwrap();
    let shell = async |certificate: Option<&str>, command: &[&str]| {
        let mut arguments: Vec<String> = vec![
            "-cp".into(),
            java.jars.class_path_argument(),
            "-Dzookeeper.client.secure=true".into(),
            "-Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty".into(),
            "-Dzookeeper.ssl.trustStore.type=PEM".into(),
            format!(
                "-Dzookeeper.ssl.trustStore.location={}",
                keys.authority().display()
            ),
        ];
        if let Some(name) = certificate {
            let file = keys.certificate(name);
            arguments.push("-Dzookeeper.ssl.keyStore.type=PEM".into());
            arguments.push(format!(
                "-Dzookeeper.ssl.keyStore.location={}",
                file.display()
            ));
        }
        arguments.extend(
            [
                "org.apache.zookeeper.ZooKeeperMain",
                "-timeout",
                "3000",
                "-server",
                &address,
            ]
            .map(str::to_owned),
        );
        arguments.extend(command.iter().map(ToString::to_string));
        let mut tool = tokio::process::Command::new(&java.program);
        tool.args(arguments).kill_on_drop(true);
        // Refused, the shell tries for ever.
        let output = tokio::time::timeout(Duration::from_secs(15), tool.output()).await;
        output.ok().map(|output| {
            let output = output.unwrap();
            format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
        })
    };
    let users = ["get", "/config/users/super"];
    let own = shell(Some("kafka-1"), &users).await.unwrap();
    assert!(own.contains("SCRAM-SHA-512"), "{own}");
    let health = shell(Some("kafka-health-service"), &users).await.unwrap();
    assert!(health.contains("Insufficient permission"), "{health}");
    let write = ["set", "/controller", "x"];
    let health = shell(Some("kafka-health-service"), &write).await.unwrap();
    assert!(health.contains("Insufficient permission"), "{health}");
    let anonymous = shell(None, &users).await.unwrap_or_default();
    assert!(!anonymous.contains("SCRAM-SHA-512"), "{anonymous}");
    // The brokers are as well as before.
    client(cluster, SUPER).brokers(DEADLINE).await.unwrap();
    let _ = connection(&cluster.bootstrap(), &keys.client(SUPER));
}
