//! Certificates and a password are replaced under load, and nothing is lost.

use cluster_keys::Keys;
use local_cluster::wait_for_condition;

use super::services::healthy;
use super::{client, secured};
use cluster_tests::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn renewal_of_all_certificates_and_of_a_password_under_load_loses_nothing() {
    let (cluster, keys, _turn) = secured().await;
    let services = healthy(cluster).await;
    let run =
        "/api/loadtest/run?eventCount=60000&rate=3000&topic=log-events&verify=true&profile=durable";
    let running = tokio::spawn({
        let load_test = services.load_test.clone();
        async move { load_test.post(run).await }
    });
    let (shown, password) = (
        shown_certificate(cluster, &keys).await,
        keys.password("load-test-service").unwrap(),
    );
    cluster.renew_certificates().await.unwrap();
    cluster.renew_password("load-test-service").await.unwrap();
    assert_ne!(keys.password("load-test-service").unwrap(), password);
    wait_for_condition(
        "the brokers to show their new certificates",
        PATIENCE,
        || async {
            match shown_certificate(cluster, &keys).await == shown {
                true => Err("it is the old one".to_owned()),
                false => Ok(()),
            }
        },
    )
    .await
    .unwrap();
    let report = running.await.unwrap().ok_json(200);
    assert_eq!(report["acknowledged"], 60_000, "{report}");
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

/// What the first broker shows its clients now.
async fn shown_certificate(cluster: &local_cluster::Cluster, keys: &Keys) -> Vec<u8> {
    let address = cluster
        .spec()
        .client_address(local_cluster::NodeId::broker(1));
    let tls = secure_stream::Tls::with_authorities(keys.authority());
    let stream = tls
        .connect(&address.ip().to_string(), address.port())
        .await
        .unwrap();
    stream.peer_certificate().unwrap()
}
