//! Certificates and a password are replaced under load, and nothing is lost.

use std::collections::BTreeMap;

use cluster_keys::Keys;
use local_cluster::{Cluster, wait_for_condition};

use super::services::healthy;
use super::{client, secured};
use cluster_tests::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn renewal_of_all_certificates_and_of_a_password_under_load_loses_nothing() {
    let (cluster, keys, _turn) = secured().await;
    let services = healthy(cluster).await;
    // 40 s: longer than the renewal takes.
    let run = "/api/loadtest/run?eventCount=120000&rate=3000&topic=log-events&verify=true&profile=durable";
    let running = tokio::spawn({
        let load_test = services.load_test.clone();
        async move { load_test.post(run).await }
    });
    let before = shown_certificates(cluster, &keys).await;
    assert_eq!(before.len(), 6);
    let password = keys.password("load-test-service").unwrap();
    cluster.renew_certificates().await.unwrap();
    cluster.renew_password("load-test-service").await.unwrap();
    assert!(!running.is_finished(), "the renewal was to be under load");
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
    let report = running.await.unwrap().ok_json(200);
    assert_eq!(report["acknowledged"], 120_000, "{report}");
    println!("longest gap: {}", report["disturbances"]["longestGap"]);
    for what in ["lost", "duplicated", "outOfOrder", "corrupted"] {
        assert_eq!(report["verification"][what], 0, "{what}: {report}");
    }
    // The service goes on with what it was given while it ran, and so does who comes now.
    let run = "/api/loadtest/run?eventCount=1000&topic=log-events";
    let report = services.load_test.post(run).await.ok_json(200);
    assert_eq!(report["acknowledged"], 1_000, "{report}");
    let again = client(cluster, "load-test-service");
    again.brokers(PATIENCE).await.unwrap();
    Keys::open(keys.dir()).unwrap().check_periods().unwrap();
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
