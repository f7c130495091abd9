//! What a verified run of the load test's own program finds: undisturbed, with a leader killed in the middle
//! of it, and where records must be lost.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kafka_cluster::{OffsetSpec, TopicPartition};
use load_test_service::run::RunReport;
use local_cluster::NodeId;
use local_cluster::java::Java;
use local_cluster::layout::Layout;
use tokio::process::{Child, Command};

use crate::child;
use crate::cluster::{BenchCluster, PARTITIONS};
use crate::machine::Machine;

const PROGRAM: &str = "load-test-service";
const LOOK_EVERY: Duration = Duration::from_millis(20);
const DEADLINE: Duration = Duration::from_secs(10);
const HEALING: Duration = Duration::from_secs(120);
/// How long the leader acknowledges alone before it is killed.
const ALONE: Duration = Duration::from_secs(1);

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Loss {
    /// What to do to the run, by name; all without.
    #[arg(long, value_delimiter = ',')]
    cases: Vec<Case>,
    /// How often each; the undisturbed run is made once.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Events of a run that is disturbed.
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(100_000..))]
    events: u64,
    /// Events of the undisturbed run.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(100_000..))]
    undisturbed_events: u64,
}

/// What is done to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Case {
    /// Nothing.
    Undisturbed,
    /// The leader of a third of the partitions is killed.
    LeaderKilled,
    /// The negative control: both followers stand still, the leader acknowledges alone and is killed.
    LeaderAlone,
}

impl Case {
    const ALL: [Self; 3] = [Self::Undisturbed, Self::LeaderKilled, Self::LeaderAlone];

    fn text(self) -> &'static str {
        match self {
            Self::Undisturbed => "nothing",
            Self::LeaderKilled => "a leader killed in the middle",
            Self::LeaderAlone => "a leader killed that alone had acknowledged (negative control)",
        }
    }

    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Undisturbed => &[],
            Self::LeaderKilled => &["--profile=durable"],
            Self::LeaderAlone => &["--acks=1", "--idempotence=false"],
        }
    }

    /// With one partition whoever leads it leads all.
    fn partitions(self) -> u16 {
        match self {
            Self::LeaderAlone => 1,
            Self::Undisturbed | Self::LeaderKilled => PARTITIONS,
        }
    }
}

/// What a run came to.
struct Outcome {
    report: RunReport,
    /// Records of the topic, as Kafka counts them.
    in_kafka: i64,
    /// The most that the program had resident, in MB of a million bytes.
    peak_mb: f64,
}

/// Makes the runs and prints a table.
///
/// # Errors
/// A cluster that does not start, a run that could not be made or not be read back to its end.
pub fn measure(options: &Loss) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let cases = if options.cases.is_empty() {
        Case::ALL.to_vec()
    } else {
        options.cases.clone()
    };
    runtime.block_on(async {
        let java = Java::prepare(&Layout::find()?).await?;
        let program = child::release_build(PROGRAM)?;
        println!(
            "{}\n",
            Machine::describe(&java.program, &java.jars.class_path).line()
        );
        println!("{HEADER}");
        let bench = BenchCluster::start(false).await?;
        for case in cases {
            let (rounds, events) = match case {
                Case::Undisturbed => (1, options.undisturbed_events),
                Case::LeaderKilled | Case::LeaderAlone => (options.rounds, options.events),
            };
            for round in 1..=rounds {
                eprintln!("{case:?} {round}/{rounds}");
                let outcome = Run::new(&bench, &program, case, events, round);
                println!("{}", line(case, &outcome.make().await?)?);
            }
        }
        Ok(())
    })
}

/// One run.
struct Run<'a> {
    bench: &'a BenchCluster,
    program: &'a Path,
    case: Case,
    events: u64,
    topic: String,
}

impl<'a> Run<'a> {
    fn new(
        bench: &'a BenchCluster,
        program: &'a Path,
        case: Case,
        events: u64,
        round: u32,
    ) -> Self {
        Self {
            bench,
            program,
            case,
            events,
            topic: format!("loss-{case:?}-{round}").to_lowercase(),
        }
    }

