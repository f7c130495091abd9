//! Every write leaves an intent and an outcome, with Kafka's own consumer as the witness.

use std::time::Duration;

use clap::Parser;
use cluster_tests::api::Api;
use cluster_tests::{PATIENCE, kafka_tool, names, secured, shared};
use kafka_admin_service::settings::Settings;
use serde_json::Value;
use service_kit::Role;
use service_kit::access::NewToken;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::with_topic;

/// The writes about a topic, oldest first: call, result, and the answer's status.
async fn writes(admin: &Api, topic: &str) -> Vec<(String, String, u64)> {
    let page = admin.get(&format!("/api/audit?topic={topic}")).await;
    let page = page.ok_json(200);
    assert_eq!(page["end"], "complete", "{page}");
    let entries = page["entries"].as_array().unwrap().iter().rev();
    let told = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entries
        .map(|entry| {
            let method = told(&entry["intent"]["call"]);
            let (result, status) = (&entry["outcome"]["result"], &entry["outcome"]["status"]);
            (method, told(result), status.as_u64().unwrap_or(0))
        })
        .collect()
}

#[tokio::test]
async fn a_session_leaves_one_intent_and_one_outcome_for_each_write_and_none_for_a_look() {
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}");
    let configs = format!("{path}/configs");
    let merge = r#"{"configs": {"retention.ms": "60000"}}"#;
    admin.patch_json(&configs, merge).await.ok_json(200);
    let look = r#"{"configs": {"retention.ms": "70000"}, "validateOnly": true}"#;
    admin.patch_json(&configs, look).await.ok_json(200);
    let wrong = r#"{"configs": {"no.such.setting": "1"}}"#;
    admin
        .patch_json(&configs, wrong)
        .await
        .problem(422, "unknown_config");
    admin
        .delete(&format!("{path}?validateOnly=true"))
        .await
        .ok_json(200);
    admin.delete(&path).await;

    let name = |call: &str, result: &str, status| (call.to_owned(), result.to_owned(), status);
    let patch = format!("PATCH {configs}");
    assert_eq!(
        writes(admin, &topic).await,
        [
            name("POST /api/topics", "done", 201),
            name(&patch, "done", 200),
            name(&patch, "refused", 422),
            name(&format!("DELETE {path}"), "done", 204),
        ]
    );

    let printed = raw_audit().await;
    let about = |kind: &str| {
        let mark = format!("\"kind\":\"{kind}\"");
        let lines = printed.lines().filter(move |line| line.contains(&mark));
        lines.filter_map(|line| serde_json::from_str::<Value>(line).ok())
    };
    let mut intents: Vec<_> = about("intent")
        .filter(|intent| intent["topic"] == topic.as_str())
        .collect();
    // They are spread over partitions; ids sort by time.
    intents.sort_by_key(|intent| intent["auditId"].to_string());
    assert_eq!(intents.len(), 4, "{intents:?}");
    for intent in &intents {
        let outcomes = about("outcome").filter(|one| one["auditId"] == intent["auditId"]);
        assert_eq!(outcomes.count(), 1, "{intent}");
        // Where the services want tokens, the test has that of the admin.
        let actor = secured::named_keys().map_or("anonymous", |_| "admin");
        assert_eq!(intent["actor"], actor);
        assert!(
            intent["from"].is_string() && intent["requestId"].is_string(),
            "{intent}"
        );
    }
    // What was there before is part of the outcome.
    let merged = about("outcome").find(|one| one["auditId"] == intents[1]["auditId"]);
    let text = merged.unwrap().to_string();
    assert!(
        text.contains("retention.ms") && text.contains("60000"),
        "{text}"
    );
    let deleted = about("outcome").find(|one| one["auditId"] == intents[3]["auditId"]);
    let deleted = deleted.unwrap();
    let answer = &deleted["answer"];
    assert_eq!(answer["before"]["partitions"], 2, "{deleted}");
    assert_eq!(answer["before"]["configs"]["retention.ms"], "60000");
    assert_eq!(answer["topicUse"]["recordCount"], 0, "{deleted}");
}

