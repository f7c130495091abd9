//! Declared state: exported, planned, applied, and nothing touched that the document does not name.

use cluster_tests::api::{Answer, Api};
use cluster_tests::names::unique;
use cluster_tests::services::shared_services;
use reqwest::Method;

use super::with_topic;

async fn send(admin: &Api, path: &str, document: &str) -> Answer {
    let body = Some(("application/yaml", document.to_owned()));
    admin.send(Method::POST, path, body).await
}

#[tokio::test]
async fn an_exported_document_changes_nothing_when_it_is_applied() {
    let (admin, topic) = with_topic().await;
    let exported = admin
        .get(&format!("/api/topics/export?prefix={topic}"))
        .await;
    assert_eq!(exported.header("content-type"), "application/yaml");
    assert!(
        exported.text.contains(&format!("- name: {topic}")),
        "{}",
        exported.text
    );
    let plan = send(admin, "/api/plan", &exported.text).await.ok_json(200);
    assert_eq!(plan["changes"], false, "{plan}");
    let not_named = plan["topicsNotNamed"].as_array().unwrap();
    assert!(not_named.iter().any(|name| name == "log-events"), "{plan}");
    let apply = format!("/api/apply?hash={}", plan["hash"].as_str().unwrap());
    let applied = send(admin, &apply, &exported.text).await.ok_json(200);
    assert_eq!(applied["changed"], false, "{applied}");
    // The topics of kafka/topics.yml are in the export of all, as they are declared there.
    let all = admin.get("/api/topics/export").await.text;
    assert!(
        all.contains("  - name: log-events\n    partitions: 12\n    replicationFactor: 3\n"),
        "{all}"
    );
    assert!(all.contains("      compression.type: snappy\n"), "{all}");
}

#[tokio::test]
async fn a_document_makes_changes_and_deletes_what_it_names_and_leaves_the_rest_alone() {
    let (admin, old) = with_topic().await;
    let (_, bystander) = with_topic().await;
    let (one, two) = (unique("declared"), unique("declared"));
    let document = |partitions: u32, retention: u32, deletes: &str| {
        format!(
            "topics:\n  - name: {one}\n    partitions: {partitions}\n    replicationFactor: 3\n    \
             configs:\n      retention.ms: {retention}\n  - {{name: {two}, partitions: 1, \
             replicationFactor: 3}}\n{deletes}"
        )
    };
    let first = document(2, 60000, "");
    let plan = send(admin, "/api/plan", &first).await.ok_json(200);
    assert_eq!(plan["topics"][0]["action"], "create", "{plan}");
    let only = send(admin, "/api/apply?validateOnly=true", &first).await;
    assert_eq!(only.ok_json(200), plan, "the same plan, and nothing done");
    let outdated = send(admin, "/api/apply?validateOnly=true&hash=0", &first).await;
    outdated.problem(412, "plan_outdated");
    let outdated = send(admin, "/api/apply?hash=0", &first).await;
    let hash = outdated.problem(412, "plan_outdated")["hash"].clone();
    assert_eq!(hash, plan["hash"], "nothing moved");
    let apply = |hash: &serde_json::Value| format!("/api/apply?hash={}", hash.as_str().unwrap());
    let applied = send(admin, &apply(&hash), &first).await.ok_json(200);
    assert_eq!(applied["topics"][1]["outcome"], "done", "{applied}");
    let moved = send(admin, &apply(&hash), &first).await;
    moved.problem(412, "plan_outdated");

    let second = document(3, 90000, &format!("deletes: [{old}]\n"));
    let plan = send(admin, "/api/plan", &second).await.ok_json(200);
    let fields = plan["topics"][0]["changes"].as_array().unwrap().iter();
    let fields: Vec<_> = fields.map(|change| &change["field"]).collect();
    assert_eq!(fields, ["partitions", "configs.retention.ms"], "{plan}");
    let applied = send(admin, &apply(&plan["hash"]), &second)
        .await
        .ok_json(200);
    let outcomes = applied["topics"].as_array().unwrap().iter();
    let outcomes: Vec<_> = outcomes.map(|topic| &topic["outcome"]).collect();
    assert_eq!(outcomes, ["done", "unchanged", "done"], "{applied}");
    let shown = admin.get(&format!("/api/topics/{one}")).await.ok_json(200);
    assert_eq!(shown["partitionCount"], 3, "{shown}");
    admin
        .get(&format!("/api/topics/{old}"))
        .await
        .problem(404, "topic_not_found");
    admin
        .get(&format!("/api/topics/{bystander}"))
        .await
        .ok_json(200);
    let plan = send(admin, "/api/plan", &second).await.ok_json(200);
    assert_eq!(plan["changes"], false, "{plan}");

    let third = document(4, 90000, "");
    let plan = send(admin, "/api/plan", &third).await.ok_json(200);
    let body = r#"{"configs": {"segment.ms": "3600000"}}"#;
    let configs = format!("/api/topics/{one}/configs");
    let by_somebody_else = admin.patch_json(&configs, body).await;
    by_somebody_else.ok_json(200);
    let outdated = send(admin, &apply(&plan["hash"]), &third).await;
    outdated.problem(412, "plan_outdated");
    let shown = admin.get(&format!("/api/topics/{one}")).await.ok_json(200);
    assert_eq!(shown["partitionCount"], 3, "nothing was done: {shown}");

    let impossible = document(1, 90000, "");
    let plan = send(admin, "/api/plan", &impossible).await.ok_json(200);
    let refused = send(admin, &apply(&plan["hash"]), &impossible).await;
    let problem = refused.problem(422, "cannot_apply");
    assert_eq!(
        problem["errors"][0]["field"],
        format!("{one}.partitions"),
        "{problem}"
    );
}

