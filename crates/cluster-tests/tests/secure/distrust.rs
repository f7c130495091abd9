//! Services and brokers that do not trust each other: each reason is told by a code and in words of its
//! own, by the API and by health, and none of them as an unreachable cluster.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cluster_keys::Keys;
use cluster_tests::PATIENCE;
use cluster_tests::api::Answer;
use cluster_tests::services::{Services, Target, host};
use local_cluster::{Cluster, NodeId, wait_for_condition};
use secure_stream::ConnectError;
use serde_json::Value;

use super::rights::run;
use super::strangers::{foreign_authority, settings};
use super::{healthy_again, secured};

const CONFIGS: &str = "kafka.admin.ConfigCommand";
/// Where a broker finds the certificate that it shows its clients; told, it reads it again.
const CERTIFICATE: &str = "listener.name.external.ssl.keystore.location";
/// How long the certificate lasts that is to end: a broker is told of it by a tool that starts first.
const LASTS: Duration = Duration::from_secs(40);
const UNAUTHENTICATED: &str = "kafka_unauthenticated";
const EXPIRED: &str = "certificate has expired";
const REASON: &str = "broker_unauthenticated";

/// The keys as the services find them, with other settings for their clients and another authority.
fn changed(keys: &Keys, dir: &Path, changes: &[(&str, &str)], authority: &Path) -> Keys {
    let changed = Keys::at(dir);
    for part in ["clients", "certificates"] {
        std::fs::create_dir_all(dir.join(part)).unwrap();
    }
    for principal in cluster_keys::PRINCIPALS {
        let own = std::fs::read_to_string(keys.client(principal)).unwrap();
        let text = settings(&own, changes);
        cluster_keys::write_secret(&changed.client(principal), text.as_bytes()).unwrap();
    }
    let own = std::fs::read(keys.certificate(cluster_keys::HEALTH)).unwrap();
    let certificate = changed.certificate(cluster_keys::HEALTH);
    cluster_keys::write_secret(&certificate, &own).unwrap();
    std::fs::copy(authority, changed.authority()).unwrap();
    changed
}

/// What admin and load test say.
async fn ask(services: &Services) -> [Answer; 4] {
    let run = "/api/loadtest/run?eventCount=10&topic=log-events";
    // Each may wait for its deadline.
    tokio::join!(
        services.admin.get("/api/cluster"),
        services.admin.get("/api/topics/log-events"),
        services.admin.get("/api/groups"),
        services.load_test.post(run),
    )
    .into()
}

/// Whether all answers have this status, code and words.
fn all_say(answers: &[Answer], (status, code, words): (u16, &str, &str)) -> Result<(), String> {
    let says = |answer: &&Answer| {
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap_or_default();
        answer.status.as_u16() == status && problem["code"] == code && detail.contains(words)
    };
    let other = answers.iter().find(|answer| !says(answer));
    other.map_or(Ok(()), |answer| Err(answer.text.clone()))
}

/// What they say soon: on a busy machine the broker may not be asked in time for more than librdkafka's words.
async fn all_say_soon(services: &Services, said: (u16, &str, &str)) -> local_cluster::Result<()> {
    let ask = || async { all_say(&ask(services).await, said) };
    wait_for_condition("every service to say why", PATIENCE, ask).await
}

/// Health's answer, once it tells a reason of this code with these words.
async fn health_says(services: &Services, code: &str, words: &str) -> local_cluster::Result<Value> {
    wait_for_condition("health to say why", PATIENCE, || async {
        let health = services.health.get("/api/health").await.json();
        let reasons = health["reasons"].as_array().unwrap();
        let told = reasons.iter().any(|reason| {
            reason["code"] == code && reason["text"].as_str().unwrap().contains(words)
        });
        if told {
            Ok(health)
        } else {
            Err(health["reasons"].to_string())
        }
    })
    .await
}