    async fn make(&self) -> Result<Outcome> {
        let partitions = self.case.partitions();
        self.bench
            .make_topic(&self.topic, partitions, self.events)
            .await?;
        let file = tempfile::NamedTempFile::new()?;
        let mut child = Command::new(self.program)
            .args(["run", "--quiet", "--verify", "--topic", &self.topic])
            .args(["--bootstrap-servers", &self.bench.bootstrap()])
            .args(["--event-count", &self.events.to_string()])
            .args(self.case.settings())
            .arg("--json")
            .arg(file.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let disturbed = match self.case {
            Case::Undisturbed => Ok(()),
            Case::LeaderKilled | Case::LeaderAlone => self.disturb(&mut child).await,
        };
        let peak_mb = peak_until_the_end(&mut child).await?;
        disturbed?;
        let report = std::fs::read_to_string(file.path())?;
        let report = serde_json::from_str(&report).context("the program wrote no report")?;
        self.bench.cluster().heal(HEALING).await?;
        // The client may still know the leaders of before.
        let in_kafka = local_cluster::wait_for_condition("offsets", HEALING, || async {
            self.written().await.map_err(|error| format!("{error:#}"))
        });
        let in_kafka = in_kafka.await?;
        self.bench.delete_topic(&self.topic).await?;
        Ok(Outcome {
            report,
            in_kafka,
            peak_mb,
        })
    }

    /// Kills the leader of partition 0 once half of the events are there.
    async fn disturb(&self, child: &mut Child) -> Result<()> {
        self.await_written(child, self.events as i64 / 2).await?;
        let cluster = self.bench.cluster();
        let described = self.bench.client().topic(&self.topic, DEADLINE).await?;
        let first = described.partitions.first().context("a partition")?;
        let leader = NodeId::broker(u16::try_from(first.leader.context("a leader")?)?);
        if self.case == Case::LeaderKilled {
            return Ok(cluster.kill(leader).await?);
        }
        let brokers = cluster.spec().broker_nodes().into_iter();
        let followers: Vec<NodeId> = brokers.filter(|node| *node != leader).collect();
        for follower in &followers {
            cluster.pause(*follower).await?;
        }
        // The leader goes on acknowledging, and the controller still takes the followers for in sync.
        tokio::time::sleep(ALONE).await;
        let killed = cluster.kill(leader).await;
        for follower in followers {
            cluster.resume(follower)?;
        }
        Ok(killed?)
    }

    async fn await_written(&self, child: &mut Child, count: i64) -> Result<()> {
        while self.written().await? < count {
            if let Some(status) = child.try_wait()? {
                bail!("the run ended ({status}) before {count} of its events were there");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Records of the topic, as Kafka counts them.
    async fn written(&self) -> Result<i64> {
        let partitions = 0..i32::from(self.case.partitions());
        let places: Vec<_> = partitions
            .map(|id| TopicPartition::new(&self.topic, id))
            .collect();
        let client = self.bench.client();
        let ends = client.offsets(&places, OffsetSpec::Latest, DEADLINE);
        let ends = ends.await?;
        ensure!(ends.len() == places.len(), "not all partitions answered");
        let mut sum = 0;
        for end in ends.into_values() {
            sum += end?;
        }
        Ok(sum)
    }
}

/// The most that the process had resident.
async fn peak_until_the_end(child: &mut Child) -> Result<f64> {
    let pid = i32::try_from(child.id().context("the run has ended")?)?;
    let mut peak_mb = 0.0;
    loop {
        peak_mb = child::memory_mb(pid, "VmHWM").unwrap_or(peak_mb);
        if child.try_wait()?.is_some() {
            return Ok(peak_mb);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

const HEADER: &str = "\
| what happens | settings | events | acknowledged | failed: not written / possibly written | acknowledged and read back | lost | duplicated | out of order | corrupted | failed but there | records in Kafka | longest gap s | peak resident MB |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

fn line(case: Case, outcome: &Outcome) -> Result<String> {
    let Outcome {
        report,
        in_kafka,
        peak_mb,
    } = outcome;
    let found = report
        .verification
        .as_ref()
        .context("the run was not verified")?;
    ensure!(
        found.reason.is_none(),
        "not read back to the end: {:?}",
        found.reason
    );
    let settings = match case.settings() {
        [] => "the defaults".to_owned(),
        some => some.join(" "),
    };
    let gap = &report.disturbances.longest_gap;
    let gap = gap.map_or_else(
        || "-".to_owned(),
        |gap| format!("{:.1}", gap.duration_ms / 1e3),
    );
    Ok(format!(
        "| {} | {settings} | {} | {} | {} / {} | {} | {} | {} | {} | {} | {} | {in_kafka} | {gap} | {peak_mb:.0} |",
        case.text(),
        report.event_count,
        found.acknowledged,
        found.failed.not_written,
        found.failed.possibly_written,
        found.read_back,
        found.lost,
        found.duplicated,
        found.out_of_order,
        found.corrupted,
        found.failed_but_there.not_written + found.failed_but_there.possibly_written,
    ))
}
