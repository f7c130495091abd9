//! How long the health service takes to measure the lag of all groups, with how many requests and how much
//! memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, stream};
use kafka_cluster::{Connection, KafkaCluster, NewTopic, TopicPartition};
use local_cluster::java::Java;
use local_cluster::layout::Layout;
use local_cluster::{Cluster, Jvm};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::health_service::HealthService;
use crate::machine::Machine;
use crate::measured::Spread;
use crate::soak;

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Lag {
    /// How many collections of each row are looked at.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    collections: u32,
    /// The rows: partitions, groups, and partitions that each group committed on, such as 300x50x30.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "0x0x0,300x50x30,300x50x300,3000x500x30,3000x500x3000"
    )]
    rows: Vec<Row>,
    /// In place of the rows: for so many minutes topics and groups come and go, and the memory of the
    /// service is printed.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..))]
    soak: Option<u32>,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    partitions: usize,
    groups: usize,
    committed: usize,
}

impl std::str::FromStr for Row {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split('x').map(str::parse);
        let numbers = numbers.collect::<Result<Vec<usize>, _>>();
        match numbers.as_deref() {
            Ok(&[partitions, groups, committed]) if committed <= partitions => Ok(Self {
                partitions,
                groups,
                committed,
            }),
            _ => Err("is not PARTITIONSxGROUPSxCOMMITTED, such as 300x50x30".to_owned()),
        }
    }
}

/// What a row came to.
struct Measured {
    row: Row,
    took_s: Vec<f64>,
    requests: BTreeMap<String, f64>,
    resident_mb: f64,
}

const PARTITIONS_OF_A_TOPIC: usize = 12;
const DEADLINE: Duration = Duration::from_secs(60);
/// A row is given up when nothing was collected for so long.
const PATIENCE: Duration = Duration::from_secs(300);
/// Of the requests those that measuring lag is made of; others go on beside it.
const REQUESTS: [&str; 5] = [
    "ListGroups",
    "DescribeGroups",
    "FindCoordinator",
    "OffsetFetch",
    "ListOffsets",
];

/// Measures all rows and prints a table.
///
/// # Errors
/// A cluster that does not start, a service that measures nothing.
pub fn measure(options: &Lag) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let java = Java::prepare(&Layout::find()?).await?;
        let machine = Machine::describe(&java.program, &java.jars.class_path);
        println!("{}\n", machine.line());
        if let Some(minutes) = options.soak {
            return soak::measure(minutes).await;
        }
        let mut rows = Vec::new();
        for row in &options.rows {
            eprintln!("{row:?}");
            rows.push(measured(*row, options.collections).await?);
        }
        print!("{}", table(&rows));
        Ok(())
    })
}

async fn measured(row: Row, collections: u32) -> Result<Measured> {
    let cluster = local_cluster::start_for_test("lag", |spec| {
        spec.jvm = Jvm::full();
        // What is only there to be counted needs no room.
        let settings = [
            ("offsets.topic.num.partitions", "50"),
            ("log.index.size.max.bytes", "65536"),
        ];
        let settings = settings.map(|(name, value)| (name.into(), value.into()));
        spec.broker_settings.extend(settings);
    })
    .await?;
    let client = KafkaCluster::connect(Connection::new(cluster.bootstrap()))?;
    let partitions = make_topics(&client, row.partitions).await?;
    commit(cluster.bootstrap(), row, &partitions).await?;
    watched(&cluster, row, collections).await
}

async fn make_topics(client: &KafkaCluster, partitions: usize) -> Result<Vec<TopicPartition>> {
    let mut all = Vec::new();
    for first in (0..partitions).step_by(PARTITIONS_OF_A_TOPIC) {
        let count = PARTITIONS_OF_A_TOPIC.min(partitions - first);
        let topic = NewTopic {
            name: format!("topic-{:04}", first / PARTITIONS_OF_A_TOPIC),
            partitions: i32::try_from(count)?,
            replication_factor: 3,
            configs: BTreeMap::new(),
        };
        client.create_topic(&topic, DEADLINE).await?;
        let ids = 0..topic.partitions;
        all.extend(ids.map(|id| TopicPartition::new(topic.name.clone(), id)));
        if first + count == partitions {
            client.await_visible(&topic.name, count, DEADLINE).await?;
        }
    }
    Ok(all)
}

/// Each group commits on so many partitions, the next group on those after them.
async fn commit(bootstrap: String, row: Row, partitions: &[TopicPartition]) -> Result<()> {
    let of_group = |number: usize| {
        let mine = partitions.iter().cycle().skip(number * row.committed);
        let mine: Vec<_> = mine.take(row.committed).cloned().collect();
        let bootstrap = bootstrap.clone();
        tokio::task::spawn_blocking(move || commit_one(&bootstrap, number, &mine))
    };
    // Lazily, so that only some of them are connected at a time.
    let mut all = stream::iter(0..row.groups)
        .map(of_group)
        .buffer_unordered(4);
    while let Some(done) = all.next().await {
        done??;
    }
    Ok(())
}