fn codes(health: &Value) -> Vec<&str> {
    let reasons = health["reasons"].as_array().unwrap().iter();
    reasons
        .map(|reason| reason["code"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_an_unknown_authority_and_nobody_there_are_told_apart() {
    let (cluster, keys, _turn) = secured().await;
    let dir = tempfile::tempdir().unwrap();
    let foreign = foreign_authority(dir.path()).join("ca.pem");
    let with = |name: &str, changes: &[(&str, &str)], authority: &Path| Target {
        keys: Some(changed(&keys, &dir.path().join(name), changes, authority)),
        ..Target::of(cluster)
    };
    let password = with("password", &[("sasl.password", "wrong")], &keys.authority());
    let location = ("ssl.ca.location", foreign.to_str().unwrap());
    let authority = with("authority", &[location], &foreign);
    for (target, words) in [
        (password, "wrong name or password"),
        (authority, "certificate of an unknown CA"),
    ] {
        let services = host(&target);
        let said = (502, UNAUTHENTICATED, words);
        all_say_soon(&services, said).await.unwrap();
        let health = health_says(&services, REASON, words).await.unwrap();
        assert_eq!(health["status"], "UNKNOWN", "{health}");
    }
    let nobody = host(&Target {
        bootstrap: "127.0.0.1:1".to_owned(),
        ..Target::of(cluster)
    });
    all_say(&ask(&nobody).await, (503, "kafka_unreachable", "")).unwrap();
    let health = health_says(&nobody, "broker_unknown", "no broker was reached yet").await;
    let health = health.unwrap();
    assert!(!codes(&health).contains(&REASON), "{health}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_ended_is_told_as_that_until_it_is_renewed() {
    let (cluster, keys, _turn) = secured().await;
    let broker = NodeId::broker(1);
    show_one_that_ends(cluster, &keys).await;
    let services = host(&Target::of(cluster));
    let health = health_says(&services, REASON, EXPIRED).await;
    let ended = knows_the_end(&services).await;
    // The others answer as well as ever: who knows of this one only is not let in.
    let alone = host(&Target {
        bootstrap: cluster.spec().client_address(broker).to_string(),
        ..Target::of(cluster)
    });
    let answered = all_say_soon(&alone, (502, UNAUTHENTICATED, EXPIRED)).await;
    let told_alone = health_says(&alone, REASON, EXPIRED).await;

    // Mended before anything is judged, since other tests need it: nobody tells a broker whom nobody
    // connects to, so that it is started again.
    let _ = cluster.renew_certificates().await;
    cluster.stop(broker).await.unwrap();
    cluster.start_node(broker).await.unwrap();
    let deleted = configure(cluster, &keys, ["--delete-config", CERTIFICATE]).await;
    deleted.unwrap();
    let health = health.unwrap();
    assert_eq!(health["status"], "UNKNOWN", "{health}");
    assert_eq!(health["healthyBrokers"], 2, "{health}");
    answered.unwrap();
    told_alone.unwrap();
    ended.unwrap();
    healthy_again(&services).await;
    Keys::open(keys.dir()).unwrap().check_periods().unwrap();
}

/// Has the first broker show a certificate that ends, and waits for its end. Kafka takes none that has
/// ended already.
async fn show_one_that_ends(cluster: &Cluster, keys: &Keys) {
    keys.issue_for("kafka-1", LASTS).unwrap();
    let setting = format!("{CERTIFICATE}={}", keys.certificate("kafka-1").display());
    configure(cluster, keys, ["--add-config", &setting])
        .await
        .unwrap();
    let address = cluster.spec().client_address(NodeId::broker(1));
    let tls = secure_stream::Tls::with_authorities(keys.authority());
    wait_for_condition("the certificate to end", PATIENCE, || async {
        match tls.connect(&address.ip().to_string(), address.port()).await {
            Err(ConnectError::Expired) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
}

/// Waits for the metric of the first broker's certificate to tell a time that has passed: a service that
/// was never let in knows it as well.
async fn knows_the_end(services: &Services) -> local_cluster::Result<()> {
    wait_for_condition("the end of the certificate", PATIENCE, || async {
        let text = services.health.get("/metrics").await.text;
        let name = "certificate_not_after_timestamp_seconds{holder=\"broker 1\"} ";
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
        match values.next().map(|value| value.parse::<f64>().unwrap()) {
            Some(end) if end < now.as_secs_f64() => Ok(()),
            end => Err(format!("{end:?}")),
        }
    })
    .await
}

/// Changes the first broker's settings, as renewal does.
async fn configure(
    cluster: &Cluster,
    keys: &Keys,
    [option, value]: [&str; 2],
) -> local_cluster::Result<String> {
    let settings = keys.java_client(cluster_keys::SUPER);
    let settings = settings.to_str().unwrap();
    let arguments = ["--alter", "--entity-type", "brokers", "--entity-name", "1"];
    let arguments = [&arguments[..], &[option, value]].concat();
    run(cluster, CONFIGS, settings, &arguments).await
}
