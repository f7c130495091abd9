//! What Prometheus sees of a cluster under load: every target is up, every rule and panel names
//! metrics that somebody exports, and every panel shows data. The same holds for the Prometheus of
//! a stack that was started by other means (`TEST_PROMETHEUS`).

use cluster_tests::PATIENCE;
use cluster_tests::dashboards::{self, Dashboard};
use cluster_tests::names::unique;
use cluster_tests::prometheus::Prometheus;
use cluster_tests::promql::metric_names;
use cluster_tests::services::Services;
use local_cluster::{shared, wait_for_condition};

use super::http::group_classes::{commit, topic as topic_with_records};

/// Made by Prometheus itself, and only while an alert is pending or firing.
const MADE_BY_PROMETHEUS: &str = "ALERTS";
/// Of secured clusters only, where a test of those sees it.
const OF_SECURED_CLUSTERS: &str = "certificate_not_after_timestamp_seconds";

/// Panels that are empty on a healthy cluster, each with the reason. None is: what can be empty
/// (failures, errors) is exported as 0 or is provoked here.
const EMPTY_WHEN_HEALTHY: &[(&str, &str)] = &[];

/// Some seconds of load, a topic made and deleted, an error: something of everything that is shown.
async fn load(services: &Services) {
    let topic = unique("dashboards");
    let create = format!("/api/topics?topicName={topic}&partitions=3&replicationFactor=3");
    services.admin.post(&create).await.ok_json(201);
    let run = "/api/loadtest/run?topic=log-events&eventCount=2000&rate=1000";
    let (_, turn) = super::http::load_test::turn().await;
    services.load_test.post(run).await.ok_json(200);
    drop(turn);
    for api in [&services.admin, &services.health, &services.load_test] {
        api.get("/no/such/route").await;
    }
    services.admin.delete(&format!("/api/topics/{topic}")).await;
}

/// Every query of every panel, with the place to name it by.
fn panel_queries(dashboards: &[Dashboard]) -> Vec<(String, String)> {
    let of_dashboard = |dashboard: &Dashboard| {
        let panels = dashboard.panels().flat_map(|panel| {
            let title = panel["title"].as_str().unwrap_or_default();
            let queries = dashboard.queries(panel).into_iter();
            let place = format!("{} {title:?}", dashboard.file);
            queries
                .filter(|_| !EMPTY_WHEN_HEALTHY.contains(&(dashboard.file.as_str(), title)))
                .map(|query| (place.clone(), query))
                .collect::<Vec<_>>()
        });
        panels.collect::<Vec<_>>()
    };
    dashboards.iter().flat_map(of_dashboard).collect()
}

/// Which of `queries` have no data now, each with the reason.
async fn without_data(
    prometheus: &Prometheus,
    queries: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let mut empty = Vec::new();
    for (place, query) in queries {
        match prometheus.series(&query).await {
            Ok(1..) => {}
            Ok(0) => empty.push((place, query)),
            Err(error) => panic!("{place}: {error}"),
        }
    }
    empty
}

#[tokio::test]
async fn every_panel_shows_data_and_no_rule_names_what_nobody_exports() {
    let services = super::http::health::healthy().await;
    let prometheus = Prometheus::of(shared().await.unwrap(), services);
    wait_for_condition("every target up", PATIENCE, || async {
        let targets = prometheus.targets().await?;
        let up = targets.iter().filter(|(_, health)| health == "up").count();
        // Three brokers, three ZooKeepers, three services, Prometheus.
        (up >= 10 && up == targets.len())
            .then_some(())
            .ok_or_else(|| format!("{targets:?}"))
    })
    .await
    .unwrap();

    // A group for which records wait that retention will delete, and one that has caught up.
    let topic = topic_with_records().await;
    commit(&unique("dashboards"), &topic, 0).await;
    commit(&unique("dashboards"), &topic, 100).await;

    let dashboards = dashboards::all();
    // A panel that has shown data once is good; rates come and go with the load.
    let mut missing = panel_queries(&dashboards);
    for _ in 0..10 {
        load(services).await;
        missing = without_data(&prometheus, missing).await;
        if missing.is_empty() {
            break;
        }
    }
    assert!(missing.is_empty(), "no data under load: {missing:#?}");

    for dashboard in &dashboards {
        for variable in dashboard.variables() {
            let path = format!("/api/v1/label/{}/values", variable.label);
            let values = prometheus
                .get(&path, &[("match[]", &variable.metric)])
                .await
                .unwrap();
            assert!(values[0].is_string(), "{}: {variable:?}", dashboard.file);
        }
    }

    let exported = prometheus.metric_names().await.unwrap();
    let rules = prometheus.rules().await.unwrap();
    assert!(rules.len() >= 15, "{rules:?}");
    let annotations = dashboards.iter().flat_map(|dashboard| {
        let queries = dashboard.annotations().into_iter();
        queries.map(|query| (dashboard.file.clone(), query))
    });
    let unknown: Vec<String> = rules
        .into_iter()
        .chain(panel_queries(&dashboards))
        .chain(annotations)
        .flat_map(|(place, expression)| {
            let names = metric_names(&expression).into_iter();
            let elsewhere = [MADE_BY_PROMETHEUS, OF_SECURED_CLUSTERS];
            let unknown = names
                .filter(|name| !elsewhere.contains(&name.as_str()) && !exported.contains(name));
            unknown
                .map(|name| format!("{place}: nobody exports {name}"))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}