/// A call about many topics is found by each of them.
#[tokio::test]
async fn an_applied_document_is_in_the_audit_of_each_topic_with_what_changed() {
    let (admin, first) = with_topic().await;
    let second = names::unique("admin");
    let document = format!(
        "topics:\n  - {{name: {first}, partitions: 3, replicationFactor: 3, configs: {{retention.ms: 70000}}}}\n\
         \x20 - {{name: {second}, partitions: 1, replicationFactor: 3}}\n"
    );
    let yaml = async |path: &str| {
        let body = ("application/yaml", document.clone());
        admin.send(reqwest::Method::POST, path, Some(body)).await
    };
    let plan = yaml("/api/plan").await.ok_json(200);
    let hash = plan["hash"].as_str().unwrap();
    yaml(&format!("/api/apply?hash={hash}")).await.ok_json(200);
    for topic in [&first, &second] {
        let page = admin.get(&format!("/api/audit?topic={topic}")).await;
        let page = page.ok_json(200);
        let newest = &page["entries"][0];
        assert_eq!(newest["intent"]["call"], "POST /api/apply", "{page}");
        let declared = &newest["intent"]["request"]["topics"];
        assert_eq!(declared[0]["name"], first.as_str(), "{page}");
    }
    let page = admin.get(&format!("/api/audit?topic={first}")).await;
    let page = page.ok_json(200);
    let changes = &page["entries"][0]["outcome"]["answer"]["topics"][0]["changes"];
    assert_eq!(changes[0]["field"], "partitions", "{page}");
    assert_eq!(changes[0]["before"], "2", "{page}");
    assert_eq!(changes[1]["field"], "configs.retention.ms", "{page}");
}

/// The intent is being acknowledged in the first milliseconds: a client that leaves then has begun a write.
#[tokio::test]
async fn a_client_that_goes_away_leaves_no_intent_without_an_outcome() {
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}/configs");
    for patience_ms in 1..=12 {
        let body = format!(r#"{{"configs": {{"retention.ms": "{patience_ms}00000"}}}}"#);
        let patience = Duration::from_millis(patience_ms);
        // Whether it was answered in time does not matter.
        let _ = tokio::time::timeout(patience, admin.patch_json(&path, &body)).await;
    }
    let last = r#"{"configs": {"retention.ms": "99000000"}}"#;
    admin.patch_json(&path, last).await.ok_json(200);
    local_cluster::wait_for_condition("outcomes", PATIENCE, || async {
        let page = admin.get(&format!("/api/audit?topic={topic}")).await;
        let page = page.ok_json(200);
        let entries = page["entries"].as_array().unwrap();
        let open = entries.iter().any(|entry| entry["outcome"].is_null());
        if open { Err(page.clone()) } else { Ok(()) }
    })
    .await
    .unwrap();
}

/// The values of the audit topic, one a line, as Kafka's own consumer reads them.
async fn raw_audit() -> String {
    let (_, local) = shared().await;
    let console = "org.apache.kafka.tools.consumer.ConsoleConsumer";
    let arguments = [
        "--topic",
        "audit-logs",
        "--from-beginning",
        "--timeout-ms",
        "8000",
    ];
    kafka_tool(console, &local.bootstrap(), &arguments).await
}