/// Documents made at random, each planned and applied: whatever they make, change and delete, a topic that
/// they do not name stays as it is.
#[tokio::test]
async fn an_unnamed_topic_survives_every_apply() {
    let (admin, bystander) = with_topic().await;
    let shown = async || {
        let path = format!("/api/topics/{bystander}");
        admin.get(&path).await.ok_json(200)
    };
    let before = shown().await;
    let names: Vec<String> = (0..4).map(|_| unique("random")).collect();
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed.into());
    let mut partitions = vec![0; names.len()];
    for round in 0..10 {
        let (mut topics, mut deletes) = (String::new(), Vec::new());
        for (name, partitions) in names.iter().zip(&mut partitions) {
            match random.u8(0..4) {
                // Not named at all this time.
                0 => {}
                1 if *partitions > 0 => {
                    deletes.push(name.as_str());
                    *partitions = 0;
                }
                _ => {
                    *partitions += random.i32(0..2);
                    *partitions = (*partitions).max(1);
                    let retention = random.u32(1..100) * 60_000;
                    topics += &format!(
                        "  - name: {name}\n    partitions: {partitions}\n    replicationFactor: 3\n    \
                         configs: {{retention.ms: {retention}}}\n"
                    );
                }
            }
        }
        let topics = if topics.is_empty() {
            " []\n".to_owned()
        } else {
            format!("\n{topics}")
        };
        let document = format!("topics:{topics}deletes: [{}]\n", deletes.join(", "));
        let plan = send(admin, "/api/plan", &document).await.ok_json(200);
        let apply = format!("/api/apply?hash={}", plan["hash"].as_str().unwrap());
        let applied = send(admin, &apply, &document).await;
        assert_eq!(
            applied.status.as_u16(),
            200,
            "round {round}: {document}{}",
            applied.text
        );
        let again = send(admin, "/api/plan", &document).await.ok_json(200);
        assert_eq!(again["changes"], false, "round {round}: {document}{again}");
        assert_eq!(shown().await, before, "round {round}: {document}");
        for (name, partitions) in names.iter().zip(&partitions) {
            let answer = admin.get(&format!("/api/topics/{name}")).await;
            let there = if *partitions == 0 { 404 } else { 200 };
            assert_eq!(
                answer.status.as_u16(),
                there,
                "round {round}: {document}{}",
                answer.text
            );
        }
    }
    for (name, _) in names
        .iter()
        .zip(&partitions)
        .filter(|(_, count)| **count > 0)
    {
        admin.delete(&format!("/api/topics/{name}")).await;
    }
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_told_with_its_line() {
    let admin = &shared_services().await.admin;
    let wrong = "topics:\n  - {name: a, partitions: 0, replicationFactor: 1}\n";
    let problem = send(admin, "/api/plan", wrong)
        .await
        .problem(400, "invalid_document");
    assert_eq!(problem["line"], 2, "{problem}");
    let json = admin.post_json("/api/plan", "{}").await;
    json.problem(415, "unsupported_media_type");
    send(admin, "/api/apply", "topics: []\n")
        .await
        .field_problem(400, "hash");
}

/// The command line is what CI runs: its exit codes are its answer.
#[tokio::test]
async fn the_command_line_says_by_its_exit_code_whether_there_are_changes() {
    let admin = &shared_services().await.admin;
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_every-call"))
        .with_file_name("kafka-admin-service");
    let file = tempfile::NamedTempFile::new().unwrap();
    let name = unique("declared");
    let text = format!("topics:\n  - {{name: {name}, partitions: 1, replicationFactor: 3}}\n");
    std::fs::write(file.path(), text).unwrap();
    let token = cluster_tests::secured::named_keys().map(|keys| keys.token("admin"));
    let run = async |command: &str| {
        let output = tokio::process::Command::new(&program)
            .args([command, "--server", admin.base()])
            .envs(token.as_ref().map(|file| ("TOKEN_FILE", file)))
            .arg(file.path())
            .output()
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said)
    };
    let (code, said) = run("plan").await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&format!("{name}: create")), "{said}");
    assert_eq!(run("apply").await.0, Some(2));
    assert_eq!(run("plan").await.0, Some(0));
    assert_eq!(run("apply").await.0, Some(0));
    std::fs::write(file.path(), "topics: 7\n").unwrap();
    assert_eq!(run("plan").await.0, Some(1));
}