/// Commits offset 0 of each as `group-NUMBER`.
///
/// # Errors
/// Kafka refuses, or does not answer.
pub fn commit_one(bootstrap: &str, number: usize, partitions: &[TopicPartition]) -> Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", format!("group-{number:04}"))
        .create()?;
    let mut offsets = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        offsets.add_partition_offset(&partition.topic, partition.partition, Offset::Offset(0))?;
    }
    consumer.commit(&offsets, CommitMode::Sync)?;
    Ok(())
}

async fn watched(cluster: &Cluster, row: Row, collections: u32) -> Result<Measured> {
    let service = HealthService::start(cluster)?;
    let client = reqwest::Client::new();
    let url = format!("{}/metrics", service.base);
    let mut took_s = Vec::new();
    let (mut last, mut before) = (0.0, BTreeMap::new());
    let mut end = Instant::now() + PATIENCE;
    while took_s.len() < collections as usize {
        ensure!(Instant::now() < end, "{row:?}: lag was not measured again");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let Ok(answer) = client.get(&url).send().await else {
            continue;
        };
        let text = answer.text().await?;
        let collector =
            |name: &str| value(&text, &format!("{name}{{collector=\"consumer_groups\"}}"));
        let at = collector("kafka_health_collector_last_success_timestamp_seconds");
        let (Some(at), Some(took)) = (at, collector("kafka_health_collector_duration_seconds"))
        else {
            continue;
        };
        if at <= last {
            continue;
        }
        // Connections are made in the first one, and statistics are five seconds behind.
        if last > 0.0 {
            took_s.push(took);
            eprintln!("  {took:.3} s");
        }
        if before.is_empty() {
            before = requests(&text);
        }
        last = at;
        end = Instant::now() + PATIENCE;
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    let text = client.get(&url).send().await?.text().await?;
    let errors = value(
        &text,
        "kafka_health_collector_errors_total{collector=\"consumer_groups\"}",
    );
    ensure!(
        errors.unwrap_or(0.0) < 1.0,
        "{row:?}: {errors:?} attempts failed"
    );
    let groups = text
        .lines()
        .filter(|line| line.starts_with("kafka_consumer_lag{"))
        .count();
    ensure!(
        groups == row.groups,
        "{row:?}: lag of {groups} groups is known"
    );
    let done = collections_of(&text, &before).context("no requests were counted")?;
    let resident_mb = service.resident_mb()?;
    service.stop()?;
    Ok(Measured {
        row,
        took_s,
        requests: done,
        resident_mb,
    })
}

/// Requests of one collection: all were asked for alike, and each lists the groups once at every broker.
fn collections_of(text: &str, before: &BTreeMap<String, f64>) -> Option<BTreeMap<String, f64>> {
    let now = requests(text);
    let since = |name: &str| {
        let earlier = before.get(name).copied().unwrap_or(0.0);
        now.get(name).copied().unwrap_or(0.0) - earlier
    };
    const BROKERS: f64 = 3.0;
    let collections = since("ListGroups") / BROKERS;
    (collections > 0.0).then(|| {
        let each = REQUESTS.map(|name| (name.to_owned(), since(name) / collections));
        each.into_iter().filter(|(_, count)| *count > 0.0).collect()
    })
}

fn requests(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines();
    let pairs = lines.filter_map(|line| {
        let rest = line.strip_prefix("kafka_health_requests_total{request=\"")?;
        let (name, count) = rest.split_once("\"} ")?;
        Some((name.to_owned(), count.parse().ok()?))
    });
    pairs.collect()
}

fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series))?;
    line.trim().parse().ok()
}

fn table(rows: &[Measured]) -> String {
    let mut text = "\
| partitions | groups | committed on, each | seconds to measure all lag, median (worst) | requests | resident MB |
| ---: | ---: | ---: | ---: | --- | ---: |
"
    .to_owned();
    for one in rows {
        let took = Spread::of(one.took_s.iter().copied());
        let took = took.map_or_else(String::new, |took| {
            format!("{:.3} ({:.3})", took.median, took.most)
        });
        let requests = one.requests.iter();
        let requests: Vec<_> = requests
            .map(|(name, count)| format!("{count:.0} {name}"))
            .collect();
        let Row {
            partitions,
            groups,
            committed,
        } = one.row;
        text.push_str(&format!(
            "| {partitions} | {groups} | {committed} | {took} | {} | {:.1} |\n",
            requests.join(", "),
            one.resident_mb
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_three_numbers() {
        let row = "300x50x30".parse::<Row>().unwrap();
        assert_eq!((row.partitions, row.groups, row.committed), (300, 50, 30));
        for wrong in ["300x50", "30x1x300", "axbxc", ""] {
            assert!(wrong.parse::<Row>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn requests_are_those_of_one_collection() {
        let text = "kafka_health_requests_total{request=\"ListGroups\"} 9\n\
                    kafka_health_requests_total{request=\"OffsetFetch\"} 150\n";
        let before = requests("kafka_health_requests_total{request=\"ListGroups\"} 3\n");
        let each = collections_of(text, &before).unwrap();
        assert_eq!(each["ListGroups"], 3.0);
        assert_eq!(each["OffsetFetch"], 75.0);
        assert!(!each.contains_key("ListOffsets"));
        assert!(collections_of(text, &requests(text)).is_none());
    }
}
