//! The load test as a process of its own: the same library that the service runs, started as this
//! program's hidden command.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kafka_cluster::{
    Connection, KafkaCluster, OffsetSpec, PartitionMetadata, PartitionRange, ReadEnd, ReadLimits,
    RunId, TopicPartition, read_ranges,
};
use load_test_service::log_event::read_envelope;
use load_test_service::metrics::Metrics;
use load_test_service::plan::{Acks, Compression, Keys, Plan, Tuning};
use load_test_service::run::{Job, Outcome, Phase, Progress, RunReport, execute};
use load_test_service::target::Target;
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::child::{Finished, cpu_of};
use crate::cluster;
use crate::measured::Measured;
use crate::rows::Settings;

/// Asking for partitions or offsets.
const DEADLINE: Duration = Duration::from_secs(10);
/// Reading a whole topic.
const READ_DEADLINE: Duration = Duration::from_mins(2);

/// What the process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// What to do.
    pub task: Task,
    /// `bootstrap.servers`; the mock cluster without.
    pub bootstrap: Option<String>,
    /// A file of more client properties.
    #[serde(default)]
    pub properties: Option<PathBuf>,
    /// Where.
    pub topic: String,
    /// How many.
    pub events: u64,
    /// How many before.
    pub warmup: u64,
    /// How fast.
    pub rate: Option<u64>,
    /// How.
    pub settings: Settings,
}

/// What the process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// One run.
    Send,
    /// Reads the topic from its beginning to its end and checks every record, as a verification does.
    Read,
}

/// Does the order in this process and prints what it came to.
///
/// # Errors
/// The run could not be made.
pub fn obey(order: &str) -> Result<()> {
    let order: Order = serde_json::from_str(order).context("order")?;
    let mut run = match order.task {
        Task::Send => send(&order)?,
        Task::Read => read_topic(&order)?,
    };
    run.memory_mib = getrusage(UsageWho::RUSAGE_SELF)?.max_rss() as f64 / 1024.0;
    println!("{}", serde_json::to_string(&run)?);
    Ok(())
}

/// Reads what the process printed.
///
/// # Errors
/// It printed something else.
pub fn read(finished: &Finished) -> Result<Measured> {
    let run: Measured = serde_json::from_str(&finished.output)
        .with_context(|| format!("no answer: {:?}", finished.output))?;
    Ok(Measured {
        cpu_apart_s: finished.cpu_s - run.cpu_s,
        wall_s: finished.wall_s,
        ..run
    })
}

fn send(order: &Order) -> Result<Measured> {
    let job = job(order)?;
    let progress = Arc::clone(&job.progress);
    let watch = std::thread::spawn(move || cpu_of_the_measured(&progress));
    let report = execute(&job)?;
    job.progress.enter(Phase::Verifying);
    let cpu_s = watch.join().ok().context("the watch on the run")??;
    let latency = report.latency.context("nothing was acknowledged")?;
    let requests = report.produce_requests.map(|requests| requests as f64);
    Ok(Measured {
        records: report.acknowledged,
        throughput: report.throughput,
        p50_ms: latency.p50_ms,
        p99_ms: latency.p99_ms,
        p999_ms: latency.p999_ms,
        max_ms: latency.max_ms,
        cpu_s,
        saving_percent: report.compression_saving_percent,
        requests,
        polls_per_request: report.polls_per_request,
        read_throughput: report
            .verification
            .as_ref()
            .map(|verification| verification.read_back as f64 * 1e3 / verification.duration_ms),
        invalid: why_no_result(&report),
        ..Measured::default()
    })
}

fn why_no_result(report: &RunReport) -> Option<String> {
    (report.outcome != Outcome::Completed).then(|| {
        format!(
            "{} {}",
            report.outcome.label(),
            report.invalid_reasons.join(", ")
        )
    })
}

