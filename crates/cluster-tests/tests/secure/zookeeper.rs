//! Who is refused by ZooKeeper: at its client port, at the ports by which its members talk, and, with a
//! certificate of the cluster's authority, by the rights on its nodes.

use std::net::SocketAddr;

use cluster_keys::Keys;
use cluster_tests::PATIENCE;
use local_cluster::security::SUPER;
use local_cluster::{Cluster, ports, wait_for_condition};
use secure_stream::{ConnectError, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::strangers::foreign_authority;
use super::{client, secured};

/// What Java says to who shows no certificate, and its client hands on.
const REFUSED_AT_THE_DOOR: &str = "fatal alert: bad_certificate";

#[tokio::test]
async fn zookeeper_speaks_only_with_who_shows_a_certificate_of_the_clusters_authority() {
    let (cluster, keys, _turn) = secured().await;
    for address in cluster.zookeepers() {
        only_with_a_certificate(address, &keys).await;
        let own = trusting(&keys).with_certificate(keys.certificate("kafka-health-service"), None);
        let answer = first_byte(&own, address).await.unwrap();
        assert_eq!(answer, b'Z', "the answer begins with its version");
    }
}

#[tokio::test]
async fn zookeepers_talk_to_each_other_only_with_who_shows_a_certificate() {
    let (cluster, keys, _turn) = secured().await;
    let (mut leaders, spec) = (0, cluster.spec());
    for node in spec.zookeeper_nodes() {
        let election = SocketAddr::from((spec.address, ports::election(node.number)));
        let quorum = SocketAddr::from((spec.address, ports::quorum(node.number)));
        only_with_a_certificate(election, &keys).await;
        // The leader alone listens there.
        if tokio::net::TcpStream::connect(quorum).await.is_ok() {
            leaders += 1;
            only_with_a_certificate(quorum, &keys).await;
        }
    }
    assert_eq!(leaders, 1);
}

/// A certificate of the authority opens the door, and no more than that: not the passwords, not the
/// root, whose rights decide who may delete what is right below it.
#[tokio::test]
async fn zookeepers_nodes_are_the_brokers_own_whatever_certificate_is_shown() {
    let (cluster, keys, _turn) = secured().await;
    let commands = [
        "get /config/users/super",
        "set /controller x",
        "delete /controller",
        "create /x",
        "create /zookeeper/x",
        "create /zookeeper/quota/x",
        "setAcl / world:anyone:cdrwa",
        "setAcl /controller world:anyone:cdrwa",
    ];
    for stranger in ["kafka-health-service", "zookeeper-1"] {
        let said = shell(cluster, &keys, Some(stranger), &commands).await;
        let refused = said.matches("Insufficient permission").count();
        assert_eq!(refused, commands.len(), "{stranger}: {said}");
    }
    let own = ["get /config/users/super", "ls /"];
    let said = shell(cluster, &keys, Some("kafka-1"), &own).await;
    assert!(said.contains("SCRAM-SHA-512"), "{said}");
    assert!(said.contains(" controller,"), "{said}");
    // The brokers are as well as before.
    client(cluster, SUPER).brokers(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn an_anonymous_write_is_refused() {
    let (cluster, keys, _turn) = secured().await;
    let said = shell(cluster, &keys, None, &["create /anonymous"]).await;
    assert!(said.contains(REFUSED_AT_THE_DOOR), "{said}");
    let there = shell(cluster, &keys, Some("kafka-1"), &["ls /"]).await;
    assert!(there.contains(" controller,"), "{there}");
    assert!(!there.contains("anonymous"), "{there}");
}

fn trusting(keys: &Keys) -> Tls {
    Tls::with_authorities(keys.authority())
}

/// What listens at `address` takes a certificate of the cluster's authority, and nothing else.
async fn only_with_a_certificate(address: SocketAddr, keys: &Keys) {
    let own = trusting(keys).with_certificate(keys.certificate("zookeeper-1"), None);
    connect(&own, address).await.unwrap();

    let mut plain = tokio::net::TcpStream::connect(address).await.unwrap();
    plain.write_all(b"srvr").await.unwrap();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut answer)).await;
    let _ = ended.expect("plain text ends the connection");
    // Nothing, or that it is no TLS. Source: RFC 8446, section 5.1, `alert(21)`.
    assert!(matches!(answer.first(), None | Some(21)), "{answer:?}");

    let dir = tempfile::tempdir().unwrap();
    let foreign = Keys::at(&foreign_authority(dir.path())).certificate("stranger");
    for (what, tls) in [
        ("no certificate", trusting(keys)),
        (
            "a foreign one",
            trusting(keys).with_certificate(foreign, None),
        ),
    ] {
        let refused = first_byte(&tls, address).await;
        assert!(
            matches!(refused, Err(ConnectError::ClientCertificate(_))),
            "{address}, {what}: {refused:?}"
        );
    }
}

async fn connect(tls: &Tls, address: SocketAddr) -> Result<secure_stream::Stream, ConnectError> {
    let host = address.ip().to_string();
    let connecting = tls.connect(&host, address.port());
    tokio::time::timeout(PATIENCE, connecting).await.unwrap()
}

/// In TLS 1.3 a refusal comes only with the first answer.
async fn first_byte(tls: &Tls, address: SocketAddr) -> Result<u8, ConnectError> {
    let mut stream = connect(tls, address).await?;
    stream.write_all(b"srvr").await?;
    let first = tokio::time::timeout(PATIENCE, stream.read_u8()).await;
    Ok(first.unwrap()?)
}

/// What Kafka's own ZooKeeper shell says to these commands, with this certificate or with none. A shell that
/// is refused at the door tries for ever: it is ended once it has said so.
async fn shell(
    cluster: &Cluster,
    keys: &Keys,
    certificate: Option<&str>,
    commands: &[&str],
) -> String {
    let layout = local_cluster::layout::Layout::find().unwrap();
    let java = local_cluster::java::Java::prepare(&layout).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    std::fs::write(file("settings"), settings(keys, certificate)).unwrap();
    std::fs::write(file("commands"), commands.join("\n") + "\n").unwrap();
    let log = std::fs::File::create(file("said")).unwrap();
    let mut shell = tokio::process::Command::new(&java.program)
        .args(java.tool_args("org.apache.zookeeper.ZooKeeperMainWithTlsSupportForKafka"))
        .arg("-zk-tls-config-file")
        .arg(file("settings"))
        .args(["-server", &cluster.zookeepers()[0].to_string()])
        .stdin(std::fs::File::open(file("commands")).unwrap())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let running = tokio::spawn(async move { shell.wait().await });
    let said = wait_for_condition("the shell to say something", PATIENCE, || async {
        let said = std::fs::read_to_string(file("said")).unwrap();
        match running.is_finished() || said.contains(REFUSED_AT_THE_DOOR) {
            true => Ok(said),
            false => Err(said),
        }
    })
    .await;
    running.abort();
    said.unwrap()
}

fn settings(keys: &Keys, certificate: Option<&str>) -> String {
    let mut lines = format!(
        "zookeeper.ssl.client.enable=true\n\
         zookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty\n\
         zookeeper.ssl.truststore.type=PEM\nzookeeper.ssl.truststore.location={}\n",
        keys.authority().display()
    );
    if let Some(name) = certificate {
        let file = keys.certificate(name);
        lines += "zookeeper.ssl.keystore.type=PEM\n";
        lines += &format!("zookeeper.ssl.keystore.location={}\n", file.display());
    }
    lines
}
