//! Certificates and a password are replaced under load, and nothing is lost.

use std::collections::BTreeMap;

use cluster_keys::Keys;
use cluster_tests::PATIENCE;
use cluster_tests::api::Answer;
use cluster_tests::services::Hosted;
use kafka_cluster::{Connection, KafkaCluster};
use local_cluster::{Cluster, wait_for_condition};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::services::healthy;
use super::{client, healthy_again, secured};

#[tokio::test(flavor = "multi_thread")]
async fn renewal_of_all_certificates_and_of_a_password_under_load_loses_nothing() {
    let (cluster, keys, _turn) = secured().await;
    let services = healthy(cluster).await;
    // Longer than the renewal takes: a run that begins with the old password in the second before its service
    // reads the new one would be refused.
    let load = Load::start(&services, 40);
    let before = shown_certificates(cluster, &keys).await;
    assert_eq!(before.len(), 6);
    let password = keys.password("load-test-service").unwrap();
    cluster.renew_certificates().await.unwrap();
    cluster.renew_password("load-test-service").await.unwrap();
    assert_ne!(keys.password("load-test-service").unwrap(), password);
    wait_for_condition("new certificates of all nodes", PATIENCE, || async {
        let now = shown_certificates(cluster, &keys).await;
        let old: Vec<_> = now
            .iter()
            .filter(|(node, shown)| before[*node] == **shown)
            .map(|(node, _)| node.as_str())
            .collect();
        match old.is_empty() {
            true => Ok(()),
            false => Err(format!("{} show their old ones", old.join(", "))),
        }
    })
    .await
    .unwrap();
    load.end_without_loss().await;
    // The service goes on with what it was given while it ran, and so does who comes now.
    let run = "/api/loadtest/run?eventCount=1000&topic=log-events";
    let report = services.load_test.post(run).await.ok_json(200);
    assert_eq!(report["acknowledged"], 1_000, "{report}");
    let again = client(cluster, "load-test-service");
    again.brokers(PATIENCE).await.unwrap();
    Keys::open(keys.dir()).unwrap().check_periods().unwrap();
}

/// As that leaves it, the password is new, and neither ZooKeeper nor its client has it.
#[tokio::test]
async fn a_renewal_that_was_interrupted_is_ended_by_whoever_comes_next() {
    let (cluster, keys, _turn) = secured().await;
    keys.renew_password("operator").unwrap();
    let told = || std::fs::read_to_string(keys.client("operator")).unwrap();
    assert!(!told().contains(&keys.password("operator").unwrap()));
    client(cluster, "operator").brokers(PATIENCE).await.unwrap();
    cluster.renew_certificates().await.unwrap();
    assert!(told().contains(&keys.password("operator").unwrap()));
    client(cluster, "operator").brokers(PATIENCE).await.unwrap();
}

/// Each broker restarts once; what the brokers logged in by before lets nobody in afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn renewal_of_the_brokers_own_password_broker_by_broker_under_load_loses_nothing() {
    let (cluster, keys, _turn) = secured().await;
    let services = healthy(cluster).await;
    let before = keys.broker_login().unwrap();
    let old = std::fs::read_to_string(keys.client(&before.name)).unwrap();
    let log_in = |properties: &str| {
        let connection = Connection::new(cluster.bootstrap()).with_property_lines(properties);
        KafkaCluster::connect(connection.unwrap()).unwrap()
    };
    log_in(&old).brokers(PATIENCE).await.unwrap();
    let load = Load::start(&services, 15);
    // Each pass is a call of its own: an interrupted renewal goes on where it was.
    let mut brokers = cluster.spec().broker_nodes();
    while let Some(broker) = brokers.first().copied() {
        assert_eq!(cluster.renew_broker_password().await.unwrap(), brokers);
        assert!(keys.broker_login().unwrap().changing);
        cluster.wait_in_sync(PATIENCE).await.unwrap();
        cluster.stop(broker).await.unwrap();
        cluster.start_node(broker).await.unwrap();
        // By the other name among those that still have the old one, and the other way round.
        cluster.wait_in_sync(PATIENCE).await.unwrap();
        brokers.remove(0);
    }
    assert_eq!(cluster.renew_broker_password().await.unwrap(), []);
    let after = keys.broker_login().unwrap();
    assert_eq!(
        (after.name.as_str(), after.changing),
        (before.other(), false)
    );

    let refused = log_in(&old).brokers(PATIENCE).await.unwrap_err();
    assert!(
        refused.to_string().contains("wrong name or password"),
        "{refused}"
    );
    for name in cluster_keys::BROKER_LOGINS {
        client(cluster, name).brokers(PATIENCE).await.unwrap();
    }
    load.end_without_loss().await;
    healthy_again(&services).await;
}

/// Verified loads, one after the other until it is ended.
struct Load {
    enough: CancellationToken,
    events: u64,
    runs: JoinHandle<Vec<Answer>>,
}

impl Load {
    fn start(services: &Hosted, seconds_each: u64) -> Self {
        let load_test = services.load_test.clone();
        let events = 3_000 * seconds_each;
        let run = format!(
            "/api/loadtest/run?eventCount={events}&rate=3000&topic=log-events&verify=true&profile=durable"
        );
        let enough = CancellationToken::new();
        let ended = enough.clone();
        let runs = tokio::spawn(async move {
            let mut answers = Vec::new();
            while !ended.is_cancelled() {
                answers.push(load_test.post(&run).await);
            }
            answers
        });
        Self {
            enough,
            events,
            runs,
        }
    }

    async fn end_without_loss(self) {
        self.enough.cancel();
        for answer in self.runs.await.unwrap() {
            let report = answer.ok_json(200);
            assert_eq!(report["acknowledged"], self.events, "{report}");
            println!("longest gap: {}", report["disturbances"]["longestGap"]);
            for what in ["lost", "duplicated", "outOfOrder", "corrupted"] {
                assert_eq!(report["verification"][what], 0, "{what}: {report}");
            }
        }
    }
}

/// What each node shows its clients now, by its name.
async fn shown_certificates(cluster: &Cluster, keys: &Keys) -> BTreeMap<String, Vec<u8>> {
    let own = keys.certificate("kafka-health-service");
    let tls = secure_stream::Tls::with_authorities(keys.authority()).with_certificate(own, None);
    let mut shown = BTreeMap::new();
    for node in cluster.spec().nodes() {
        let address = cluster.spec().client_address(node);
        let connected = tls.connect(&address.ip().to_string(), address.port()).await;
        let certificate = connected.unwrap().peer_certificate().unwrap();
        shown.insert(node.to_string(), certificate);
    }
    shown
}