/// A setting that Kafka does not know, such as one of a plugin, is sensitive to it.
#[tokio::test]
async fn a_secret_is_in_no_answer_and_not_in_the_audit_however_it_came() {
    let (admin, topic) = with_topic().await;
    let (name, secret) = (names::unique("plugin.login"), names::unique("hunter"));
    let path = "/api/brokers/1/configs";
    let good = format!(r#"{{"configs": {{"{name}": "{secret}"}}}}"#);
    let refused = format!(
        r#"{{"configs": {{"{name}": "{secret}", "ssl.key.password": "{secret}", "broker.id": "7"}}}}"#
    );
    let malformed = format!(r#"{{"configs": {{"ssl.key.password": "{secret}"}},}}"#);
    let misplaced = format!(r#"{{"ssl.key.password": "{secret}"}}"#);
    let record = format!(r#"{{"value": "{secret}""#);
    let records = format!("/api/topics/{topic}/records");
    let answers = [
        (200, admin.patch_json(path, &good).await),
        (422, admin.patch_json(path, &refused).await),
        (400, admin.patch_json(path, &malformed).await),
        (400, admin.patch_json(path, &misplaced).await),
        (400, admin.post_json(&records, &record).await),
        (
            400,
            admin
                .post(&format!("/api/topics?ssl.key.password={secret}"))
                .await,
        ),
        (200, admin.get(path).await),
    ];
    let taken_back = format!(r#"{{"configs": {{"{name}": null}}}}"#);
    admin.patch_json(path, &taken_back).await.ok_json(200);
    for (status, answer) in &answers {
        assert_eq!(answer.status.as_u16(), *status, "{}", answer.text);
        assert!(!answer.text.contains(&secret), "{}", answer.text);
    }
    let page = admin.get("/api/audit?limit=1000").await;
    let told = page.ok_json(200).to_string();
    assert!(told.contains(&name) && !told.contains(&secret), "{told}");
    let raw = raw_audit().await;
    assert!(raw.contains(&name), "the writes are not there");
    let leak = raw.lines().find(|line| line.contains(&secret));
    assert_eq!(leak, None);
}

#[tokio::test]
async fn breaking_the_glass_takes_a_reason() {
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}?breakGlass=true");
    admin.delete(&path).await.problem(400, "invalid_input");
    let answer = admin.delete(&format!("{path}&reason=a+test")).await;
    assert_eq!(answer.status.as_u16(), 204, "{}", answer.text);
}

#[tokio::test]
async fn every_write_may_say_why() {
    let (admin, topic) = with_topic().await;
    let path = format!("/api/topics/{topic}");
    let configs = format!("{path}/configs");
    let body = r#"{"configs": {"retention.ms": "60000"}, "reason": "in the body"}"#;
    admin.patch_json(&configs, body).await.ok_json(200);
    let body = r#"{"configs": {"retention.ms": "70000"}}"#;
    let query = format!("{configs}?reason=in+the+query");
    admin.patch_json(&query, body).await.ok_json(200);
    let grow = format!("{path}/partitions?partitions=3&reason=more+load");
    admin.post(&grow).await.ok_json(200);
    let elect = format!("{path}/elections?reason=balance");
    admin.post(&elect).await.ok_json(200);
    admin.delete(&format!("{path}?reason=done")).await;
    let page = admin.get(&format!("/api/audit?topic={topic}")).await;
    let page = page.ok_json(200);
    let entries = page["entries"].as_array().unwrap().iter().rev();
    let reasons: Vec<_> = entries.map(|entry| &entry["intent"]["reason"]).collect();
    let said = [
        "in the body",
        "in the query",
        "more load",
        "balance",
        "done",
    ];
    assert_eq!(*reasons[0], Value::Null);
    assert_eq!(reasons[1..], said);
}

#[tokio::test]
async fn the_audit_topic_is_not_deleted() {
    let (admin, _) = with_topic().await;
    let answer = admin
        .delete("/api/topics/audit-logs?force=true&reason=tidy")
        .await;
    answer.problem(403, "protected_topic");
}

#[tokio::test]
async fn pages_of_the_audit_follow_each_other_and_together_are_the_whole() {
    let (admin, topic) = with_topic().await;
    let configs = format!("/api/topics/{topic}/configs");
    for seconds in 60..65 {
        let body = format!(r#"{{"configs": {{"retention.ms": "{seconds}000"}}}}"#);
        admin.patch_json(&configs, &body).await.ok_json(200);
    }
    let find = format!("/api/audit?topic={topic}");
    let whole = admin.get(&find).await.ok_json(200);
    assert_eq!(
        (&whole["end"], &whole["nextCursor"]),
        (&"complete".into(), &Value::Null)
    );
    let whole = whole["entries"].as_array().unwrap();
    assert_eq!(whole.len(), 6);

    let (mut pages, mut cursor) = (Vec::new(), String::new());
    for last in [false, false, true] {
        let page = admin
            .get(&format!("{find}&limit=2{cursor}"))
            .await
            .ok_json(200);
        pages.extend(page["entries"].as_array().unwrap().clone());
        let next = page["nextCursor"].as_str();
        assert_eq!(next.is_none(), last, "{page}");
        cursor = next.map_or(String::new(), |next| format!("&cursor={next}"));
    }
    assert_eq!(&pages, whole);
    for wrong in ["", "yesterday"] {
        let refused = admin.get(&format!("/api/audit?cursor={wrong}")).await;
        refused.field_problem(400, "cursor");
    }
    // The last second that there is; no time is an outcome's limit after it.
    let latest = admin.get("/api/audit?limit=1&cursor=253402207200000").await;
    assert_eq!(latest.ok_json(200)["entries"].as_array().unwrap().len(), 1);
}

/// Short retention is a deletion in effect.
#[tokio::test]
async fn what_the_audit_log_keeps_is_not_changed_unless_the_glass_is_broken() {
    let (admin, _) = with_topic().await;
    let path = "/api/topics/audit-logs/configs";
    let short = r#"{"configs": {"retention.ms": "1"}}"#;
    let refused = admin.patch_json(path, short).await;
    let problem = refused.problem(403, "protected_topic");
    assert_eq!(problem["errors"][0]["field"], "configs.retention.ms");
    let json = |body: &str| Some(("application/json", body.to_owned()));
    let only = r#"{"configs": {"compression.type": "zstd"}}"#;
    let replaced = admin.send(reqwest::Method::PUT, path, json(only)).await;
    replaced.problem(403, "protected_topic");
    let grown = admin
        .post("/api/topics/audit-logs/partitions?partitions=7")
        .await;
    grown.problem(403, "protected_topic");
    let restored = admin.post("/api/topics/audit-logs/restore").await;
    restored.problem(403, "protected_topic");
    // What is there already is no change, and other settings are not protected.
    let same = r#"{"configs": {"retention.ms": "2592000000"}}"#;
    let unchanged = admin.patch_json(path, same).await.ok_json(200);
    assert_eq!(unchanged["changes"].as_array().unwrap().len(), 0);
    let other = r#"{"configs": {"compression.type": "zstd"}, "validateOnly": true}"#;
    admin.patch_json(path, other).await.ok_json(200);

    let text = admin.get("/api/topics/export?prefix=audit-logs").await.text;
    let yaml = async |path: &str, text: &str| {
        let body = ("application/yaml", text.to_owned());
        admin.send(reqwest::Method::POST, path, Some(body)).await
    };
    let plan = yaml("/api/plan", &text).await.ok_json(200);
    assert_eq!(plan["changes"], false, "{plan}");
    let shorter = text.replace("2592000000", "1");
    assert_ne!(shorter, text);
    let plan = yaml("/api/plan", &shorter).await.ok_json(200);
    let hash = plan["hash"].as_str().unwrap();
    let refused = yaml(&format!("/api/apply?hash={hash}"), &shorter).await;
    let problem = refused.problem(422, "cannot_apply");
    assert_eq!(problem["errors"][0]["code"], "protected_topic", "{problem}");

    let broken = format!("{path}?breakGlass=true&reason=a+test");
    let look = r#"{"configs": {"retention.ms": "1"}, "validateOnly": true}"#;
    let plan = admin.patch_json(&broken, look).await.ok_json(200);
    assert_eq!(plan["changes"].as_array().unwrap().len(), 1, "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_for_the_audit_nothing_is_changed_unless_the_glass_is_broken() {
    let (_, local) = shared().await;
    let bootstrap = local.bootstrap();
    let absent = names::unique("no-audit");
    let arguments = [
        "service",
        "--bootstrap-servers",
        &bootstrap,
        "--audit-topic",
        &absent,
    ];
    let (admin, stop, running) = start(&arguments).await;

    let topic = names::unique("unrecorded");
    let create = format!("/api/topics?topicName={topic}&partitions=1&replicationFactor=1");
    let refused = admin.post(&create).await;
    let problem = refused.problem(503, "audit_unavailable");
    assert_eq!(problem["retriable"], true, "{problem}");
    let path = format!("/api/topics/{topic}");
    admin.get(&path).await.problem(404, "topic_not_found");
    let nowhere = admin.get("/api/audit").await;
    nowhere.problem(404, "topic_not_found");
    // A look needs no audit.
    admin
        .post(&format!("{create}&validateOnly=true"))
        .await
        .ok_json(200);
    let broken = format!("{create}&breakGlass=true&reason=audit+is+down");
    admin.post(&broken).await.ok_json(201);
    let broken = format!("{path}?breakGlass=true&reason=audit+is+down");
    assert_eq!(admin.delete(&broken).await.status.as_u16(), 204);

    stop.cancel();
    running.await.unwrap().unwrap();
}

/// A service of its own, with other settings.
async fn start(
    arguments: &[&str],
) -> (
    Api,
    CancellationToken,
    tokio::task::JoinHandle<anyhow::Result<()>>,
) {
    let (_, local) = shared().await;
    let principal = secured::flags(&local.bootstrap(), "kafka-admin-service");
    let arguments = arguments.iter().map(ToString::to_string);
    let settings = Settings::parse_from(arguments.chain(principal));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin = Api::new(&format!("http://{}", listener.local_addr().unwrap()));
    let stop = CancellationToken::new();
    let running = tokio::spawn(kafka_admin_service::run(listener, settings, stop.clone()));
    (admin, stop, running)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_names_the_token() {
    let (shared_admin, topic) = with_topic().await;
    let (_, local) = shared().await;
    let bootstrap = local.bootstrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    let token = NewToken::make("ci", Role::Operator, "*").unwrap();
    std::fs::write(&file, &token.line).unwrap();
    let tokens = format!("--tokens-file={}", file.display());
    let arguments = [
        "service",
        "--bootstrap-servers",
        &bootstrap,
        "--audit-topic",
        "audit-logs",
        &tokens,
    ];
    let (admin, stop, running) = start(&arguments).await;
    let path = format!("/api/topics/{topic}/configs");
    let body = r#"{"configs": {"retention.ms": "60000"}}"#;
    admin
        .patch_json(&path, body)
        .await
        .problem(401, "unauthenticated");
    let headers = vec![
        ("authorization", format!("Bearer {}", token.secret)),
        ("content-type", "application/json".to_owned()),
    ];
    let patched = admin
        .send_with(reqwest::Method::PATCH, &path, headers, body)
        .await;
    patched.ok_json(200);
    let page = shared_admin
        .get(&format!("/api/audit?topic={topic}&actor=ci"))
        .await;
    let entries = page.ok_json(200)["entries"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    assert!(!entries.to_string().contains(&token.secret), "{entries}");
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_write_leaves_a_refusal_all_the_same() {
    let (shared_admin, topic) = with_topic().await;
    let (_, local) = shared().await;
    let bootstrap = local.bootstrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    let looks = NewToken::make("looks", Role::Viewer, "*").unwrap();
    let others = NewToken::make("others", Role::Admin, "other-*").unwrap();
    std::fs::write(&file, format!("{}\n{}\n", looks.line, others.line)).unwrap();
    let tokens = format!("--tokens-file={}", file.display());
    let servers = format!("--bootstrap-servers={bootstrap}");
    let path = format!("/api/topics/{topic}");
    let bearer = |token: &NewToken| vec![("authorization", format!("Bearer {}", token.secret))];
    let foreign = vec![("origin", "https://example.org".to_owned())];
    let audit = "--audit-topic=audit-logs";
    let (guarded, first_stop, first) = start(&["service", &servers, audit, &tokens]).await;
    let read_only = "--read-only=true";
    let (resting, second_stop, second) = start(&["service", &servers, audit, read_only]).await;
    for (admin, headers, status, code) in [
        (&guarded, vec![], 401, "unauthenticated"),
        (&guarded, bearer(&looks), 403, "role_forbidden"),
        (&guarded, bearer(&others), 403, "topic_forbidden"),
        (&resting, vec![], 403, "read_only"),
        (&resting, foreign, 403, "foreign_origin"),
    ] {
        let refused = admin
            .send_with(reqwest::Method::DELETE, &path, headers, "")
            .await;
        refused.problem(status, code);
    }
    // A look leaves nothing.
    resting.get(&path).await.ok_json(200);

    let told = |entry: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (intent, outcome) = (&entry["intent"], &entry["outcome"]);
        assert!(intent["from"].is_string(), "{entry}");
        assert!(intent["requestId"].is_string(), "{entry}");
        (
            text(&intent["actor"]),
            text(&outcome["code"]),
            text(&outcome["result"]),
        )
    };
    let find = format!("/api/audit?topic={topic}");
    let mut refusals = local_cluster::wait_for_condition("refusals", PATIENCE, || async {
        let page = shared_admin.get(&find).await.ok_json(200);
        let entries = page["entries"].as_array().unwrap().clone();
        let refused = |entry: &&Value| entry["intent"]["call"] == format!("DELETE {path}");
        let entries: Vec<_> = entries.iter().filter(refused).cloned().collect();
        let complete = entries.len() == 5 && entries.iter().all(|one| !one["outcome"].is_null());
        if complete { Ok(entries) } else { Err(page) }
    })
    .await
    .unwrap()
    .iter()
    .map(told)
    .collect::<Vec<_>>();
    refusals.sort();
    let refused =
        |actor: &str, code: &str| (actor.to_owned(), code.to_owned(), "refused".to_owned());
    assert_eq!(
        refusals,
        [
            refused("anonymous", "foreign_origin"),
            refused("anonymous", "read_only"),
            refused("anonymous", "unauthenticated"),
            refused("looks", "role_forbidden"),
            refused("others", "topic_forbidden"),
        ]
    );
    for (stop, running) in [(first_stop, first), (second_stop, second)] {
        stop.cancel();
        running.await.unwrap().unwrap();
    }
    shared_admin.delete(&path).await;
}

#[tokio::test]
async fn what_a_write_changed_is_taken_back_by_its_entry() {
    let (admin, topic) = with_topic().await;
    let configs = format!("/api/topics/{topic}/configs");
    admin
        .patch_json(&configs, r#"{"configs": {"retention.ms": "60000"}}"#)
        .await
        .ok_json(200);
    let second = r#"{"configs": {"retention.ms": "70000", "segment.ms": "80000"}}"#;
    admin.patch_json(&configs, second).await.ok_json(200);
    let page = admin.get(&format!("/api/audit?topic={topic}")).await;
    let page = page.ok_json(200);
    let newest = &page["entries"][0];
    assert_eq!(
        newest["intent"]["call"],
        format!("PATCH {configs}"),
        "{page}"
    );
    let id = newest["intent"]["auditId"].as_str().unwrap();
    let revert = format!("{configs}/revert?auditId={id}");

    let overridden = async || {
        let list = admin.get(&configs).await.ok_json(200);
        let own = list["configs"].as_array().unwrap().iter();
        let own = own.filter(|one| one["overridden"] == true);
        let pairs = own.map(|one| format!("{}={}", one["name"], one["value"]));
        pairs.collect::<Vec<_>>().join(" ").replace('"', "")
    };
    let both = overridden().await;
    assert!(
        both.contains("retention.ms=70000 segment.ms=80000"),
        "{both}"
    );
    let plan = admin.post(&format!("{revert}&validateOnly=true")).await;
    assert_eq!(plan.ok_json(200)["changes"].as_array().unwrap().len(), 2);
    assert_eq!(overridden().await, both);
    admin.post(&revert).await.ok_json(200);
    let back = overridden().await;
    assert!(back.contains("retention.ms=60000"), "{back}");
    assert!(!back.contains("segment.ms=80000"), "{back}");

    // It has changed since: only with force.
    let again = admin.post(&revert).await.problem(409, "changed_since");
    assert_eq!(again["errors"].as_array().unwrap().len(), 2, "{again}");
    admin
        .post(&format!("{revert}&force=true"))
        .await
        .ok_json(200);
    let elsewhere = format!("/api/brokers/1/configs/revert?auditId={id}");
    admin.post(&elsewhere).await.problem(422, "not_revertible");
    let unknown = format!("{configs}/revert?auditId=1764062400123-5f2c9a10-000003");
    admin
        .post(&unknown)
        .await
        .problem(404, "audit_entry_not_found");
}
