//! The canary on a cluster that is in order.

use cluster_tests::names::unique;
use cluster_tests::services::{Target, host};
use cluster_tests::{PATIENCE, client, kafka_tool, shared};
use local_cluster::wait_for_condition;

/// The value of a series.
fn value(metrics: &str, series: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series))?;
    line.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broker_gets_records_and_all_of_them_come_back() {
    let (_, local) = shared().await;
    let topic = unique("__health_canary");
    let services = host(&Target {
        canary: Some(topic.clone()),
        ..Target::of(local)
    });
    let text = wait_for_condition("ten good records of each broker", PATIENCE, || async {
        let text = services.health.get("/metrics").await.text;
        let good = (1..=3).map(|id| {
            let series = format!("kafka_canary_good_total{{broker_id=\"{id}\"}}");
            value(&text, &series).unwrap_or(0.0)
        });
        if good.clone().all(|good| good >= 10.0) {
            Ok(text)
        } else {
            Err(format!("{:?}", good.collect::<Vec<_>>()))
        }
    })
    .await
    .unwrap();
    for id in 1..=3 {
        for bad in ["failed", "lost", "duplicated", "corrupted"] {
            let labels = format!("{{broker_id=\"{id}\",outcome=\"{bad}\"}}");
            let series = format!("kafka_canary_outcomes_total{labels}");
            assert_eq!(value(&text, &series), Some(0.0), "{series}: {text}");
        }
        for histogram in ["produce", "round_trip"] {
            let series = format!("kafka_canary_{histogram}_seconds_count{{broker_id=\"{id}\"}}");
            assert!(value(&text, &series).unwrap() >= 10.0, "{series}: {text}");
        }
    }
    // The rest of what this service sees may not be reachable from here, as in Compose.
    let health = services.health.get("/api/health").await.json();
    assert_eq!(health["checks"]["canary"]["status"], "HEALTHY", "{health}");

    // Kafka's own tool: one partition led by each, three copies.
    let arguments = ["--describe", "--topic", &topic];
    let class = "org.apache.kafka.tools.TopicCommand";
    let told = kafka_tool(class, &local.bootstrap(), &arguments).await;
    for id in 1..=3 {
        assert!(told.contains(&format!("Leader: {id}\t")), "{told}");
    }
    assert!(told.contains("ReplicationFactor: 3"), "{told}");
    drop(services);
    let cluster = client(&local.bootstrap());
    cluster.delete_topic(&topic, PATIENCE).await.unwrap();
}
