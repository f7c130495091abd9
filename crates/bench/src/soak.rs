//! The health service's memory while topics and groups come and go.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kafka_cluster::{Connection, GroupListing, KafkaCluster, NewTopic, TopicPartition};

use crate::health_service::HealthService;
use crate::lag::commit_one;
use crate::measured::Spread;

const DEADLINE: Duration = Duration::from_secs(20);
/// A topic with its group comes this often, and goes after so many others.
const EVERY: Duration = Duration::from_secs(3);
const LIVES_FOR: usize = 20;
const PARTITIONS: i32 = 6;
/// The memory is told for each of so many parts of the time.
const PARTS: usize = 6;

/// Runs for so many minutes and prints the memory of each part.
///
/// # Errors
/// A cluster or a service that fails.
pub async fn measure(minutes: u32) -> Result<()> {
    let cluster = local_cluster::start_for_test("soak", |_| {}).await?;
    let client = KafkaCluster::connect(Connection::new(cluster.bootstrap()))?;
    let service = HealthService::start(&cluster)?;
    let (begin, lasts) = (Instant::now(), Duration::from_secs(u64::from(minutes) * 60));
    let mut there: VecDeque<usize> = VecDeque::new();
    let mut samples: Vec<(Duration, f64)> = Vec::new();
    let mut number = 0;
    while begin.elapsed() < lasts {
        let round = Instant::now();
        come(&client, &cluster.bootstrap(), number).await?;
        there.push_back(number);
        number += 1;
        if there.len() > LIVES_FOR
            && let Some(oldest) = there.pop_front()
        {
            go(&client, oldest).await?;
        }
        samples.push((begin.elapsed(), service.resident_mb()?));
        if number % 20 == 0 {
            let (at, mb) = samples[samples.len() - 1];
            eprintln!(
                "  {:.0} s: {mb:.1} MB, {number} topics and groups came",
                at.as_secs_f64()
            );
        }
        tokio::time::sleep(EVERY.saturating_sub(round.elapsed())).await;
    }
    println!(
        "{number} topics of {PARTITIONS} partitions, each with a group, came and went in {minutes} minutes:\n"
    );
    println!("| minutes | resident MB, median (least-most) |\n| --- | ---: |");
    let part = lasts / PARTS as u32;
    for index in 0..PARTS as u32 {
        let (from, to) = (part * index, part * (index + 1));
        let within = samples.iter().filter(|(at, _)| (from..to).contains(at));
        let spread = Spread::of(within.map(|(_, mb)| *mb)).context("no samples")?;
        let minutes = |duration: Duration| duration.as_secs_f64() / 60.0;
        println!(
            "| {:.1}-{:.1} | {:.1} ({:.1}-{:.1}) |",
            minutes(from),
            minutes(to),
            spread.median,
            spread.least,
            spread.most
        );
    }
    Ok(())
}

fn names(number: usize) -> (String, String) {
    (format!("passing-{number}"), format!("group-{number:04}"))
}

async fn come(client: &KafkaCluster, bootstrap: &str, number: usize) -> Result<()> {
    let topic = NewTopic {
        name: names(number).0,
        partitions: PARTITIONS,
        replication_factor: 3,
        configs: BTreeMap::new(),
    };
    client.create_topic(&topic, DEADLINE).await?;
    client
        .await_visible(&topic.name, usize::try_from(PARTITIONS)?, DEADLINE)
        .await?;
    let partitions: Vec<_> = (0..PARTITIONS)
        .map(|id| TopicPartition::new(topic.name.clone(), id))
        .collect();
    let bootstrap = bootstrap.to_owned();
    tokio::task::spawn_blocking(move || commit_one(&bootstrap, number, &partitions)).await?
}

async fn go(client: &KafkaCluster, number: usize) -> Result<()> {
    let (topic, group) = names(number);
    let listings = client.groups(DEADLINE).await?;
    let listed: Option<&GroupListing> = listings.groups.iter().find(|one| one.id == group);
    if let Some(listed) = listed {
        client.delete_group(listed, DEADLINE).await?;
    }
    client.delete_topic(&topic, DEADLINE).await?;
    Ok(())
}
