//! Settings: what is not named stays as it is.

use cluster_tests::records::new_topic;
use cluster_tests::{PATIENCE, kafka_tool, shared};
use kafka_cluster::{ConfigChange, ConfigSource, ErrorKind};

#[tokio::test]
async fn changing_one_setting_leaves_the_others_as_they_are() {
    let (cluster, local) = shared().await;
    let name = new_topic(&cluster, 1).await;
    let change = ConfigChange::Set {
        name: "retention.ms".to_owned(),
        value: "7200000".to_owned(),
    };
    cluster
        .alter_topic_configs(&name, &[change], PATIENCE)
        .await
        .unwrap();
    let described = kafka_tool(
        "kafka.admin.ConfigCommand",
        &local.bootstrap(),
        &[
            "--describe",
            "--entity-type",
            "topics",
            "--entity-name",
            &name,
        ],
    )
    .await;
    assert!(described.contains("retention.ms=7200000"), "{described}");
    assert!(
        described.contains("min.insync.replicas=2"),
        "it was reset: {described}"
    );
}

#[tokio::test]
async fn a_reset_setting_falls_back_to_its_default() {
    let (cluster, _) = shared().await;
    let name = new_topic(&cluster, 1).await;
    let source = async || {
        let mut answers = cluster.topic_configs(&[&name], PATIENCE).await.unwrap();
        let entries = answers.pop().unwrap().unwrap();
        entries
            .into_iter()
            .find(|entry| entry.name == "min.insync.replicas")
            .unwrap()
            .source
    };
    assert_eq!(source().await, ConfigSource::DynamicTopicConfig);
    let reset = ConfigChange::Reset {
        name: "min.insync.replicas".to_owned(),
    };
    cluster
        .alter_topic_configs(&name, &[reset], PATIENCE)
        .await
        .unwrap();
    assert_eq!(source().await, ConfigSource::StaticBrokerConfig);
}

#[tokio::test]
async fn a_value_that_kafka_refuses_is_an_error_and_not_ok() {
    let (cluster, _) = shared().await;
    let name = new_topic(&cluster, 1).await;
    let change = ConfigChange::Set {
        name: "retention.ms".to_owned(),
        value: "soon".to_owned(),
    };
    let error = cluster
        .alter_topic_configs(&name, &[change], PATIENCE)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert_eq!(error.name, "INVALID_CONFIG");
}
