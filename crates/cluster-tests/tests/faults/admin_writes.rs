//! Two clients write settings of one topic while the controller is killed: each write that was
//! acknowledged is there when somebody else looks, and none is lost. Afterwards the leaders that moved are
//! given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cluster_tests::api::Api;
use cluster_tests::names::unique;
use cluster_tests::services::{Target, host};
use cluster_tests::{PATIENCE, client, kafka_tool};
use kafka_cluster::KafkaCluster;
use local_cluster::{NodeId, lease_for_faults, wait_for_condition};
use serde_json::json;

/// What each client has acknowledged at least; the controller is killed in the middle.
const WRITES: u64 = 200;

/// What one client writes to.
#[derive(Clone, Copy)]
struct Own<'a> {
    topic: &'a str,
    name: &'a str,
    base: u64,
}

/// What Kafka says that a setting is, once a broker answers.
async fn setting(witness: &KafkaCluster, topic: &str, name: &str) -> u64 {
    let read = wait_for_condition("a broker to tell the settings", PATIENCE, || async {
        let mut answers = witness.topic_configs(&[topic], PATIENCE).await?;
        answers.remove(0)
    });
    let entries = read.await.unwrap();
    let entry = entries.into_iter().find(|entry| entry.name == name);
    entry.unwrap().value.unwrap().parse().unwrap()
}

/// One client's setting, which it raises by one with every call.
#[derive(Default)]
struct Writer {
    tried: AtomicU64,
    /// The highest that was answered as done, and how many were.
    acknowledged: AtomicU64,
    done: AtomicU64,
}

impl Writer {
    /// `witness` is a client of its own, which knows nothing of what was written.
    async fn run(&self, admin: &Api, witness: &KafkaCluster, own: Own<'_>, stop: &AtomicBool) {
        let Own { topic, name, base } = own;
        let path = format!("/api/topics/{topic}/configs");
        while !stop.load(Ordering::Relaxed) {
            let value = base + self.tried.fetch_add(1, Ordering::Relaxed) + 1;
            let body = json!({"configs": {name: value}}).to_string();
            let answer = admin.patch_json(&path, &body).await;
            match answer.status.as_u16() {
                200 => {
                    // The other client writes another setting: this one is as it was acknowledged.
                    let seen = setting(witness, topic, name).await;
                    assert_eq!(seen, value, "{name} was acknowledged: {}", answer.text);
                    self.acknowledged.store(value, Ordering::Relaxed);
                    self.done.fetch_add(1, Ordering::Relaxed);
                }
                // Not done, or not known; never a success.
                502..=504 => {}
                _ => panic!("{}: {}", answer.status, answer.text),
            }
        }
    }

    async fn reaches(&self, count: u64) {
        wait_for_condition("writes to be acknowledged", PATIENCE, || async {
            let done = self.done.load(Ordering::Relaxed);
            if done >= count { Ok(()) } else { Err(done) }
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn no_setting_is_a_false_success_when_the_controller_is_killed_and_leaders_come_back() {
    let local = lease_for_faults().await.unwrap();
    let services = host(&Target::of(&local));
    let (admin, topic) = (services.admin.clone(), unique("writes"));
    let create = format!("/api/topics?topicName={topic}&partitions=6&replicationFactor=3");
    wait_for_condition("a topic to be made", PATIENCE, || async {
        let made = admin.post(&create).await;
        if made.status.is_success() {
            Ok(())
        } else {
            Err(made.text)
        }
    })
    .await
    .unwrap();

    let cluster = client(&local.bootstrap());
    let controller = cluster.describe(PATIENCE).await.unwrap().controller;
    let node = NodeId::broker(u16::try_from(controller.expect("a controller")).unwrap());
    // Values far from each other and from every default, in milliseconds.
    let settings = [("retention.ms", 1_000_000), ("segment.ms", 2_000_000)];
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = settings
        .into_iter()
        .map(|(name, base)| {
            let writer = Arc::new(Writer::default());
            let (running, admin, topic) = (writer.clone(), admin.clone(), topic.clone());
            let (stop, witness) = (stop.clone(), cluster.clone());
            let task = tokio::spawn(async move {
                let topic = &topic;
                let own = Own { topic, name, base };
                running.run(&admin, &witness, own, &stop).await;
            });
            (name, writer, task)
        })
        .collect();
    for (_, writer, _) in &clients {
        writer.reaches(WRITES / 2).await;
    }
    local.kill(node).await.unwrap();
    for (_, writer, _) in &clients {
        writer.reaches(WRITES).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut written = Vec::new();
    for ((name, writer, task), (_, base)) in clients.into_iter().zip(settings) {
        task.await.unwrap();
        let tried = base + writer.tried.load(Ordering::Relaxed);
        written.push((name, writer.acknowledged.load(Ordering::Relaxed), tried));
    }
    local.start_node(node).await.unwrap();
    let arguments = [
        "--describe",
        "--entity-type",
        "topics",
        "--entity-name",
        &topic,
    ];
    let class = "kafka.admin.ConfigCommand";
    let told = kafka_tool(class, &local.bootstrap(), &arguments).await;
    for (name, acknowledged, tried) in written {
        let value = told.split(&format!(" {name}=")).nth(1).unwrap();
        let value: u64 = value.split(' ').next().unwrap().parse().unwrap();
        assert!(
            (acknowledged..=tried).contains(&value),
            "{name} is {value}, {acknowledged} was acknowledged, {tried} tried: {told}"
        );
    }
    leaders_come_back(&admin, &topic, &local.bootstrap()).await;
}

async fn leaders_come_back(admin: &Api, topic: &str, bootstrap: &str) {
    let path = format!("/api/topics/{topic}");
    wait_for_condition("all replicas to be in sync", PATIENCE, || async {
        let shown = admin.get(&path).await;
        let behind = shown.json()["underReplicatedPartitions"] != 0;
        if behind { Err(shown.text) } else { Ok(()) }
    })
    .await
    .unwrap();
    let elected = admin.post(&format!("{path}/elections")).await.ok_json(200);
    let elections = elected["partitions"].as_array().unwrap();
    assert!(
        !elections.is_empty(),
        "the killed broker led some: {elected}"
    );
    for election in elections {
        assert_eq!(election["outcome"], "elected", "{elected}");
    }
    let class = "org.apache.kafka.tools.TopicCommand";
    let arguments = ["--describe", "--topic", topic];
    let told = kafka_tool(class, bootstrap, &arguments).await;
    let rows = told
        .lines()
        .filter_map(|line| line.split("Leader: ").nth(1));
    for row in rows {
        let leader = row.split_whitespace().next().unwrap();
        let replicas = row.split("Replicas: ").nth(1).unwrap();
        assert!(replicas.starts_with(leader), "{told}");
    }
}
