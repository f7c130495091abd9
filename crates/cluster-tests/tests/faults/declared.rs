//! On a cluster that nobody else changes: its whole export, applied, changes nothing.

use cluster_tests::services::{Target, host};
use local_cluster::lease_for_faults;
use reqwest::Method;

#[tokio::test]
async fn the_export_of_the_whole_cluster_is_no_change() {
    let local = lease_for_faults().await.unwrap();
    let services = host(&Target::of(&local));
    let admin = &services.admin;
    let document = admin.get("/api/topics/export").await;
    assert_eq!(document.status.as_u16(), 200, "{}", document.text);
    for declared in ["log-events", "audit-logs"] {
        let line = format!("- name: {declared}\n");
        assert!(document.text.contains(&line), "{}", document.text);
    }
    let send = async |path: &str| {
        let body = Some(("application/yaml", document.text.clone()));
        admin.send(Method::POST, path, body).await.ok_json(200)
    };
    let plan = send("/api/plan").await;
    assert_eq!(plan["changes"], false, "{plan}");
    assert_eq!(
        plan["topicsNotNamed"].as_array().unwrap().len(),
        0,
        "{plan}"
    );
    let hash = plan["hash"].as_str().unwrap();
    let applied = send(&format!("/api/apply?hash={hash}")).await;
    assert_eq!(applied["changed"], false, "{applied}");
}