fn job(order: &Order) -> Result<Job> {
    let settings = &order.settings;
    let connection = match &order.bootstrap {
        Some(bootstrap) => connection(bootstrap, order)?,
        None => Connection::new("unused:1")
            .with_property_lines("test.mock.num.brokers=3\nallow.auto.create.topics=true")?,
    };
    let partitions = match order.bootstrap {
        Some(_) => asked(&connection, &order.topic)?.1,
        None => mock_partitions(),
    };
    let keys = if settings.keys_by_service {
        Keys::Service
    } else {
        Keys::None
    };
    let plan = Plan {
        rate: order.rate,
        tuning: Tuning {
            producers: 1,
            acks: Acks::All,
            idempotence: settings.idempotence,
            compression: Compression::Snappy,
            batch_size_bytes: settings.batch_bytes,
            linger_ms: settings.linger_ms,
        },
        keys,
        warmup_events: order.warmup,
        verify: settings.verify,
        ..Plan::new(order.events, &order.topic)
    };
    Ok(Job {
        id: RunId(u64::from(std::process::id())),
        plan,
        connection,
        target: Target::of(partitions),
        metrics: Metrics::register(&prometheus::Registry::new(), &[])?,
        progress: Arc::default(),
        stop: CancellationToken::new(),
    })
}

fn connection(bootstrap: &str, order: &Order) -> Result<Connection> {
    match &order.properties {
        Some(file) => cluster::connection(bootstrap, file),
        None => Ok(Connection::new(bootstrap)),
    }
}

/// A client of the cluster and the topic's partitions.
fn asked(
    connection: &Connection,
    topic: &str,
) -> Result<(
    tokio::runtime::Runtime,
    Vec<PartitionMetadata>,
    KafkaCluster,
)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let cluster = KafkaCluster::connect(connection.clone())?;
    let described = runtime.block_on(cluster.topic(topic, DEADLINE))?;
    Ok((runtime, described.partitions, cluster))
}

/// librdkafka's mock cluster makes every topic with four partitions.
fn mock_partitions() -> Vec<PartitionMetadata> {
    (0..4)
        .map(|id| PartitionMetadata {
            id,
            leader: Some(id % 3 + 1),
            replicas: vec![1, 2, 3],
            in_sync_replicas: vec![1, 2, 3],
        })
        .collect()
}

/// CPU seconds of this process from the first measured record to the last outcome.
fn cpu_of_the_measured(progress: &Progress) -> Result<f64> {
    const LOOK: Duration = Duration::from_millis(2);
    // The warm-up is drained as the measured records are.
    while !matches!(progress.phase(), Phase::Sending | Phase::Verifying)
        && progress.measured.see().sent == 0
    {
        std::thread::sleep(LOOK);
    }
    let before = cpu_of(UsageWho::RUSAGE_SELF)?;
    while progress.phase() != Phase::Verifying {
        std::thread::sleep(LOOK);
    }
    Ok(cpu_of(UsageWho::RUSAGE_SELF)? - before)
}

fn read_topic(order: &Order) -> Result<Measured> {
    let bootstrap = order.bootstrap.as_deref().context("bootstrap")?;
    let connection = connection(bootstrap, order)?;
    let (runtime, partitions, cluster) = asked(&connection, &order.topic)?;
    let ends: Vec<_> = partitions
        .iter()
        .map(|partition| TopicPartition::new(&order.topic, partition.id))
        .collect();
    let ends = runtime.block_on(cluster.offsets(&ends, OffsetSpec::Latest, DEADLINE))?;
    let ranges: Vec<PartitionRange> = ends
        .iter()
        .map(|(partition, end)| {
            Ok(PartitionRange {
                partition: partition.partition,
                from: 0,
                to: end.clone()?,
            })
        })
        .collect::<Result<_>>()?;
    let (mut records, mut sound) = (0_u64, 0_u64);
    let before = cpu_of(UsageWho::RUSAGE_SELF)?;
    let began = Instant::now();
    let limits = ReadLimits::within(READ_DEADLINE);
    let end = read_ranges(&connection, &order.topic, &ranges, limits, |record| {
        records += 1;
        sound += u64::from(record.payload.is_some_and(|p| read_envelope(p).is_ok()));
        ControlFlow::Continue(())
    })?;
    let seconds = began.elapsed().as_secs_f64();
    ensure!(
        end == ReadEnd::Complete && records == sound,
        "{end:?}: {records} records, {sound} of them sound"
    );
    Ok(Measured {
        records,
        throughput: records as f64 / seconds,
        cpu_s: cpu_of(UsageWho::RUSAGE_SELF)? - before,
        ..Measured::default()
    })
}
