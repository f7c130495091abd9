//! The OpenAPI document of each service against the running service. Every answer to any test is held
//! to it as well (`cluster_tests::document`).

use cluster_tests::api::Api;
use cluster_tests::services::shared_services;
use serde_json::Value;

async fn document(api: &Api) -> Value {
    let document = api.get("/api-docs/openapi.json").await.ok_json(200);
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3."),
        "{document}"
    );
    document
}

#[tokio::test]
async fn every_row_of_the_contract_is_documented() {
    let services = shared_services().await;
    let rows: [(&Api, &[(&str, &str)]); 3] = [
        (
            &services.admin,
            &[
                ("/api/topics", "get"),
                ("/api/topics", "post"),
                ("/api/topics/{name}", "get"),
                ("/api/topics/{name}", "delete"),
            ],
        ),
        (
            &services.health,
            &[("/api/health", "get"), ("/api/health/status", "get")],
        ),
        (
            &services.load_test,
            &[
                ("/api/loadtest/run", "post"),
                ("/api/loadtest/stats", "get"),
                ("/api/loadtest/sweep", "post"),
                ("/api/loadtest/compare", "post"),
                ("/api/loadtest/runs", "get"),
                ("/api/loadtest/runs/{id}", "get"),
                ("/api/loadtest/runs/{id}", "delete"),
                ("/api/loadtest/runs/{id}/progress", "get"),
                ("/api/loadtest/reset", "post"),
            ],
        ),
    ];
    for (api, rows) in rows {
        let document = document(api).await;
        for (path, method) in rows {
            let operation = &document["paths"][path][method];
            assert!(operation.is_object(), "{method} {path} is not documented");
            assert!(
                operation["responses"].as_object().unwrap().len() > 1,
                "{operation}"
            );
        }
    }
}

#[tokio::test]
async fn every_documented_route_is_there() {
    let services = shared_services().await;
    for api in [&services.admin, &services.health, &services.load_test] {
        let document = document(api).await;
        for (path, operations) in document["paths"].as_object().unwrap() {
            if operations["get"].is_object() {
                let filled = path
                    .replace("{name}", "log-events")
                    .replace("{groupId}", "log-processor")
                    .replace("{id}", "1");
                let answer = api.get_beginning(&filled).await;
                let code = answer.json_code();
                assert_ne!(code.as_deref(), Some("route_not_found"), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn swagger_ui_is_served_without_the_internet() {
    let services = shared_services().await;
    for api in [&services.admin, &services.health, &services.load_test] {
        let page = api.get("/swagger-ui/").await;
        assert_eq!(page.status.as_u16(), 200);
        assert!(page.text.contains("swagger-ui"), "{}", page.text);
        assert!(
            !page.text.contains("https://"),
            "it loads from elsewhere: {}",
            page.text
        );
        let script = api.get("/swagger-ui/swagger-ui-bundle.js").await;
        assert!(script.status.is_success() && script.text.len() > 100_000);
    }
}
